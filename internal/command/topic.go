package command

import (
	"flag"
	"fmt"
	"slices"
	"strings"

	"github.com/joulebench/joulebench/internal/terminal"
)

// A Topic is what help tells of beside the commands.
type Topic struct {
	Name, Summary string
	// Text is the help, with lines of at most [Columns].
	Text func(p Program) string
}

// text is all of the help.
func (t Topic) text(p Program) string {
	return fmt.Sprintf("%s: %s\n\n%s", t.Name, t.Summary, t.Text(p))
}

// topics are all topics: those of the program, and those that its commands make.
func (p Program) topics() []Topic {
	return append(slices.Clip(p.Topics),
		Topic{"exit-codes", "what the exit code of each command says", Program.exits},
		Topic{"examples", "a command to paste for each thing to do", Program.examples})
}

// topicRows are the topics with what they are about.
func (p Program) topicRows() (list []Row) {
	for _, t := range p.topics() {
		list = append(list, Row{t.Name, t.Summary})
	}
	return list
}

// TopicNames are the names of all topics, those that the commands make among them.
func (p Program) TopicNames() []string {
	var list []string
	for _, t := range p.topics() {
		list = append(list, t.Name)
	}
	return list
}

// exits lists the exit codes of the commands.
func (p Program) exits() string {
	var b strings.Builder
	for _, c := range p.All() {
		if len(c.Exits) > 0 {
			fmt.Fprintf(&b, "%s %s\n%s\n", p.Name, c.Name, c.exits())
		}
	}
	b.WriteString(Paragraphs("What is asked for with -h exits with 0, and a command or flag that there is not with 2."))
	return b.String()
}

// exits lists the exit codes of the command.
func (c Command) exits() string {
	var rows []Row
	for _, e := range c.Exits {
		rows = append(rows, Row{fmt.Sprint(e.Code), e.Means})
	}
	return Rows(rows)
}

// examples lists the examples of the commands.
func (p Program) examples() string {
	var b strings.Builder
	for i, c := range p.Commands {
		if i > 0 {
			b.WriteByte('\n')
		}
		fmt.Fprintf(&b, "%s: %s\n", c.Name, c.Summary)
		for _, e := range c.Examples {
			b.WriteString(e.text())
		}
	}
	return b.String()
}

// text is the example, after what it does.
func (e Example) text() string {
	does := ""
	if e.Does != "" {
		does = terminal.Wrap("  # "+e.Does, "  # ", Columns)
	}
	return does + "  $ " + e.Line + "\n"
}

// FilesText lists the files that flags of the commands name, with what the flags say of
// them.
func (p Program) FilesText() string {
	var b strings.Builder
	for _, c := range p.Commands {
		var rows []Row
		f, _ := c.flags()
		for _, g := range c.groups(f) {
			for _, name := range g.Flags {
				if placeholder, usage := flag.UnquoteUsage(f.Lookup(name)); placeholder == "file" {
					rows = append(rows, Row{"-" + name, usage})
				}
			}
		}
		if len(rows) > 0 {
			fmt.Fprintf(&b, "%s:\n%s", c.Name, Rows(rows))
		}
	}
	return b.String()
}
