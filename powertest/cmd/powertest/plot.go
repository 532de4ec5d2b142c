package main

import (
	"context"
	"flag"
	"fmt"

	"github.com/joulebench/joulebench/internal/command"
	"github.com/joulebench/joulebench/internal/terminal"
	"github.com/joulebench/joulebench/powertest/plot"
)

// plotCommand is the command plot.
var plotCommand = command.Command{
	Name:    "plot",
	Summary: "draw what was measured: a page, SVG or PNG",
	Examples: []command.Example{
		{Line: "powertest plot traces/*.json", Does: "the power over time of POWERTEST_TRACE=traces, in report.html"},
		{Line: "powertest plot old.txt new.txt", Does: "two builds, sample by sample"},
		{Line: "powertest plot -last 1h prometheus=http://prometheus:9090", Does: "the last hour of a fleet"},
	},
	Usage: []string{"[FLAGS] FILE..."},
	About: `
Plot draws files as one HTML page that loads nothing from elsewhere, and as files for papers:
traces of POWERTEST_TRACE, reports of meters, benchmark files (two are compared), the JSON of
gate and annotate, and logs of nvidia-smi and amd-smi. It recognises them by what is in them.
A source that knows the past is written as in POWERTEST_SOURCE, with the time to draw.

The names of the files that were written are on the standard output.`,
	Groups: []command.Group{
		{Title: "What is written", Flags: []string{"o", "svg", "png", "perfetto", "title"}},
		{Title: "When, of a source that knows the past", Flags: []string{"last", "start", "end"}},
	},
	Operands: "file",
	Exits: []command.Exit{
		{Code: command.OK, Means: "all is drawn"},
		{Code: command.Failed, Means: "one of the files can't be drawn; the others are"},
		{Code: command.Misused, Means: "the arguments are wrong"},
	},
	Topics: []string{"environment"},
	Define: func(f *flag.FlagSet) command.Action {
		var flags plot.Flags
		flags.Register(f)
		return command.Action{Run: func(ctx context.Context, call command.Call) int { return runPlot(ctx, call, &flags) }}
	},
}

// runPlot draws, and returns the exit code.
func runPlot(ctx context.Context, call command.Call, flags *plot.Flags) int {
	options, err := flags.Options(call.Args)
	if err != nil {
		call.Complain(err)
		return command.Misused
	}
	return call.Promptly(ctx, command.ReadGrace, func() int {
		page := plot.Read(ctx, options, call.Args...)
		code := command.OK
		for _, f := range page.Failures {
			call.Complain(f)
			code = command.Failed
		}
		if len(page.Sections) == 0 {
			return command.Failed
		}
		written, err := flags.Write(page)
		for _, path := range written {
			fmt.Fprintln(call.Out, terminal.Line(path))
		}
		if err != nil {
			call.Complain(err)
			return command.Failed
		}
		return code
	})
}
