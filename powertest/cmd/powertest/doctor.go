package main

import (
	"context"
	"flag"

	"github.com/joulebench/joulebench/internal/command"
	"github.com/joulebench/joulebench/internal/progress"
	"github.com/joulebench/joulebench/powertest/doctor"
	"github.com/joulebench/joulebench/powertest/energy"
	"github.com/joulebench/joulebench/powertest/plot"
)

// doctorCommand is the command doctor.
var doctorCommand = command.Command{
	Name:    "doctor",
	Summary: "say what would be measured here, and how well",
	Examples: []command.Example{
		{Line: "powertest doctor"},
		{Line: "powertest doctor -log gpu.csv", Does: "of a power log"},
		{Line: "powertest doctor -load ./burn.sh -profile gpu.json -meter meter.csv", Does: "calibrate one card against an external meter"},
	},
	Usage: []string{"[-source NAME=... | -log FILE] [FLAGS]"},
	About: `
Doctor says what would be measured here, and how well: which sources there are and why
others are not, the GPUs, how often their counters are refreshed, how long a call takes,
what error windows of 0.1, 1 and 10 s have, and which -benchtime to use. It watches for
some seconds, and changes nothing.

With -profile it writes what it has measured of the GPUs, as POWERTEST_PROFILE takes it:
with -load by how much their counters are late and what they miss, and with -meter their
gain and offset against an external meter.`,
	Groups: []command.Group{
		{Title: "What is examined", Flags: []string{"source", "log", "devices", "gpus", "for"}},
		{Title: "Under a load, and against a meter", Flags: []string{"load", "meter", "profile"}},
		{Title: "What is written", Flags: []string{"json", "plot"}},
		{Title: "How a log is read", Flags: logFlags},
	},
	Exits: []command.Exit{
		{Code: command.OK, Means: "joules can be measured, or a profile of a log was written, which may have ended long ago"},
		{Code: command.Failed, Means: "they can't, or -meter or -profile failed"},
		{Code: command.Misused, Means: "the arguments are wrong"},
	},
	Topics: []string{"sources", "reasons", "environment"},
	Define: func(f *flag.FlagSet) command.Action {
		var flags doctorFlags
		flags.Flags.Register(f)
		flags.page.Register(f, "the power that was seen")
		return command.Action{Run: func(ctx context.Context, call command.Call) int { return runDoctor(ctx, call, &flags) }}
	},
}

// doctorFlags are doctor's flags.
type doctorFlags struct {
	doctor.Flags
	page plot.PageFlag
}

// drawn draws what was recorded; nil if nothing was.
func drawn(r doctor.Report) *plot.Page {
	if len(r.Recordings) == 0 {
		return nil
	}
	page := &plot.Page{Title: "doctor: " + r.Verdict}
	for i, recording := range r.Recordings {
		page.Sections = append(page.Sections, plot.OfRecording([]string{"as it was", "under load"}[i], recording))
	}
	return page
}

// runDoctor runs doctor, and returns the exit code.
func runDoctor(ctx context.Context, call command.Call, flags *doctorFlags) int {
	flags.AlsoWrites(flags.page.Path())
	if err := flags.Check(call.Args, call.Given); err != nil {
		call.Complain(err)
		return command.Misused
	}
	src, err := flags.Open(ctx)
	if err != nil && ctx.Err() != nil {
		call.Complain(command.ErrInterrupted)
		return command.Failed
	}
	grace := command.ChildGrace // what was seen is reported, and a load is ended
	if _, past := src.(energy.HistorySource); past {
		grace = command.ReadGrace
	}
	return call.Promptly(ctx, grace, func() int { return examine(ctx, call, flags, src, err) })
}

// examine examines what was opened, or reports why it was not, and returns the exit code.
func examine(ctx context.Context, call command.Call, flags *doctorFlags, src energy.Source, opened error) int {
	r, err := flags.Examine(ctx, src, opened, progress.Of(ctx).Writer(call.Err))
	if err != nil {
		call.Complain(err)
		return command.Misused
	}
	if err := flags.Write(r, call.Out); err != nil {
		call.Complain(err)
		return command.Failed
	}
	if err := flags.page.Write(func() *plot.Page { return drawn(r) }); err != nil {
		call.Complain(err)
		return command.Failed
	}
	if !flags.Answered(r) {
		return command.Failed
	}
	return command.OK
}
