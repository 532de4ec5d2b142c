package annotate

import (
	"cmp"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/joulebench/joulebench/internal/atomicfile"
	"github.com/joulebench/joulebench/internal/known"
	"github.com/joulebench/joulebench/internal/smilog"
	"github.com/joulebench/joulebench/internal/web"
	"github.com/joulebench/joulebench/powertest/energy"
)

// needsCommand is what to do about ErrNoCommand.
const needsCommand = "give the benchmark's command after --, and it is measured while it runs; -log, -prometheus and -trace know the past"

// Flags are the flags of "powertest annotate": what is annotated, and where what was found
// is written. Register them, parse the arguments, and then:
//
//	options, err := flags.Options(args, dashed, given)
//	result, err := annotate.Annotate(ctx, options)
//	err = flags.Write(result, os.Stdout)
type Flags struct {
	options Options
	// sidecar is where the validation file is written, and record the benchmark record.
	sidecar, record string
	log             smilog.Flags
	require         bool
	// sources and results are the flags that name one, with what they name.
	sources, results map[string]string
}

// Register defines the flags in a set.
func (a *Flags) Register(f *flag.FlagSet) {
	a.sources, a.results = map[string]string{}, map[string]string{}
	a.registerSources(f)
	a.registerResults(f)
	f.StringVar(&a.options.Tokens, "tokens", "", "inference `servers` that count the window too, as in POWERTEST_TOKENS, such as vllm=http://HOST:8000; a page needs a COMMAND, and prometheus=URL&job=vllm does not")
	f.BoolVar(&a.require, "require", false, "exit with 1 if the energy is not valid; REQUIRE_POWER=1 does the same")
	f.Func("gpus", "how many GPUs the benchmark used: if another `number` is seen, the energy is not valid; without it the number is only reported; in a log that names no GPU, so many rows have one time stamp", func(s string) error {
		n, err := strconv.Atoi(s)
		if err != nil {
			return errors.New("it must be a number")
		}
		a.options.ExpectedGPUs = &n
		return nil
	})
	f.Func("devices", "which GPUs count, as in POWERTEST_DEVICES: a `list` of indices, ranges such as 0-3, UUIDs or hosts; by default all that the source has", func(s string) error {
		a.options.Devices = []string{s}
		return nil
	})
	f.Func("role", "what some GPUs do, as `SELECTORS=ROLE`, for instance 0-3=prefill; may be repeated", func(s string) error {
		role, err := energy.ParseRole(s)
		a.options.Roles = append(a.options.Roles, role)
		return err
	})
	a.log.Register(f)
}

// one defines a flag of which there is one among several.
func one(f *flag.FlagSet, of map[string]string, name, usage string) {
	f.Func(name, usage, func(value string) error {
		if of["-"+name] = value; value == "" {
			delete(of, "-"+name)
		}
		return nil
	})
}

// registerSources defines the flags that say where the energy comes from.
func (a *Flags) registerSources(f *flag.FlagSet) {
	one(f, a.sources, "log", "`file` that nvidia-smi or amd-smi logs the power to")
	one(f, a.sources, "prometheus", "`address` of a Prometheus server that scrapes the GPUs, as in POWERTEST_SOURCE=prometheus=")
	one(f, a.sources, "trace", "`file` of a recorded measurement, such as POWERTEST_TRACE writes")
	one(f, a.sources, "dcgm", "`addresses` of dcgm-exporters, as in POWERTEST_SOURCE=dcgm=; needs a COMMAND, since an exporter does not know the past")
	one(f, a.sources, "source", "any other `source`, spelled as in POWERTEST_SOURCE, such as nvml; needs a COMMAND if it does not know the past")
}

// registerResults defines the flags that say what the harness has written, and where what
// was found goes.
func (a *Flags) registerResults(f *flag.FlagSet) {
	one(f, a.results, "bench", "result `file` of the benchmark, with the keys benchmark_start_time_unix, benchmark_end_time_unix, duration, completed, total_input_tokens and total_output_tokens")
	one(f, a.results, "aiperf", "result `file` of aiperf, profile_export_aiperf.json, instead of -bench")
	f.StringVar(&a.options.Aggregate, "agg", "", "aggregate `file` that the energy is added to; needed with -bench")
	f.StringVar(&a.sidecar, "sidecar", "", "`file` for what was found; by default power_validation_RESULT.json beside the result")
	f.StringVar(&a.record, "benchfmt", "", "`file` for a record in the Go benchmark format, for benchstat; - is the standard output, instead of the table")
}

// Options returns what is to be annotated. command is what follows the flags, dashed says
// that it stands after "--", and given are the names of the flags that were given. The
// error says which of them contradict one another, and what to give.
func (a *Flags) Options(command []string, dashed bool, given map[string]bool) (Options, error) {
	a.options.Command = command
	a.options.Profile = os.Getenv("POWERTEST_PROFILE")
	// REQUIRE_POWER is InferenceX's.
	if !given["require"] {
		a.require = slices.Contains([]string{"1", "true", "yes"}, strings.ToLower(os.Getenv("REQUIRE_POWER")))
	}
	if err := a.check(dashed); err != nil {
		return Options{}, err
	}
	source, result := slices.Sorted(maps.Keys(a.sources))[0], slices.Sorted(maps.Keys(a.results))[0]
	if err := a.log.Check(given, source == "-log"); err != nil {
		return Options{}, err
	}
	a.name(source, result)
	o := a.options
	files := []string{o.Source.Log, o.Source.Trace, o.Result, o.Aggregate, a.sidecar, a.record}
	if same := atomicfile.Twice(files, 0); same != "" {
		return Options{}, fmt.Errorf("%s would be read and overwritten, or written twice\ngive another file", same)
	}
	return o, nil
}

// check checks the flags against each other.
func (a *Flags) check(dashed bool) error {
	o := a.options
	sources, results := slices.Sorted(maps.Keys(a.sources)), slices.Sorted(maps.Keys(a.results))
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
	case len(o.Command) > 0 && !dashed:
		return fmt.Errorf("%q is not a flag\na command to be run stands after --", o.Command[0])
	case sources[0] == "-source" && !known.IsName(strings.SplitN(a.sources["-source"], "=", 2)[0]):
		return fmt.Errorf("-source %s has no name before the address\nname a source, such as prometheus=URL", web.RedactSource(a.sources["-source"]))
	case sources[0] == "-dcgm" && len(o.Command) == 0:
		return fmt.Errorf("dcgm: %w\n%s", ErrNoCommand, needsCommand)
	case len(o.Devices) > 0 && sources[0] == "-trace":
		return errors.New("-devices can't choose among the GPUs of a trace: it holds those that were measured")
	}
	return nil
}

// name names the source and the result in the options, and the file for what was found,
// if that has no name yet.
func (a *Flags) name(source, result string) {
	o := &a.options
	o.Zone = a.log.Zone
	o.Source = Source{ClockOffset: a.log.Offset, MaxGap: a.log.MaxGap, Columns: a.log.Columns, GPUName: a.log.GPUName, Decimal: a.log.Decimal}
	switch value := a.sources[source]; source {
	case "-log":
		o.Source.Log = value
	case "-trace":
		o.Source.Trace = value
	case "-source":
		o.Source.Name, o.Source.Arg, _ = energy.CutSource(value)
	default:
		o.Source.Name, o.Source.Arg = source[1:], value
	}
	o.Result = a.results[result]
	if o.Format = "inferencex"; result == "-aiperf" {
		o.Format = "aiperf"
	}
	a.sidecar = cmp.Or(a.sidecar, ValidationPath(o.Result))
}

// Advised adds to an error of [Annotate] which flags help.
func (a *Flags) Advised(err error) error {
	if errors.Is(err, ErrNoCommand) {
		return fmt.Errorf("%w\n%s", err, needsCommand)
	}
	return err
}

// Write writes the validation file, the benchmark record, and the table to out. failed says
// that the command that was asked for has failed, and errs what is to be said of it, one
// after the other. The benchmark's record is emptied where there are no numbers: it must
// not hold those of another run.
func (a *Flags) Write(r Result, out io.Writer) (failed bool, errs []error) {
	if err := r.WriteValidation(a.sidecar); err != nil {
		errs, failed = append(errs, err), a.require
	}
	if err := a.writeRecord(r, out); err != nil {
		errs, failed = append(errs, err), true
	}
	if reasons := r.Reasons(); len(reasons) > 0 {
		codes := strings.ReplaceAll(strings.Trim(fmt.Sprint(reasons), "[]"), " ", ", ")
		errs, failed = append(errs, fmt.Errorf("the power is not valid: %s (see %s)", codes, a.sidecar)), failed || a.require
	}
	return failed, errs
}

// writeRecord writes the benchmark record and the table.
func (a *Flags) writeRecord(r Result, out io.Writer) error {
	switch a.record {
	case "-":
		return r.WriteBenchmark(out)
	case "":
		return r.WriteTable(out)
	}
	file, err := atomicfile.Open(a.record, os.O_TRUNC)
	if err == nil {
		err = errors.Join(r.WriteBenchmark(file), file.Close())
	}
	if err != nil {
		err = fmt.Errorf("-benchfmt: %w", err)
	}
	return errors.Join(err, r.WriteTable(out))
}
