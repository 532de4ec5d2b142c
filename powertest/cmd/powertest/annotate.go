package main

import (
	"context"
	"flag"
	"slices"
	"time"

	"github.com/joulebench/joulebench/internal/command"
	"github.com/joulebench/joulebench/powertest/annotate"
)

// annotateCommand is the command annotate.
var annotateCommand = command.Command{
	Name:    "annotate",
	Summary: "add the energy of a benchmark to its results",
	Examples: []command.Example{
		{Line: "powertest annotate -log gpu.csv -bench result.json -agg agg.json -gpus 8"},
		{Line: "powertest annotate -log gpu.csv -aiperf profile_export_aiperf.json", Does: "of a result of aiperf"},
		{Line: "powertest annotate -source nvml -bench r.json -agg a.json -- ./bench.sh", Does: "run the benchmark, and measure meanwhile"},
	},
	Usage: []string{
		"-log FILE -bench FILE -agg FILE [-gpus N] [FLAGS]",
		"-log FILE -aiperf FILE [FLAGS]",
		"-dcgm URL -bench FILE -agg FILE [FLAGS] -- COMMAND [ARGS]",
	},
	About: `
Annotate measures the energy of a benchmark from a power log, a Prometheus server or a
trace, adds it to the benchmark's aggregate, and writes beside the result what it found.
With -dcgm or -source, which do not know the past, it runs the benchmark itself, the
COMMAND, and measures meanwhile.`,
	Groups: []command.Group{
		{Title: "Where the energy comes from", Flags: []string{"log", "prometheus", "trace", "dcgm", "source", "devices", "gpus", "role"}},
		{Title: "What was done with it", Flags: []string{"bench", "aiperf", "tokens"}},
		{Title: "Where it is written", Flags: []string{"agg", "sidecar", "benchfmt", "require"}},
		{Title: "How a log is read", Flags: logFlags},
	},
	Operands: "command",
	Exits: []command.Exit{
		{Code: command.OK, Means: "done, even if the energy is not valid"},
		{Code: command.Failed, Means: "with -require or REQUIRE_POWER=1, the energy is not valid; or the COMMAND failed, or a file can't be written"},
		{Code: command.Misused, Means: "the arguments are wrong"},
	},
	Topics: []string{"sources", "reasons", "metrics"},
	Define: func(f *flag.FlagSet) command.Action {
		var flags annotate.Flags
		flags.Register(f)
		return command.Action{Run: func(ctx context.Context, call command.Call) int { return runAnnotate(ctx, call, &flags) }}
	},
}

// logFlags are the flags that say how a log is read.
var logFlags = []string{"tz", "sync-clock", "max-gap", "columns", "gpu-name", "decimal"}

// runAnnotate runs annotate, and returns the exit code.
func runAnnotate(ctx context.Context, call command.Call, flags *annotate.Flags) int {
	o, err := flags.Options(call.Args, slices.Contains(call.All, "--"), call.Given)
	if err != nil {
		call.Complain(err)
		return command.Misused
	}
	o.Std = annotate.Streams(call.Streams)
	code, ended := promptly(ctx, graceOf(o), func() int {
		res, err := annotate.Annotate(ctx, o)
		if res.CommandErr != nil {
			call.Complain(res.CommandErr)
		}
		if err != nil {
			call.Complain(flags.Advised(err))
			return command.Misused
		}
		failed, errs := flags.Write(res, call.Out)
		for _, err := range errs {
			call.Complain(err)
		}
		if failed || res.CommandErr != nil || ctx.Err() != nil {
			return command.Failed
		}
		return command.OK
	})
	if !ended {
		call.Complain(errInterrupted)
		return command.Failed
	}
	return code
}

// graceOf is how long it may take to end after an interrupt.
func graceOf(o annotate.Options) time.Duration {
	if len(o.Command) > 0 {
		return childGrace
	}
	return readGrace
}
