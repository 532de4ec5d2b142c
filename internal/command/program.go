package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/joulebench/joulebench/internal/buildversion"
	"github.com/joulebench/joulebench/internal/terminal"
)

// A Program has commands, and topics that help tells of.
type Program struct {
	Name string
	// Commands are in the order of the overview. Those that every program has, help and
	// version, are not among them.
	Commands []Command
	Topics   []Topic
}

// Run runs what the arguments ask for, and returns the exit code.
func (p Program) Run(ctx context.Context, args []string, std Streams) int {
	if len(args) == 0 {
		fmt.Fprint(std.Err, p.overview())
		return Misused
	}
	switch name, rest := args[0], args[1:]; name {
	case "help", "-h", "-help", "--help":
		return p.help(rest, std)
	case "version", "-version", "--version":
		if len(rest) > 0 && !isHelp(rest[0]) {
			return p.refuse(std.Err, fmt.Errorf("version takes no arguments: %q", rest[0]))
		}
		fmt.Fprintf(std.Out, "%s %s\n", p.Name, buildversion.Text())
		return OK
	default:
		if c, known := p.find(name); known {
			return p.call(ctx, c, rest, std)
		}
		return p.refuse(std.Err, unknown("command", name, p.words()))
	}
}

// find returns the command of a name.
func (p Program) find(name string) (c Command, known bool) {
	i := slices.IndexFunc(p.Commands, func(c Command) bool { return c.Name == name })
	if i < 0 {
		return Command{}, false
	}
	return p.Commands[i], true
}

// words are the names of all commands.
func (p Program) words() []string {
	var list []string
	for _, c := range p.Commands {
		list = append(list, c.Name)
	}
	return append(list, "help", "version")
}

// call runs a command with its arguments.
func (p Program) call(ctx context.Context, c Command, args []string, std Streams) int {
	if len(args) == 1 && args[0] == "help" {
		args = []string{"-help"}
	}
	f, action := c.flags()
	err := f.Parse(args)
	call := Call{Streams: std, Args: f.Args(), All: args, Given: given(f), prefix: p.Name + " " + c.Name}
	switch {
	case err == nil:
		return action.Run(ctx, call)
	case isHelpAsked(err):
		fmt.Fprint(std.Out, p.describe(c))
		return OK
	}
	call.Complain(advised(f, err))
	fmt.Fprintf(std.Err, "%s help %s lists the flags\n", p.Name, c.Name)
	if action.Refuse != nil {
		action.Refuse(call)
	}
	if action.Misused != nil {
		return action.Misused(args)
	}
	return Misused
}

// help writes the help of a command or a topic.
func (p Program) help(args []string, std Streams) int {
	switch {
	case len(args) == 0 || len(args) == 1 && (isHelp(args[0]) || args[0] == "version"):
		fmt.Fprint(std.Out, p.overview())
		return OK
	case len(args) > 1:
		return p.refuse(std.Err, errors.New("help takes one command or topic"))
	}
	if c, known := p.find(args[0]); known {
		fmt.Fprint(std.Out, p.describe(c))
		return OK
	}
	topics := p.topics()
	i := slices.IndexFunc(topics, func(t Topic) bool { return t.Name == args[0] })
	if i < 0 {
		return p.refuse(std.Err, unknown("command or topic", args[0], slices.Concat(p.words(), p.TopicNames())))
	}
	fmt.Fprint(std.Out, topics[i].text(p))
	return OK
}

// refuse says what is wrong with the arguments, and returns the exit code.
func (p Program) refuse(w io.Writer, err error) int {
	fmt.Fprintln(w, terminal.Text(fmt.Sprintf("%s: %v", p.Name, err)))
	fmt.Fprintf(w, "%s help lists the commands and topics\n", p.Name)
	return Misused
}

// isHelp reports whether an argument asks for help.
func isHelp(arg string) bool {
	return slices.Contains([]string{"help", "-h", "-help", "--help"}, arg)
}
