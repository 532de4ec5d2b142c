package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"text/tabwriter"
)

// The exit codes of all subcommands.
const (
	exitOK = 0
	// exitFailed: what was asked for was done, and the answer is no; or it could
	// not be done.
	exitFailed = 1
	// exitUsage: it is not clear what was asked for. Of gate, also that there can't
	// be an answer.
	exitUsage = 2
)

// stdio are the standard streams, which tests replace.
type stdio struct {
	in       io.Reader
	out, err io.Writer
}

// A subcommand is what follows the command's name. run gets the arguments after
// the subcommand's name and returns the exit code.
type subcommand struct {
	name    string
	summary string
	run     func(ctx context.Context, args []string, std stdio) int
}

// subcommands are all of them, in the order of the usage text.
var subcommands = []subcommand{
	{"annotate", "add the energy of a benchmark to its results", annotateCommand},
	{"series", "say what tokens cost in production, over hours and days", seriesCommand},
	{"gate", "say whether a benchmark file is a regression of another", gateCommand},
	{"ab", "compare two builds, run in turn, and say whether one is a regression", abCommand},
	{"doctor", "say what would be measured here, and how well", doctorCommand},
}

func main() {
	ctx, stop := interruptible(context.Background(), endSignals...)
	code := run(ctx, os.Args[1:], stdio{os.Stdin, os.Stdout, os.Stderr})
	stop()
	os.Exit(code)
}

// run is the command: everything but the process around it.
func run(ctx context.Context, args []string, std stdio) int {
	if len(args) == 0 {
		usage(std.err)
		return exitUsage
	}
	if args[0] == "help" && len(args) > 1 {
		args = []string{args[1], "-h"}
	}
	switch args[0] {
	case "help", "-h", "-help", "--help":
		usage(std.out)
		return exitOK
	}
	for _, s := range subcommands {
		if s.name == args[0] {
			return s.run(ctx, args[1:], std)
		}
	}
	fmt.Fprintf(std.err, "powertest: there is no subcommand %q\n", args[0])
	usage(std.err)
	return exitUsage
}

func usage(w io.Writer) {
	fmt.Fprint(w, "Usage: powertest SUBCOMMAND [FLAGS]\n\nSubcommands:\n")
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, s := range subcommands {
		fmt.Fprintf(t, "  %s\t%s\n", s.name, s.summary)
	}
	t.Flush()
	fmt.Fprint(w, "\npowertest SUBCOMMAND -h lists the flags of one.\n")
}
