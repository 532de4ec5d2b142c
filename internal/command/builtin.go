package command

import (
	"context"
	"flag"
	"fmt"
	"slices"

	"github.com/joulebench/joulebench/internal/buildversion"
)

// The names of the commands that every program has. The last one is typed by shells.
const (
	helpName       = "help"
	versionName    = "version"
	completionName = "completion"
	completeName   = "__complete"
)

// simple returns a command without flags.
func simple(c Command, run func(call Call) int) Command {
	c.Define = func(*flag.FlagSet) Action {
		return Action{Run: func(_ context.Context, call Call) int { return run(call) }}
	}
	return c
}

// helpCommand says more about a command or a topic.
func (p Program) helpCommand() Command {
	return simple(Command{
		Name: helpName, Summary: "say more about a command or a topic",
		Examples: []Example{{Line: p.Name + " help"}, {Line: p.Name + " help exit-codes"}},
		Usage:    []string{"[COMMAND | TOPIC]"},
		About:    "Help lists the commands and topics, or has the flags and exit codes of a command, or what there is to know of a topic.",
		Exits:    []Exit{{OK, "this is it"}, {Misused, "there is no such command or topic"}},
		Operands: helpName,
	}, p.help)
}

// help writes the help of a command or a topic.
func (p Program) help(call Call) int {
	switch len(call.Args) {
	case 0:
		fmt.Fprint(call.Out, p.overview())
		return OK
	case 1:
	default:
		return p.refuse(call.Err, fmt.Errorf("%s takes one command or topic", helpName))
	}
	name := call.Args[0]
	if c, known := p.find(name); known {
		fmt.Fprint(call.Out, p.describe(c))
		return OK
	}
	topics := p.topics()
	if i := slices.IndexFunc(topics, func(t Topic) bool { return t.Name == name }); i >= 0 {
		fmt.Fprint(call.Out, topics[i].text(p))
		return OK
	}
	return p.refuse(call.Err, unknown("command or topic", name, slices.Concat(names(p.All()), p.TopicNames())))
}

// versionCommand says which version this is.
func (p Program) versionCommand() Command {
	return simple(Command{
		Name: versionName, Summary: "say which version this is",
		Examples: []Example{{Line: p.Name + " version"}},
		Usage:    []string{""},
		About:    "Version writes the version of the module, the revision that it was built from where that is known, and the version of Go.",
		Exits:    []Exit{{OK, "this is it"}, {Misused, "the arguments are wrong"}},
	}, func(call Call) int {
		if len(call.Args) > 0 {
			return p.refuse(call.Err, fmt.Errorf("%s takes no arguments: %q", versionName, call.Args[0]))
		}
		fmt.Fprintf(call.Out, "%s %s\n", p.Name, buildversion.Text())
		return OK
	})
}
