package main

import (
	"context"
	"errors"
	"flag"
	"fmt"

	"github.com/joulebench/joulebench/internal/command"
	"github.com/joulebench/joulebench/powertest/energy"
	"github.com/joulebench/joulebench/powertest/series"
)

// seriesCommand is the command series.
var seriesCommand = command.Command{
	Name:    "series",
	Summary: "say what tokens cost in production, over hours and days",
	Examples: []command.Example{
		{Line: "powertest series -prometheus http://prometheus:9090 -last 24h -every 5m"},
	},
	Usage: []string{"-prometheus URL [-last 24h] [-every 5m] [FLAGS]"},
	About: `
Series measures what tokens cost in production, from what a Prometheus server has scraped
of GPUs and inference servers: joules per token, watts and tokens per second of each step
of time, by model, by role and in all, each with its interval or the reason why it is
withheld.`,
	Groups: []command.Group{
		{Title: "What is read", Flags: []string{"prometheus", "selector", "tokens", "devices", "role"}},
		{Title: "When", Flags: []string{"last", "start", "end", "every"}},
		{Title: "What is reported", Flags: []string{"slo", "price", "format"}},
	},
	Exits: []command.Exit{
		{Code: command.OK, Means: "there is at least one number"},
		{Code: command.Failed, Means: "there is none, or the server can't be read"},
		{Code: command.Misused, Means: "the arguments are wrong"},
	},
	Topics: []string{"reasons", "environment"},
	Define: func(f *flag.FlagSet) command.Action {
		var flags series.Flags
		flags.Register(f)
		return command.Action{Run: func(ctx context.Context, call command.Call) int { return runSeries(ctx, call, &flags) }}
	},
}

// runSeries runs series, and returns the exit code.
func runSeries(ctx context.Context, call command.Call, flags *series.Flags) int {
	o, err := flags.Options(call.Given)
	if len(call.Args) > 0 {
		err = fmt.Errorf("%q is not a flag", call.Args[0])
	}
	if err != nil {
		call.Complain(err)
		return command.Misused
	}
	return call.Promptly(ctx, command.ReadGrace, func() int {
		s, err := series.Read(ctx, o)
		if err == nil {
			err = flags.Write(s, call.Out)
		}
		if err == nil && !s.Measured() {
			err = errors.New("there is not one number: see the reasons")
		}
		switch {
		case errors.Is(err, energy.ErrMalformed):
			call.Complain(err)
			return command.Misused
		case err != nil:
			call.Complain(err)
			return command.Failed
		}
		return command.OK
	})
}
