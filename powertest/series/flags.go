package series

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/url"
	"strings"
	"time"

	"github.com/joulebench/joulebench/internal/command"
	"github.com/joulebench/joulebench/internal/web"
	"github.com/joulebench/joulebench/powertest"
	"github.com/joulebench/joulebench/powertest/energy"
)

// Flags are the flags of "powertest series": what is read, and how it is written. Register
// them, parse the arguments, and then:
//
//	options, err := flags.Options(given)
//	series, err := series.Read(ctx, options)
//	err = flags.Write(series, os.Stdout)
type Flags struct {
	options        Options
	server, format string
	last           time.Duration
}

// formats write a series, by the values of -format.
var formats = map[string]func(*Series, io.Writer) error{
	"table":     (*Series).WriteTable,
	"csv":       (*Series).WriteCSV,
	"benchmark": (*Series).WriteBenchmark,
	"json": func(s *Series, w io.Writer) error {
		e := json.NewEncoder(w)
		e.SetIndent("", "  ")
		return e.Encode(s)
	},
}

// Register defines the flags in a set.
func (s *Flags) Register(f *flag.FlagSet) {
	o := &s.options
	f.StringVar(&s.server, "prometheus", "", "`address` of a Prometheus server that scrapes GPUs and servers; what follows a question mark is sent with each query")
	f.DurationVar(&s.last, "last", 24*time.Hour, "how `long` before the end the first step begins")
	f.DurationVar(&o.Every, "every", defaultEvery, "how `long` a step is: several scrape intervals")
	command.Time(f, &o.Start, "start", "`time` when the first step begins, such as 2026-11-25T10:00:00Z, instead of -last")
	command.Time(f, &o.End, "end", "`time` when the last step ends; by default now")
	f.StringVar(&o.Selector, "selector", "", "PromQL `matchers` of the series of energy, such as {job=\"dcgm\"}")
	f.StringVar(&o.Tokens, "tokens", "", "PromQL `matchers` of the series of inference servers, such as {job=\"vllm\"}")
	f.Func("devices", "which GPUs count, as in POWERTEST_DEVICES: a `list` of indices, UUIDs or hosts", func(s string) error {
		o.Devices = []string{s}
		return nil
	})
	f.Func("role", "what some GPUs do, as `SELECTORS=ROLE`, for instance node-1,node-2=prefill; may be repeated", func(s string) error {
		role, err := energy.ParseRole(s)
		o.Roles = append(o.Roles, role)
		return err
	})
	f.Func("slo", "what requests are held to, for goodput: `ttft=TIME`, the time to the first token, or e2e=TIME, that of all; may be repeated", o.setObjective)
	powertest.RegisterPrice(f, &o.Price)
	command.OneOf(f, &s.format, "format", "table", "how it is written; benchmark is records in the Go benchmark format", "table", "csv", "json", "benchmark")
}

// setObjective adds what requests are held to.
func (o *Options) setObjective(s string) error {
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
}

// Options returns what is to be read. given are the names of the flags that were given. The
// error says which of them contradict one another, and what to give.
func (s *Flags) Options(given map[string]bool) (Options, error) {
	address, query, _ := strings.Cut(s.server, "?")
	switch {
	case s.server == "":
		return Options{}, errors.New("which server? give its address with -prometheus")
	case given["start"] && given["last"]:
		return Options{}, errors.New("-start and -last both say when it begins: give one")
	case s.last <= 0:
		return Options{}, fmt.Errorf("-last=%v: it must be more than 0, such as 24h", s.last)
	}
	params, err := url.ParseQuery(query)
	if err != nil {
		return Options{}, errors.New("-prometheus: what follows the question mark is malformed\nin a password, write ? as %3F, & as %26 and @ as %40")
	}
	o := s.options
	o.Server, o.Params = web.Address(address), params
	if end := o.End; !given["start"] {
		if end.IsZero() {
			end = time.Now()
		}
		o.Start = end.Add(-s.last)
	}
	return o, nil
}

// Write writes the series as -format says.
func (s *Flags) Write(series *Series, out io.Writer) error { return formats[s.format](series, out) }
