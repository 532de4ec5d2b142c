package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/joulebench/joulebench/internal/atomicfile"
	"github.com/joulebench/joulebench/internal/web"
	"github.com/joulebench/joulebench/powertest/annotate"
	"github.com/joulebench/joulebench/powertest/energy"

	// Sources that are opened by name.
	_ "github.com/joulebench/joulebench/amdsource"
	_ "github.com/joulebench/joulebench/dcgmsource"
	_ "github.com/joulebench/joulebench/intelsource"
	_ "github.com/joulebench/joulebench/promsource"
	_ "github.com/joulebench/joulebench/simsource"
	_ "github.com/joulebench/joulebench/smisource"
	_ "github.com/joulebench/joulebench/trtllmsource"
	_ "github.com/joulebench/joulebench/zeusdsource"
)

// needsCommand is what to do about annotate.ErrNoCommand.
const needsCommand = "give the benchmark's command after --, and it is measured while it runs; -log, -prometheus and -trace know the past"

const annotateUsage = `Usage:
  powertest annotate -log FILE -bench FILE -agg FILE [-gpus N] [FLAGS]
  powertest annotate -log FILE -aiperf FILE [FLAGS]
  powertest annotate -dcgm URL -bench FILE -agg FILE [FLAGS] -- COMMAND [ARGS]

Annotate measures the energy of a benchmark from a power log, a Prometheus server
or a trace, adds it to the benchmark's aggregate, and writes beside the result
what it found. With -dcgm or -source, which do not know the past, it runs the
benchmark itself, the COMMAND, and measures meanwhile.

It exits with 0 even if the telemetry is not valid, unless -require is given or
REQUIRE_POWER is 1, true or yes: then with 1, after all files are written. Wrong
arguments exit with 2.

`

// annotateCommand is the subcommand.
func annotateCommand(ctx context.Context, args []string, std stdio) int {
	complain := func(err error) { complain(std.err, "annotate", err) }
	o := &annotateFlags{sources: map[string]string{}, results: map[string]string{}}
	f := flag.NewFlagSet("annotate", flag.ContinueOnError)
	o.define(f)
	if code, ok := parseFlags(f, annotateUsage, args, std); !ok {
		return code
	}
	o.Profile = os.Getenv("POWERTEST_PROFILE")
	o.Command, o.Std = f.Args(), annotate.Streams{In: std.in, Out: std.out, Err: std.err}
	if err := o.check(args, given(f)); err != nil {
		complain(err)
		return exitUsage
	}
	code, ended := promptly(ctx, o.grace(), func() int { return o.annotate(ctx, std, complain) })
	if !ended {
		complain(errInterrupted)
		return exitFailed
	}
	return code
}

// grace is how long it may take to end after an interrupt.
func (o *annotateFlags) grace() time.Duration {
	if len(o.Command) > 0 {
		return childGrace
	}
	return readGrace
}

// annotate does it, and returns the exit code.
func (o *annotateFlags) annotate(ctx context.Context, std stdio, complain func(error)) int {
	res, err := annotate.Annotate(ctx, o.Options)
	if res.CommandErr != nil {
		complain(res.CommandErr)
	}
	if errors.Is(err, annotate.ErrNoCommand) {
		err = fmt.Errorf("%w\n%s", err, needsCommand)
	}
	if err != nil {
		complain(err)
		return exitUsage
	}
	failed := res.CommandErr != nil || ctx.Err() != nil
	if err := res.WriteValidation(o.sidecar); err != nil {
		complain(err)
		failed = failed || o.require
	}
	if err := o.writeResult(res, std.out); err != nil {
		complain(err)
		failed = true
	}
	if reasons := res.Reasons(); len(reasons) > 0 {
		codes := strings.ReplaceAll(strings.Trim(fmt.Sprint(reasons), "[]"), " ", ", ")
		complain(fmt.Errorf("the power is not valid: %s (see %s)", codes, o.sidecar))
		failed = failed || o.require
	}
	if failed {
		return exitFailed
	}
	return exitOK
}

// writeResult writes the benchmark record and the table. A file is emptied where
// there are no numbers: it must not hold those of another run.
func (o *annotateFlags) writeResult(res annotate.Result, out io.Writer) error {
	switch o.benchfmt {
	case "-":
		return res.WriteBenchmark(out)
	case "":
		return res.WriteTable(out)
	}
	file, err := atomicfile.Open(o.benchfmt, os.O_TRUNC)
	if err == nil {
		err = errors.Join(res.WriteBenchmark(file), file.Close())
	}
	if err != nil {
		err = fmt.Errorf("-benchfmt: %w", err)
	}
	return errors.Join(err, res.WriteTable(out))
}

// annotateFlags are the options, and what is made of the result.
type annotateFlags struct {
	annotate.Options
	// sidecar is where the validation file is written, and benchfmt the record.
	sidecar, benchfmt string
	log               logFlags
	require           bool
	// sources and results are the flags that name one, with what they name.
	sources, results map[string]string
}

// define defines the flags.
func (o *annotateFlags) define(f *flag.FlagSet) {
	one := func(of map[string]string, name, usage string) {
		f.Func(name, usage, func(value string) error {
			if of["-"+name] = value; value == "" {
				delete(of, "-"+name)
			}
			return nil
		})
	}
	one(o.sources, "log", "`file` that nvidia-smi or amd-smi logs the power to")
	one(o.sources, "prometheus", "`address` of a Prometheus server that scrapes the GPUs, as in POWERTEST_SOURCE=prometheus=")
	one(o.sources, "trace", "`file` of a recorded measurement, such as POWERTEST_TRACE writes")
	one(o.sources, "dcgm", "`addresses` of dcgm-exporters, as in POWERTEST_SOURCE=dcgm=; needs a COMMAND, since an exporter does not know the past")
	one(o.sources, "source", "any other `source`, spelled as in POWERTEST_SOURCE, such as nvml; needs a COMMAND if it does not know the past")
	one(o.results, "bench", "result `file` of the benchmark, with the keys benchmark_start_time_unix, benchmark_end_time_unix, duration, completed, total_input_tokens and total_output_tokens")
	one(o.results, "aiperf", "result `file` of aiperf, profile_export_aiperf.json, instead of -bench")
	f.StringVar(&o.Tokens, "tokens", "", "inference `servers` that count the window too, as in POWERTEST_TOKENS, such as vllm=http://HOST:8000; a page needs a COMMAND, and prometheus=URL&job=vllm does not")
	f.StringVar(&o.Aggregate, "agg", "", "aggregate `file` that the energy is added to; needed with -bench")
	f.StringVar(&o.sidecar, "sidecar", "", "`file` for what was found; by default power_validation_RESULT.json beside the result")
	f.StringVar(&o.benchfmt, "benchfmt", "", "`file` for a record in the Go benchmark format, for benchstat; - is the standard output, instead of the table")
	// REQUIRE_POWER is InferenceX's.
	required := slices.Contains([]string{"1", "true", "yes"}, strings.ToLower(os.Getenv("REQUIRE_POWER")))
	f.BoolVar(&o.require, "require", required, "exit with 1 if the energy is not valid; REQUIRE_POWER=1 does the same")
	f.Func("gpus", "how many GPUs the benchmark used: if another `number` is seen, the energy is not valid; without it the number is only reported; in a log that names no GPU, so many rows have one time stamp", func(s string) error {
		n, err := strconv.Atoi(s)
		if err != nil {
			return errors.New("it must be a number")
		}
		o.ExpectedGPUs = &n
		return nil
	})
	f.Func("devices", "which GPUs count, as in POWERTEST_DEVICES: a `list` of indices, ranges such as 0-3, UUIDs or hosts; by default all that the source has", func(s string) error {
		o.Devices = []string{s}
		return nil
	})
	f.Func("role", "what some GPUs do, as `SELECTORS=ROLE`, for instance 0-3=prefill; may be repeated", func(s string) error {
		role, err := parseRole(s)
		o.Roles = append(o.Roles, role)
		return err
	})
	o.log.define(f, &o.Source)
}

// check checks the flags against each other. args are those that were parsed, and
// set the flags among them.
func (o *annotateFlags) check(args []string, set map[string]bool) error {
	sources, results := slices.Sorted(maps.Keys(o.sources)), slices.Sorted(maps.Keys(o.results))
	switch {
	case len(sources) == 0:
		return errors.New("where does the energy come from? give -log, -prometheus, -trace, -dcgm or -source")
	case len(sources) > 1:
		return fmt.Errorf("%s: the energy comes from one of them", strings.Join(sources, " and "))
	case len(results) == 0:
		return errors.New("what was measured? give the benchmark's result with -bench, or aiperf's with -aiperf")
	case len(results) > 1:
		return fmt.Errorf("%s: there is one result", strings.Join(results, " and "))
	case results[0] == "-bench" && o.Aggregate == "":
		return errors.New("-bench needs -agg, the file that the energy is added to")
	case len(o.Command) > 0 && !slices.Contains(args, "--"):
		return fmt.Errorf("%q is not a flag\na command to be run stands after --", o.Command[0])
	case sources[0] == "-source" && !isSourceName(strings.SplitN(o.sources["-source"], "=", 2)[0]):
		return fmt.Errorf("-source %s has no name before the address\nname a source, such as prometheus=URL", web.RedactSource(o.sources["-source"]))
	case sources[0] == "-dcgm" && len(o.Command) == 0:
		return fmt.Errorf("dcgm: %w\n%s", annotate.ErrNoCommand, needsCommand)
	case len(o.Devices) > 0 && sources[0] == "-trace":
		return errors.New("-devices can't choose among the GPUs of a trace: it holds those that were measured")
	}
	var err error
	if o.Zone, err = o.log.check(o.Source, set, sources[0] == "-log"); err != nil {
		return err
	}
	o.name(sources[0], results[0])
	files := []string{o.Source.Log, o.Source.Trace, o.Result, o.Aggregate, o.sidecar, o.benchfmt}
	if same := atomicfile.Twice(files, 0); same != "" {
		return fmt.Errorf("%s would be read and overwritten, or written twice\ngive another file", same)
	}
	return nil
}

// name names the source and the result in the options, and the file for what was
// found, if that has no name yet.
func (o *annotateFlags) name(source, result string) {
	switch value := o.sources[source]; source {
	case "-log":
		o.Source.Log = value
	case "-trace":
		o.Source.Trace = value
	case "-source":
		o.Source.Name, o.Source.Arg, _ = energy.CutSource(value)
	default:
		o.Source.Name, o.Source.Arg = source[1:], value
	}
	o.Result = o.results[result]
	if o.Format = "inferencex"; result == "-aiperf" {
		o.Format = "aiperf"
	}
	o.sidecar = cmp.Or(o.sidecar, annotate.ValidationPath(o.Result))
}
