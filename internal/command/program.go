package command

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"slices"

	"github.com/joulebench/joulebench/internal/progress"
	"github.com/joulebench/joulebench/internal/terminal"
)

// A Program has commands, and topics that help tells of.
type Program struct {
	Name string
	// Commands are in the order of the overview. Those that every program has, help,
	// version and completion, are not among them.
	Commands []Command
	Topics   []Topic
	// Values complete the values of flags, by the placeholders of these: the words that can
	// follow what has been typed of one, and what else can. Those of files, directories,
	// commands and of [OneOf] are known.
	Values map[string]func(begun string) Candidates
}

// Run runs what the arguments ask for, and returns the exit code.
func (p Program) Run(ctx context.Context, args []string, std Streams) int {
	if len(args) == 0 {
		fmt.Fprint(std.Err, p.overview())
		return Misused
	}
	name := args[0]
	switch name {
	case "-h", "-help", "--help":
		name = helpName
	case "-version", "--version":
		name = versionName
	case completeName:
		fmt.Fprint(std.Out, p.complete(args[1:]))
		return OK
	}
	if c, known := p.find(name); known {
		return p.call(ctx, c, args[1:], std)
	}
	return p.refuse(std.Err, unknown("command", name, names(p.All())))
}

// All are all commands, with those that every program has.
func (p Program) All() []Command {
	return append(slices.Clip(p.Commands), p.helpCommand(), p.completionCommand(), p.versionCommand())
}

// find returns the command of a name.
func (p Program) find(name string) (c Command, known bool) {
	all := p.All()
	i := slices.IndexFunc(all, func(c Command) bool { return c.Name == name })
	if i < 0 {
		return Command{}, false
	}
	return all[i], true
}

// names are the names of commands.
func names(commands []Command) []string {
	var list []string
	for _, c := range commands {
		list = append(list, c.Name)
	}
	return list
}

// call runs a command with its arguments.
func (p Program) call(ctx context.Context, c Command, args []string, std Streams) int {
	f, action := c.flags()
	err := Parse(f, args)
	line := progress.New(std.Err)
	defer line.Stop()
	call := Call{Streams: std, Args: f.Args(), All: args, Given: given(f), prefix: p.Name + " " + c.Name, line: line}
	switch {
	case err == nil:
		return action.Run(progress.With(ctx, line), call)
	case errors.Is(err, flag.ErrHelp):
		fmt.Fprint(std.Out, p.describe(c))
		return OK
	}
	call.Complain(err)
	fmt.Fprintf(std.Err, "%s help %s lists the flags\n", p.Name, c.Name)
	if action.Refuse != nil {
		action.Refuse(call)
	}
	if action.Misused != nil {
		return action.Misused(args)
	}
	return Misused
}

// refuse says what is wrong with the arguments, and returns the exit code.
func (p Program) refuse(w io.Writer, err error) int {
	fmt.Fprintln(w, terminal.Text(fmt.Sprintf("%s: %v", p.Name, err)))
	fmt.Fprintf(w, "%s help lists the commands and topics\n", p.Name)
	return Misused
}
