package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"

	"github.com/joulebench/joulebench/powertest/gate"
)

const gateUsage = `Usage:
  powertest gate [FLAGS] OLD NEW
  powertest gate -max UNIT=NUMBER [FLAGS] NEW

Gate compares two files of Go benchmarks and says whether the new side is a
regression: worse in the unit's direction, by at least the threshold, and by more
than chance and the instrument's error explain. A file may be - for the standard
input, and have a label, as in main=old.txt.

It exits with 0 if there is no regression, with 1 if there is one or a budget is
not met, and with 2 if it can't judge: wrong arguments, a corrupt or empty file, a
missing benchmark, nothing to compare, too few samples.

`

// gateCommand is the subcommand gate.
func gateCommand(_ context.Context, args []string, std stdio) int {
	var g gateFlags
	f := flag.NewFlagSet("gate", flag.ContinueOnError)
	g.register(f)
	if err := parseFlags(f, gateUsage, args, std); err != nil {
		if errors.Is(err, errUsage) {
			g.misused(std, f.Args(), errors.New("the flags are wrong"))
		}
		return exitOf(err)
	}
	sides, err := g.sides(f.Args())
	if err != nil {
		g.complain(std.err, err)
		g.misused(std, f.Args(), err)
		return exitUsage
	}
	if len(sides) == 1 {
		return g.budget(std.out, std.err, sides[0])
	}
	return g.judge(std.out, std.err, sides[0], sides[1])
}

// sides are the files of the command line, one or two.
func (g *gateFlags) sides(args []string) ([]gate.Side, error) {
	if i := slices.IndexFunc(args, func(s string) bool { return len(s) > 1 && s[0] == '-' }); i > 0 {
		return nil, fmt.Errorf("%s is after a file: flags stand before the files", args[i])
	}
	budgets := len(g.max.values)+len(g.min.values) > 0
	switch {
	case len(args) == 0:
		return nil, errors.New("what is to be judged? give the old file and the new one; or -max or -min, and one file")
	case len(args) == 1 && !budgets:
		return nil, fmt.Errorf("%s is one side: give the old file and the new one; or budgets, with -max or -min, which need no old one", args[0])
	case len(args) > 2:
		return nil, fmt.Errorf("there are %d files: give the old one and the new one", len(args))
	}
	var sides []gate.Side
	var paths []string
	for _, arg := range args {
		s := gate.ParseSide(arg)
		sides, paths = append(sides, s), append(paths, s.Path)
	}
	if len(sides) == 2 && paths[0] == "-" && paths[1] == "-" {
		return nil, errors.New("both sides are the standard input: one of them must be a file")
	}
	return sides, g.check(paths...)
}

// judge judges the new side by the old one, and by the budgets, tells the verdict
// where the flags want it, and returns the exit code: 0, 1 or 2.
func (g *gateFlags) judge(stdout, stderr io.Writer, old, new gate.Side) int {
	return g.decide(stdout, stderr, func(c gate.Config) (*gate.Report, error) { return gate.Judge(c, old, new) })
}

// budget judges the only side by the budgets.
func (g *gateFlags) budget(stdout, stderr io.Writer, side gate.Side) int {
	return g.decide(stdout, stderr, func(c gate.Config) (*gate.Report, error) { return gate.Budget(c, side) })
}

func (g *gateFlags) decide(stdout, stderr io.Writer, judge func(gate.Config) (*gate.Report, error)) int {
	c, err := g.config()
	var report *gate.Report
	if err == nil {
		report, err = judge(c)
	}
	if err != nil {
		report = g.unjudged(err)
	}
	return g.publish(report, stdout, stderr)
}

// unjudged is a report that nothing was judged. It is written as others are: a
// file of an earlier run must not be mistaken for this one's.
func (g *gateFlags) unjudged(err error) *gate.Report {
	advice := "powertest " + g.subcommand + " -h lists the flags"
	if errors.Is(err, gate.ErrInput) || errors.Is(err, fs.ErrNotExist) {
		advice = "is the path right, and was the file written?"
	}
	return &gate.Report{
		Outcome: gate.CannotJudge,
		Reasons: []string{fmt.Sprintf("%s; %s", firstLine(err), advice)},
	}
}

// firstLine is an error without the lines that point into what it complains of: a
// reason is one line.
func firstLine(err error) string {
	line, _, _ := strings.Cut(err.Error(), "\n")
	return line
}

// misused tells those who read the verdict's files that there is none, after
// arguments that cannot be followed. Flags that were not read any more ask for
// nothing, and a file that the arguments name as well is not written, for it may be
// one of the sides.
func (g *gateFlags) misused(std stdio, args []string, err error) {
	r := g.unjudged(err)
	if g.json == "-" && !g.quiet {
		if failed := r.WriteJSON(std.out); failed != nil {
			g.complain(std.err, failed)
		}
	}
	var paths []string
	for _, arg := range args {
		paths = append(paths, arg, gate.ParseSide(arg).Path)
	}
	read := append(paths, g.waivers)
	for _, path := range []*string{&g.markdown, &g.json, &g.junit} {
		if *path == "-" || twice(append(slices.Clone(read), *path), len(read)) != "" {
			*path = ""
		}
		read = append(read, *path)
	}
	if failed := g.writeFiles(r); failed != nil {
		g.complain(std.err, failed)
	}
}

// complain tells an error.
func (g *gateFlags) complain(w io.Writer, err error) {
	fmt.Fprintf(w, "powertest %s: %v\n", g.subcommand, err)
}
