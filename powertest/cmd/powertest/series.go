package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/url"
	"strings"
	"time"

	"github.com/joulebench/joulebench/internal/web"
	"github.com/joulebench/joulebench/powertest/energy"
	"github.com/joulebench/joulebench/powertest/series"
)

const seriesUsage = `Usage:
  powertest series -prometheus URL [-last 24h] [-every 5m] [FLAGS]

Series measures what tokens cost in production, from what a Prometheus server has
scraped of GPUs and inference servers: joules per token, watts and tokens per
second of each step of time, by model, by role and in all, each with its interval
or the reason why it is withheld.

It exits with 1 if there is not one number, and wrong arguments exit with 2.

`

// seriesFormats write a series, by the values of -format.
var seriesFormats = map[string]func(*series.Series, io.Writer) error{
	"table":     (*series.Series).WriteTable,
	"csv":       (*series.Series).WriteCSV,
	"benchmark": (*series.Series).WriteBenchmark,
	"json": func(s *series.Series, w io.Writer) error {
		e := json.NewEncoder(w)
		e.SetIndent("", "  ")
		return e.Encode(s)
	},
}

// seriesFlags are the options, and how the result is written.
type seriesFlags struct {
	series.Options
	server, format string
	last           time.Duration
}

// define defines the flags.
func (o *seriesFlags) define(f *flag.FlagSet) {
	f.StringVar(&o.server, "prometheus", "", "`address` of a Prometheus server that scrapes GPUs and servers; what follows a question mark is sent with each query")
	f.DurationVar(&o.last, "last", 24*time.Hour, "how `long` before the end the first step begins")
	f.DurationVar(&o.Every, "every", 5*time.Minute, "how `long` a step is: several scrape intervals")
	at := func(to *time.Time) func(string) error {
		return func(s string) (err error) {
			if *to, err = time.Parse(time.RFC3339, s); err != nil {
				err = errors.New("it must be a time of RFC 3339, such as 2026-11-25T10:00:00Z")
			}
			return err
		}
	}
	f.Func("start", "`time` when the first step begins, such as 2026-11-25T10:00:00Z, instead of -last", at(&o.Start))
	f.Func("end", "`time` when the last step ends; by default now", at(&o.End))
	f.StringVar(&o.Selector, "selector", "", "PromQL `matchers` of the series of energy, such as {job=\"dcgm\"}")
	f.StringVar(&o.Tokens, "tokens", "", "PromQL `matchers` of the series of inference servers, such as {job=\"vllm\"}")
	f.Func("devices", "which GPUs count, as in POWERTEST_DEVICES: a `list` of indices, UUIDs or hosts", func(s string) error {
		o.Devices = []string{s}
		return nil
	})
	f.Func("role", "what some GPUs do, as `SELECTORS=ROLE`, for instance node-1,node-2=prefill; may be repeated", func(s string) error {
		role, err := parseRole(s)
		o.Roles = append(o.Roles, role)
		return err
	})
	f.Func("slo", "what requests are held to, for goodput: `ttft=TIME`, the time to the first token, or e2e=TIME, that of all; may be repeated", func(s string) error {
		of, limit, _ := strings.Cut(s, "=")
		d, err := time.ParseDuration(limit)
		if err != nil || of != "ttft" && of != "e2e" || d <= 0 {
			return errors.New("it must be ttft or e2e with a time, such as ttft=500ms")
		}
		if o.Objectives == nil {
			o.Objectives = map[string]time.Duration{}
		}
		o.Objectives[of] = d
		return nil
	})
	f.StringVar(&o.format, "format", "table", "`table`, csv, json, or benchmark: records in the Go benchmark format")
}

// check completes the options. set are the flags that were given.
func (o *seriesFlags) check(rest []string, set map[string]bool) error {
	address, query, _ := strings.Cut(o.server, "?")
	switch {
	case o.server == "":
		return errors.New("which server? give its address with -prometheus")
	case len(rest) > 0:
		return fmt.Errorf("%q is not a flag", rest[0])
	case seriesFormats[o.format] == nil:
		return fmt.Errorf("-format=%.20q: it is table, csv, json or benchmark", o.format)
	case set["start"] && set["last"]:
		return errors.New("-start and -last both say when it begins: give one")
	case o.last <= 0:
		return fmt.Errorf("-last=%v: it must be more than 0, such as 24h", o.last)
	}
	params, err := url.ParseQuery(query)
	if err != nil {
		return errors.New("-prometheus: what follows the question mark is malformed\nin a password, write ? as %3F, & as %26 and @ as %40")
	}
	o.Options.Server, o.Params = web.Address(address), params
	if end := o.End; !set["start"] {
		if end.IsZero() {
			end = time.Now()
		}
		o.Start = end.Add(-o.last)
	}
	return nil
}

// seriesCommand is the subcommand.
func seriesCommand(ctx context.Context, args []string, std stdio) int {
	o := &seriesFlags{}
	f := flag.NewFlagSet("series", flag.ContinueOnError)
	o.define(f)
	if code, ok := parseFlags(f, seriesUsage, args, std); !ok {
		return code
	}
	if err := o.check(f.Args(), given(f)); err != nil {
		complain(std.err, "series", err)
		return exitUsage
	}
	code, ended := promptly(ctx, readGrace, func() int { return o.read(ctx, std) })
	if !ended {
		complain(std.err, "series", errInterrupted)
		return exitFailed
	}
	return code
}

// read reads and writes, and returns the exit code.
func (o *seriesFlags) read(ctx context.Context, std stdio) int {
	s, err := series.Read(ctx, o.Options)
	if err == nil {
		err = seriesFormats[o.format](s, std.out)
	}
	switch {
	case errors.Is(err, energy.ErrMalformed):
		complain(std.err, "series", err)
		return exitUsage
	case err != nil:
		complain(std.err, "series", err)
		return exitFailed
	case !s.Measured():
		complain(std.err, "series", errors.New("there is not one number: see the reasons"))
		return exitFailed
	}
	return exitOK
}
