package main

import (
	"context"
	"errors"
	"flag"
	"slices"
	"time"

	"github.com/joulebench/joulebench/internal/command"
	"github.com/joulebench/joulebench/powertest/annotate"
	"github.com/joulebench/joulebench/powertest/plot"
)

// annotateCommand is the command annotate.
var annotateCommand = command.Command{
	Name:    "annotate",
	Summary: "measure a command, a window of the past or a benchmark",
	Examples: []command.Example{
		{Line: "powertest annotate -- ./train.sh", Does: "measure a command"},
		{Line: "powertest annotate -prometheus http://HOST:9090 -last 5m", Does: "measure a window of the past"},
		{Line: "powertest annotate -log gpu.csv -bench result.json -agg agg.json -gpus 8"},
		{Line: "powertest annotate -log gpu.csv -aiperf profile_export_aiperf.json", Does: "of a result of aiperf"},
		{Line: "powertest annotate -each artifacts -gpus 8", Does: "of all results below a folder"},
		{Line: "powertest annotate -source nvml -bench r.json -agg a.json -- ./bench.sh", Does: "run the benchmark, and measure meanwhile"},
	},
	Usage: []string{
		"[-source SOURCE] [FLAGS] -- COMMAND [ARGS]",
		"-log FILE -start TIME -end TIME [FLAGS]",
		"-log FILE -bench FILE [-agg FILE] [-gpus N] [FLAGS]",
		"-log FILE -aiperf FILE [FLAGS]",
		"-dcgm URL -bench FILE [-agg FILE] [FLAGS] -- COMMAND [ARGS]",
		"-each DIR [-n] [FLAGS]",
	},
	About: `
Annotate measures what a COMMAND uses while it runs, or what was used in a window of the
past: joules, watts, and how well they are known, in all and of each device.

With the result of a load harness it measures the benchmark that the result is of, from a
power log, a Prometheus server or a trace, and divides the energy by its requests and
tokens. With -agg it adds the numbers to the benchmark's aggregate, and writes beside the
result what it found. With -dcgm or -source, which do not know the past, it runs the
benchmark itself, the COMMAND, and measures meanwhile.`,
	Groups: []command.Group{
		{Title: "Where the energy comes from", Flags: []string{"log", "prometheus", "trace", "dcgm", "source", "devices", "gpus", "role"}},
		{Title: "What is measured, and what was done meanwhile", Flags: []string{"start", "end", "last", "bench", "aiperf", "each", "tokens"}},
		{Title: "When the run of a result was that does not say so, and which", Flags: []string{"end-now", "end-file", "run"}},
		{Title: "Where it is written", Flags: []string{"agg", "sidecar", "benchfmt", "json", "plot", "price", "n", "require"}},
		{Title: "How a log is read", Flags: logFlags},
	},
	Operands: "command",
	Exits: []command.Exit{
		{Code: command.OK, Means: "done, even if the energy of a benchmark is not valid"},
		{Code: command.Failed, Means: "a window of the past or a run of -each has no number, or with -require or REQUIRE_POWER=1 a benchmark has none; or the COMMAND failed, or a file can't be written"},
		{Code: command.Misused, Means: "the arguments are wrong"},
		{Code: annotate.ExitOwn, Means: "of a COMMAND without a result, whose own code is kept: annotate itself has failed, or its arguments are wrong, or with -require there is no number"},
		{Code: 126, Means: "the COMMAND can't be run"},
		{Code: 127, Means: "there is no such COMMAND"},
		{Code: 128, Means: "and more: a signal ended the COMMAND, 128 and its number"},
	},
	Topics: []string{"sources", "reasons", "metrics"},
	Define: func(f *flag.FlagSet) command.Action {
		var flags annotateFlags
		flags.Flags.Register(f)
		flags.page.Register(f, "the power over time, and the energy of each device")
		return command.Action{
			Run:     func(ctx context.Context, call command.Call) int { return runAnnotate(ctx, call, &flags) },
			Misused: func(args []string) int { return misuse(&flags.Flags, args) },
		}
	},
}

// annotateFlags are annotate's flags.
type annotateFlags struct {
	annotate.Flags
	page plot.PageFlag
}

// logFlags are the flags that say how a log is read.
var logFlags = []string{"tz", "sync-clock", "max-gap", "columns", "gpu-name", "decimal"}

// runAnnotate runs annotate, and returns the exit code.
func runAnnotate(ctx context.Context, call command.Call, flags *annotateFlags) int {
	dashed := slices.Contains(call.All, "--")
	if flags.Backfills() {
		return runEach(ctx, call, &flags.Flags)
	}
	misused := misuse(&flags.Flags, call.All)
	flags.AlsoWrites(flags.page.Path())
	o, err := flags.Options(call.Args, dashed, call.Given)
	if err != nil {
		call.Complain(err)
		return misused
	}
	o.Std, o.Run = annotate.Streams(call.Streams), annotate.RelayCommand
	if flags.page.Path() != "" {
		o.Record = plot.Record
	}
	if flags.InPlace(dashed) {
		return runInPlace(ctx, call, flags, o)
	}
	return call.Promptly(ctx, graceOf(o), func() int {
		res, err := annotate.Annotate(ctx, o)
		if res.CommandErr != nil {
			call.Complain(res.CommandErr)
		}
		if err != nil {
			call.Complain(flags.Advised(err))
			return misused
		}
		if write(flags, res, call) || res.CommandErr != nil || ctx.Err() != nil {
			return command.Failed
		}
		return command.OK
	})
}

// runEach annotates the runs below a folder, and returns the exit code.
func runEach(ctx context.Context, call command.Call, flags *annotate.Flags) int {
	root, o, err := flags.Backfill(call.Args, call.Given)
	if err != nil {
		call.Complain(err)
		return command.Misused
	}
	return call.Promptly(ctx, command.ReadGrace, func() int {
		batch, err := annotate.Each(ctx, root, o)
		if err == nil || len(batch.Runs) > 0 {
			err = errors.Join(err, flags.WriteBatch(batch, call.Out))
		}
		if err != nil {
			call.Complain(err)
			return command.Failed
		}
		if len(batch.Runs) == 0 || batch.Failed() > 0 {
			return command.Failed
		}
		return command.OK
	})
}

// runInPlace measures a command, and returns its exit code.
func runInPlace(ctx context.Context, call command.Call, flags *annotateFlags, o annotate.Options) int {
	res, err := annotate.Annotate(ctx, o)
	code := annotate.ExitCode(res.CommandErr)
	switch {
	case err != nil && ctx.Err() != nil:
		call.Complain(err)
		return annotate.ExitNotRun
	case err != nil:
		call.Complain(flags.Advised(err))
		return annotate.ExitOwn
	case !res.Ran():
		call.Complain(res.CommandErr)
		return code
	}
	if write(flags, res, call) && code == 0 {
		return annotate.ExitOwn
	}
	return code
}

// write writes what was found, and reports whether that has failed.
func write(flags *annotateFlags, res annotate.Result, call command.Call) (failed bool) {
	failed, errs := flags.Write(res, call.Out, call.Err)
	for _, err := range errs {
		call.Complain(err)
	}
	err := flags.page.Write(func() *plot.Page {
		report := res.Report()
		return &plot.Page{Title: report.Name, Sections: []plot.Section{plot.OfReport(report)}}
	})
	if err != nil {
		call.Complain(err)
		failed = true
	}
	return failed
}

// misuse is the exit code of wrong arguments: where a command is measured, 2 is its own.
func misuse(flags *annotate.Flags, args []string) int {
	if flags.InPlace(slices.Contains(args, "--")) {
		return annotate.ExitOwn
	}
	return command.Misused
}

// graceOf is how long it may take to end after an interrupt.
func graceOf(o annotate.Options) time.Duration {
	if len(o.Command) > 0 {
		return command.ChildGrace
	}
	return command.ReadGrace
}
