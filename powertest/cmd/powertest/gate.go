package main

import (
	"context"
	"errors"
	"flag"
	"strings"

	"github.com/joulebench/joulebench/internal/command"
	"github.com/joulebench/joulebench/internal/terminal"
	"github.com/joulebench/joulebench/powertest/gate"
	"github.com/joulebench/joulebench/powertest/plot"
)

// gateCommand is the command gate.
var gateCommand = command.Command{
	Name:    "gate",
	Summary: "say whether a benchmark file is a regression of another",
	Examples: []command.Example{
		{Line: "powertest gate old.txt new.txt"},
		{Line: "powertest gate -max 'J/token=0.9' new.txt", Does: "hold one file to a budget"},
		{Line: "powertest gate -plan old.txt", Does: "say how many samples a change needs"},
	},
	Usage: []string{"[FLAGS] OLD NEW", "-max UNIT=NUMBER [FLAGS] NEW", "-plan [FLAGS] OLD"},
	About: `
Gate compares two files of Go benchmarks and says whether the new side is a regression:
worse in the unit's direction, by at least the threshold, and by more than chance and the
instrument's error explain. A file may be - for the standard input, and have a label, as in
main=old.txt.`,
	Groups:   append([]command.Group{{Title: "Before anything is judged", Flags: []string{"plan"}}}, verdictGroups...),
	Operands: "file",
	Exits: []command.Exit{
		{Code: gate.Pass.ExitCode(), Means: "there is no regression, or a plan was made"},
		{Code: gate.Regression.ExitCode(), Means: "there is one, or a budget is not met"},
		{Code: gate.CannotJudge.ExitCode(), Means: "it can't be told: the arguments are wrong, a file is corrupt or empty, a benchmark is missing, there is nothing to compare, or the samples are too few"},
	},
	Topics: []string{"metrics", "formats"},
	Define: func(f *flag.FlagSet) command.Action {
		var g gate.Flags
		var page plot.PageFlag
		g.Register(f)
		g.RegisterPlan(f)
		registerVerdictPage(&page, f)
		return command.Action{
			Run: func(ctx context.Context, call command.Call) int { return runGate(ctx, call, &g, &page) },
			Refuse: func(call command.Call) {
				g.Refuse(errors.New("the flags are wrong"), call.Args, call.Out, call.Err)
			},
		}
	},
}

// verdictGroups are the groups of the flags of a command that judges.
var verdictGroups = []command.Group{
	{Title: "What is judged", Flags: []string{"filter", "row", "ignore", "units", "missing"}},
	{Title: "How it is judged", Flags: []string{"threshold", "max-unseen", "max", "min", "unit", "alpha", "waivers"}},
	{Title: "Where the verdict is written", Flags: []string{"markdown", "json", "junit", "plot", "q"}},
}

// runGate runs gate, and returns the exit code.
func runGate(ctx context.Context, call command.Call, g *gate.Flags, page *plot.PageFlag) int {
	g.AlsoWrites(page.Path())
	sides, err := g.Sides(call.Args)
	if err != nil {
		g.PrintError(call.Err, err)
		return g.Refuse(err, call.Args, call.Out, call.Err)
	}
	if g.Plans() && page.Path() != "" {
		call.Complain(errors.New("-plan gives no verdict that -plot could draw: leave out one of them"))
		return command.Misused
	}
	if g.Plans() {
		code, ended := command.Promptly(ctx, command.ReadGrace, func() int { return g.PublishPlan(sides[0], call.Out, call.Err) })
		if !ended {
			return command.Misused
		}
		return code
	}
	report, ended := command.Promptly(ctx, command.ReadGrace, func() *gate.Report { return g.Judge(sides...) })
	if !ended {
		report, _ = unjudged(command.ErrInterrupted)
	}
	code, ended := command.Promptly(ctx, command.ReadGrace, func() int {
		return drawVerdict(page, report, g.Publish(report, call.Out, call.Err), call)
	})
	if !ended {
		return command.Misused
	}
	return code
}

// registerVerdictPage defines the flag for the page of a verdict.
func registerVerdictPage(page *plot.PageFlag, f *flag.FlagSet) {
	page.Register(f, "each sample, the medians with their intervals, and the verdict")
}

// drawVerdict draws a report, if that is asked for, and returns the exit code: a file that
// can't be written makes no pass.
func drawVerdict(page *plot.PageFlag, report *gate.Report, code int, call command.Call) int {
	err := page.Write(func() *plot.Page {
		return &plot.Page{Title: report.Headline(), Sections: []plot.Section{plot.OfGate(report, nil, nil)}}
	})
	if err != nil {
		call.Complain(err)
		return max(code, gate.CannotJudge.ExitCode())
	}
	return code
}

// unjudged is the verdict of a command that could not come to one, which has the first
// line of why, and the other lines.
func unjudged(err error) (r *gate.Report, advice string) {
	why, advice, _ := strings.Cut(err.Error(), "\n")
	return &gate.Report{Outcome: gate.CannotJudge, Reasons: []string{terminal.Text(why)}}, advice
}
