package main

import (
	"context"
	"errors"
	"flag"
	"strings"

	"github.com/joulebench/joulebench/internal/terminal"
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
func gateCommand(ctx context.Context, args []string, std stdio) int {
	var g gate.Flags
	f := flag.NewFlagSet("gate", flag.ContinueOnError)
	g.Register(f)
	if code, ok := parseFlags(f, gateUsage, args, std); !ok {
		if code == exitUsage {
			g.Refuse(errors.New("the flags are wrong"), f.Args(), std.out, std.err)
		}
		return code
	}
	sides, err := g.Sides(f.Args())
	if err != nil {
		g.PrintError(std.err, err)
		return g.Refuse(err, f.Args(), std.out, std.err)
	}
	report, ended := promptly(ctx, readGrace, func() *gate.Report { return g.Judge(sides...) })
	if !ended {
		report, _ = unjudged(errInterrupted)
	}
	code, ended := promptly(ctx, readGrace, func() int { return g.Publish(report, std.out, std.err) })
	if !ended {
		return exitUsage
	}
	return code
}

// unjudged is the verdict of a command that could not come to one, which has the first
// line of why, and the other lines.
func unjudged(err error) (r *gate.Report, advice string) {
	why, advice, _ := strings.Cut(err.Error(), "\n")
	return &gate.Report{Outcome: gate.CannotJudge, Reasons: []string{terminal.Text(why)}}, advice
}
