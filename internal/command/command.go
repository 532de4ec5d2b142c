// Package command is how the commands of this module are declared: what a [Command] does,
// what to type, its flags in groups, and its exit codes are fields of one value. Help,
// completion and messages about what was typed wrongly are made from them, so that each
// is said once, and all commands answer in the same way:
//
//   - help is what was asked for: it goes to the standard output, with the exit code 0;
//   - what cannot be followed is one or two lines on the standard error, which name the
//     nearest word that there is, with the exit code 2.
//
// Flags are those of package flag, so that any package can register its own in a
// [flag.FlagSet], as powertest/gate does, also for programs that do not use this package.
//
// A framework was considered. cobra and kong take one dash for a group of one-letter
// flags, so that -bench would become --bench in every script there is; urfave/cli, ff and
// cobra don't break lines at 80 columns; and none would take the flag set of package gate
// as it is. What is left of them here is a table, a loop, and three short scripts.
package command

import (
	"context"
	"flag"
	"fmt"
	"io"

	"github.com/joulebench/joulebench/internal/progress"
	"github.com/joulebench/joulebench/internal/terminal"
)

// The exit codes of all commands.
const (
	OK = 0
	// Failed: what was asked for was done, and the answer is no; or it could not be done.
	Failed = 1
	// Misused: it is not clear what was asked for. Of a command that judges, also that
	// there can't be an answer.
	Misused = 2
)

// Columns is how wide help is.
const Columns = 80

// Streams are the standard streams, which tests replace.
type Streams struct {
	In       io.Reader
	Out, Err io.Writer
}

// A Command is what follows the name of a program.
type Command struct {
	Name string
	// Summary is what it does, in some words that begin with a verb.
	Summary string
	// Examples are commands to paste, the most usual one first.
	Examples []Example
	// Usage are the forms of its arguments, such as "[FLAGS] OLD NEW".
	Usage []string
	// About is what there is to know of it, in paragraphs with an empty line between them.
	About string
	// Groups are its flags, the most important first. Those of no group come last.
	Groups []Group
	// Operands is what its arguments are, for completion: one of the kinds of values that
	// placeholders of flags name, such as "file".
	Operands string
	// Exits are its exit codes, with what each means.
	Exits []Exit
	// Topics are those that help says more about.
	Topics []string
	// Define defines the flags in a set that has the command's name, and returns what runs
	// with them. It is called for help, too.
	Define func(f *flag.FlagSet) Action
}

// An Example is a command to paste.
type Example struct {
	// Line is all of it, with the program's name.
	Line string
	// Does is what it is for; empty where the command's summary says so.
	Does string
}

// A Group is flags that belong together.
type Group struct {
	Title string
	// Flags are their names, the most important first.
	Flags []string
}

// An Exit is an exit code with what it means.
type Exit struct {
	Code  int
	Means string
}

// An Action is what runs when the flags are parsed.
type Action struct {
	// Run runs the command, and returns its exit code.
	Run func(ctx context.Context, call Call) int
	// Misused, if there is one, is the exit code where the arguments are wrong; by default
	// [Misused].
	Misused func(args []string) int
	// Refuse, if there is one, is told that the flags are wrong, after the message.
	Refuse func(call Call)
}

// A Call is how a command was called.
type Call struct {
	Streams
	// Args are the arguments after the flags, and All are all of them.
	Args, All []string
	// Given are the names of the flags that were given.
	Given map[string]bool

	prefix string
	line   *progress.Line // that messages take the place of
}

// Complain writes an error of the command to the standard error: names and addresses in
// it are only text.
func (c Call) Complain(err error) {
	fmt.Fprintln(c.line.Writer(c.Err), terminal.Text(fmt.Sprintf("%s: %v", c.prefix, err)))
}
