package main

import (
	"context"
	"flag"
	"fmt"
	"slices"

	"github.com/joulebench/joulebench/internal/command"
	"github.com/joulebench/joulebench/internal/terminal"
	"github.com/joulebench/joulebench/powertest/ab"
	"github.com/joulebench/joulebench/powertest/gate"
	"github.com/joulebench/joulebench/powertest/plot"
)

// abCommand is the command ab.
var abCommand = command.Command{
	Name:    "ab",
	Summary: "compare two builds, run in turn, and say if one is a regression",
	Examples: []command.Example{
		{Line: "powertest ab -base main -bench Chat -count 10 ./client"},
		{Line: "powertest ab -base-bin old.test -head-bin new.test -bench Chat", Does: "of two test binaries"},
	},
	Usage: []string{
		"[-base REVISION] -bench REGEXP [FLAGS] [PACKAGES] [-- ARGS]",
		"-base-bin FILE -head-bin FILE -bench REGEXP [FLAGS] [DIRECTORY] [-- ARGS]",
	},
	About: `
Ab compares the work tree, as it is, with another revision of it. It builds the test
binaries of both, the base in a temporary worktree, and runs them in turn, one sample at a
time: base head, head base, base head ... The samples are written to base.txt and head.txt,
and are judged as powertest gate does. ARGS are passed on to the binaries, for instance
-test.benchmem.

Samples that are complete are kept, whatever happens, and -resume goes on.`,
	Groups: slices.Concat([]command.Group{
		{Title: "What is compared", Flags: []string{"base", "base-bin", "head-bin", "bench", "benchtime", "cpu"}},
		{Title: "How many samples, and how they are taken", Flags: []string{"count", "until", "max-count", "o", "resume", "overwrite", "cooldown", "source", "seed"}},
	}, verdictGroups),
	Operands: "package",
	Exits: []command.Exit{
		{Code: gate.Pass.ExitCode(), Means: "there is no regression"},
		{Code: gate.Regression.ExitCode(), Means: "there is one, or a budget is not met"},
		{Code: gate.CannotJudge.ExitCode(), Means: "it can't be told: the arguments are wrong, a revision does not build, a benchmark fails, the samples are too few, or there was an interrupt"},
	},
	Topics: []string{"metrics", "sources", "environment"},
	Define: func(f *flag.FlagSet) command.Action {
		var flags ab.Flags
		var page plot.PageFlag
		flags.Register(f)
		registerVerdictPage(&page, f)
		return command.Action{Run: func(ctx context.Context, call command.Call) int { return runAB(ctx, call, &flags, &page) }}
	},
}

// runAB runs ab, and returns the exit code.
func runAB(ctx context.Context, call command.Call, flags *ab.Flags, page *plot.PageFlag) int {
	ctx, stop := command.WithoutTerminal(ctx)
	defer stop()
	flags.AlsoWrites(page.Path())
	s, err := flags.Session(call.All, call.Args, call.Given)
	if err != nil {
		call.Complain(err)
		return command.Misused
	}
	if s.Gate, err = flags.Config(); err != nil {
		return flags.Publish(flags.Unjudged(err), call.Out, call.Err)
	}
	if err := s.Check(); err != nil {
		call.Complain(err)
		return command.Misused
	}
	s.Progress = call.Err
	result, err := s.Run(ctx)
	if err == nil {
		return drawVerdict(page, result.Report, flags.Publish(result.Report, call.Out, call.Err), call)
	}
	if ctx.Err() != nil {
		err = command.ErrInterrupted
	}
	// Also where there is no verdict, no file of an earlier one is left. The verdict names
	// the cause, and the standard error has what there is to say of it.
	report, advice := unjudged(err)
	report.Alpha = s.Gate.Alpha
	code := flags.Publish(report, call.Out, call.Err)
	if advice != "" {
		fmt.Fprintln(call.Err, terminal.Text(advice))
	}
	if l := result.Ledger; l != nil && l.Samples() > 0 {
		fmt.Fprintf(call.Err, "%d complete samples are in %s and %s; the same command with -resume goes on with them\n", l.Samples(), l.Path(ab.Base), l.Path(ab.Head))
	}
	return code
}
