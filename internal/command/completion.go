package command

import (
	"embed"
	"flag"
	"fmt"
	"slices"
	"strings"
)

// shells are those that there is a script for.
var shells = []string{"bash", "zsh", "fish"}

//go:embed completion
var scripts embed.FS

// completionCommand writes the script by which a shell completes commands.
func (p Program) completionCommand() Command {
	return simple(Command{
		Name: completionName, Summary: "write a script by which a shell completes this command",
		Examples: []Example{
			{Line: fmt.Sprintf("source <(%s completion bash)", p.Name), Does: "in ~/.bashrc; the same with zsh, in ~/.zshrc after compinit"},
			{Line: p.Name + " completion fish | source", Does: "in ~/.config/fish/config.fish"},
		},
		Usage:    []string{strings.Join(shells, "|")},
		About:    "Completion writes a script for a shell, which asks this command what can follow: commands, topics, flags, files and the values of flags.",
		Exits:    []Exit{{OK, "this is it"}, {Misused, "there is no script for the shell"}},
		Operands: completionName,
	}, func(call Call) int {
		switch {
		case len(call.Args) != 1:
			return p.refuse(call.Err, fmt.Errorf("which shell? it is %s", either(shells)))
		case !slices.Contains(shells, call.Args[0]):
			return p.refuse(call.Err, unknown("script for the shell", call.Args[0], shells))
		}
		text, err := scripts.ReadFile("completion/" + call.Args[0])
		if err != nil {
			panic(err) // it is part of the program
		}
		fmt.Fprint(call.Out, strings.ReplaceAll(string(text), "PROGRAM", p.Name))
		return OK
	})
}

// What a shell itself can complete, beside words: names of files, directories, and commands.
const (
	Files       = "files"
	Directories = "directories"
	Programs    = "programs"
)

// Candidates are what can follow what has been typed.
type Candidates struct {
	// Words are what it can be, with what each means. After one that ends with an equals
	// sign more is typed.
	Words []Row
	// Else is [Files], [Directories] or [Programs], where it can be the name of one; empty if
	// not.
	Else string
	// After is what stands before that name in the same word, such as "smi="; of what was
	// typed it must have nothing but what this program knows.
	After string
}

// complete answers a shell: what can be the last one of some words, the first of which
// follows the program's name. The first line has what the shell completes by itself, and
// what stands before it; each of the others a word, a tab, and what it means.
func (p Program) complete(words []string) string {
	if len(words) == 0 {
		words = []string{""}
	}
	last := words[len(words)-1]
	c := p.candidates(words[:len(words)-1], last)
	var b strings.Builder
	if c.Else == "" {
		c.Else, c.After = "nothing", ""
	}
	fmt.Fprintf(&b, "%s\t%s\n", c.Else, c.After)
	for _, w := range c.Words {
		if strings.HasPrefix(w.Word, last) {
			fmt.Fprintf(&b, "%s\t%s\n", w.Word, w.Means)
		}
	}
	return b.String()
}

// candidates are what can follow some words. begun is what has been typed of it.
func (p Program) candidates(words []string, begun string) Candidates {
	if len(words) == 0 {
		return Candidates{Words: summaries(p.All())}
	}
	c, known := p.find(words[0])
	if !known {
		return Candidates{}
	}
	f, _ := c.flags()
	rest, value, operands := read(f, words[1:])
	name, head, isValue := begunValue(begun)
	switch {
	case value != nil:
		return p.values(value, begun)
	case operands:
		return p.operands(c, len(rest), begun)
	case isValue && f.Lookup(name) != nil:
		return p.values(f.Lookup(name), begun[len(head):]).behind(head)
	case strings.HasPrefix(begun, "-"):
		return Candidates{Words: flagRows(c, f)}
	}
	return p.operands(c, 0, begun)
}

// read reads the words before the one that is completed as package flag does: rest are those
// after the flags, operands says that these have begun, and value is the flag that waits
// for its value.
func read(f *flag.FlagSet, words []string) (rest []string, value *flag.Flag, operands bool) {
	for i := 0; i < len(words); i++ {
		w := words[i]
		switch {
		case w == "--":
			return words[i+1:], nil, true
		case len(w) < 2 || w[0] != '-':
			return words[i:], nil, true
		case strings.Contains(w, "="):
			continue
		}
		g := f.Lookup(strings.TrimPrefix(w[1:], "-"))
		if g == nil || isBool(g) {
			continue
		}
		if i++; i == len(words) {
			return nil, g, false
		}
	}
	return nil, nil, false
}

// begunValue divides "-name=value": head is all up to the value.
func begunValue(s string) (name, head string, ok bool) {
	if !strings.HasPrefix(s, "-") {
		return "", "", false
	}
	before, _, ok := strings.Cut(s, "=")
	return strings.TrimPrefix(before[1:], "-"), before + "=", ok
}

// behind puts what stands before a value in the same word before each candidate.
func (c Candidates) behind(head string) Candidates {
	words := make([]Row, len(c.Words))
	for i, w := range c.Words {
		words[i] = Row{head + w.Word, w.Means}
	}
	return Candidates{words, c.Else, head + c.After}
}

// values are those of a flag.
func (p Program) values(f *flag.Flag, begun string) Candidates {
	if c, ok := f.Value.(*choice); ok {
		return Candidates{Words: rows(c.words)}
	}
	placeholder, _ := flag.UnquoteUsage(f)
	return p.kind(placeholder, begun)
}

// kind are the values of a kind, by its name.
func (p Program) kind(name, begun string) Candidates {
	switch name {
	case "file":
		return Candidates{Else: Files}
	case "directory":
		return Candidates{Else: Directories}
	case "command":
		return Candidates{Else: Programs}
	}
	if values := p.Values[name]; values != nil {
		return values(begun)
	}
	return Candidates{}
}

// operands are the arguments of a command after its flags, of which there are some already.
func (p Program) operands(c Command, before int, begun string) Candidates {
	switch {
	case c.Operands == helpName && before == 0:
		return Candidates{Words: append(summaries(p.All()), p.topicRows()...)}
	case c.Operands == completionName && before == 0:
		return Candidates{Words: rows(shells)}
	case c.Operands == "package":
		return Candidates{Words: []Row{{"./...", "all packages below"}}, Else: Directories}
	case c.Operands == "command" && before > 0:
		return Candidates{Else: Files}
	}
	return p.kind(c.Operands, begun)
}

// summaries are the names of commands with what they do.
func summaries(commands []Command) []Row {
	var list []Row
	for _, c := range commands {
		list = append(list, Row{c.Name, c.Summary})
	}
	return list
}

// rows are words without what they mean.
func rows(words []string) []Row {
	var list []Row
	for _, w := range words {
		list = append(list, Row{w, ""})
	}
	return list
}

// flagRows are the flags of a command with the beginnings of what they are for.
func flagRows(c Command, f *flag.FlagSet) []Row {
	var list []Row
	for _, g := range c.groups(f) {
		for _, name := range g.Flags {
			_, usage := flag.UnquoteUsage(f.Lookup(name))
			list = append(list, Row{"-" + name, brief(usage)})
		}
	}
	return append(list, Row{"-h", "help"})
}

// brief is the beginning of a usage: its first clause, and no more than a line can have.
func brief(usage string) string {
	const long = 50
	if i := strings.IndexAny(usage, ",:;("); i > 0 {
		usage = strings.TrimSpace(usage[:i])
	}
	if r := []rune(usage); len(r) > long {
		usage = string(r[:long-1]) + "…"
	}
	return usage
}

func isBool(f *flag.Flag) bool {
	b, ok := f.Value.(interface{ IsBoolFlag() bool })
	return ok && b.IsBoolFlag()
}
