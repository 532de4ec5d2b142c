package command

import (
	"flag"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/joulebench/joulebench/internal/terminal"
)

// overview is the help of the program: its commands and topics.
func (p Program) overview() string {
	return fmt.Sprintf("Usage: %s COMMAND [FLAGS]\n\nCommands:\n%s\nTopics:\n%s\n%s help COMMAND lists the flags of one, %s help TOPIC says more.\n",
		p.Name, Rows(summaries(p.All())), Rows(p.topicRows()), p.Name, p.Name)
}

// Help is the help of a command that is a program of its own.
func (c Command) Help() string { return Program{}.describe(c) }

// describe is the help of a command.
func (p Program) describe(c Command) string {
	var b strings.Builder
	name := strings.TrimSpace(p.Name + " " + c.Name)
	b.WriteString(terminal.Wrap(name+": "+c.Summary, "  ", Columns))
	b.WriteString("\nExample:\n")
	for _, e := range c.Examples {
		b.WriteString(e.text())
	}
	b.WriteString("\nUsage:\n")
	for _, u := range c.Usage {
		b.WriteString(terminal.Wrap(strings.TrimRight("  "+name+" "+u, " "), "      ", Columns))
	}
	b.WriteString("\n" + Paragraphs(c.About))
	f, _ := c.flags()
	for _, g := range c.groups(f) {
		fmt.Fprintf(&b, "\n%s:\n", g.Title)
		for _, name := range g.Flags {
			b.WriteString(describeFlag(f.Lookup(name)))
		}
	}
	b.WriteString("\nExit codes:\n" + c.exits())
	if len(c.Topics) > 0 {
		b.WriteString("\n" + terminal.Wrap("More: "+p.Name+" help "+either(c.Topics), "      ", Columns))
	}
	return b.String()
}

// otherFlags is the title of flags of no group.
const otherFlags = "Other flags"

// groups are the groups of the command with the flags that there are, and one of the flags
// that are in none.
func (c Command) groups(f *flag.FlagSet) []Group {
	var list []Group
	placed := map[string]bool{}
	for _, g := range c.Groups {
		g.Flags = slices.DeleteFunc(slices.Clone(g.Flags), func(name string) bool {
			placed[name] = true
			return f.Lookup(name) == nil
		})
		list = append(list, g)
	}
	other := Group{Title: otherFlags}
	f.VisitAll(func(g *flag.Flag) {
		if !placed[g.Name] {
			other.Flags = append(other.Flags, g.Name)
		}
	})
	if len(other.Flags) > 0 {
		list = append(list, other)
	}
	return list
}

// describeFlag is the help of a flag: its name, its placeholder, what it is for, and its
// default.
func describeFlag(f *flag.Flag) string {
	placeholder, usage := flag.UnquoteUsage(f)
	if c, ok := f.Value.(*choice); ok {
		placeholder = strings.Join(c.words, "|")
	}
	head := "  -" + f.Name
	if placeholder != "" {
		head += " " + placeholder
	}
	if value := f.DefValue; !slices.Contains([]string{"", "0", "false", "0s"}, value) {
		if getter, ok := f.Value.(flag.Getter); ok {
			if text, ok := getter.Get().(string); ok {
				value = fmt.Sprintf("%q", text)
			}
		}
		usage += fmt.Sprintf(" (default %s)", value)
	}
	const indent = "        "
	return head + "\n" + terminal.Wrap(indent+usage, indent, Columns)
}

// A Row is a word with what it means.
type Row struct{ Word, Means string }

// Rows lists words, and beside each what it means, in lines of at most [Columns]. Where
// one of the words is long, all meanings begin on a line of their own.
func Rows(rows []Row) string {
	const widest = 28
	width := 0
	for _, r := range rows {
		width = max(width, utf8.RuneCountInString(r.Word))
	}
	var b strings.Builder
	for _, r := range rows {
		if width > widest {
			const indent = "        "
			b.WriteString("  " + r.Word + "\n" + terminal.Wrap(indent+r.Means, indent, Columns))
			continue
		}
		line := fmt.Sprintf("  %-*s  %s", width, r.Word, r.Means)
		b.WriteString(terminal.Wrap(line, strings.Repeat(" ", 2+width+2), Columns))
	}
	return b.String()
}

// Paragraphs breaks a text into lines of at most [Columns]. Paragraphs have an empty line
// between them.
func Paragraphs(text string) string {
	var list []string
	for paragraph := range strings.SplitSeq(strings.TrimSpace(text), "\n\n") {
		list = append(list, terminal.Wrap(strings.Join(strings.Fields(paragraph), " "), "", Columns))
	}
	return strings.Join(list, "\n")
}
