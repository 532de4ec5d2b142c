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
	"time"

	"github.com/joulebench/joulebench/internal/atomicfile"
	"github.com/joulebench/joulebench/internal/auto"
	"github.com/joulebench/joulebench/internal/known"
	"github.com/joulebench/joulebench/internal/smilog"
	"github.com/joulebench/joulebench/internal/web"
	"github.com/joulebench/joulebench/powertest"
	"github.com/joulebench/joulebench/powertest/energy"
)

// needsCommand is what to do about ErrNoCommand.
const needsCommand = "give the command after --, and it is measured while it runs; -log FILE, -prometheus URL and -trace FILE know the past"

// Flags are the flags of "powertest annotate": what is annotated, and where what was found
// is written. Register them, parse the arguments, and then:
//
//	options, err := flags.Options(args, dashed, given)
//	result, err := annotate.Annotate(ctx, options)
//	failed, errs := flags.Write(result, os.Stdout, os.Stderr)
type Flags struct {
	options Options
	past    Past
	run     runFlags
	each    eachFlags
	// sidecar is where the validation file is written, record the benchmark record, and
	// report what powertest reports of a load.
	sidecar, record, report string
	log                     smilog.Flags
	require                 bool
	// besides is a file that the command writes as well.
	besides string
	// sources and results are the flags that name one, with what they name.
	sources, results map[string]string
}

// Register defines the flags in a set.
func (a *Flags) Register(f *flag.FlagSet) {
	a.sources, a.results = map[string]string{}, map[string]string{}
	a.registerSources(f)
	a.registerResults(f)
	a.run.register(f)
	powertest.RegisterPrice(f, &a.options.Price)
	a.each.register(f)
	f.StringVar(&a.past.Start, "start", "", "`time` when a window of the past begins, such as 2026-11-25T10:00:00Z, or seconds since 1970; for a source that knows the past; or when the run of a result began that says only how long it took")
	f.StringVar(&a.past.End, "end", "", "`time` when it ends; by default now")
	f.DurationVar(&a.past.Last, "last", 0, "how long before its end it begins, instead of -start: a `time` such as 5m")
	f.StringVar(&a.options.Tokens, "tokens", "", "inference `servers` that count the window too, as in POWERTEST_TOKENS, such as vllm=http://HOST:8000; a page needs a COMMAND, and prometheus=URL&job=vllm does not")
	f.BoolVar(&a.require, "require", false, "exit with 1, or of a COMMAND without a result 125, if the energy is not valid; REQUIRE_POWER=1 does the same")
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
	one(f, a.sources, "source", "any other `source`, spelled as in POWERTEST_SOURCE, such as nvml; needs a COMMAND if it does not know the past; by default what POWERTEST_SOURCE says, and for a COMMAND auto")
}

// registerResults defines the flags that say what the harness has written, and where what
// was found goes.
func (a *Flags) registerResults(f *flag.FlagSet) {
	one(f, a.results, "bench", "result `file` of the load harness, known by what is in it: of vLLM, SGLang, guidellm, aiperf, genai-perf, k6, vegeta or InferenceX")
	one(f, a.results, "aiperf", "result `file` of aiperf, profile_export_aiperf.json, instead of -bench")
	f.StringVar(&a.options.Aggregate, "agg", "", "aggregate `file` that the energy of a result is added to")
	f.StringVar(&a.sidecar, "sidecar", "", "`file` for what was found of a result; by default power_validation_RESULT.json beside the result, if there is an aggregate or -aiperf")
	f.StringVar(&a.record, "benchfmt", "", "`file` for a record in the Go benchmark format, for benchstat; - is the standard output, instead of the table")
	f.StringVar(&a.report, "json", "", "`file` for all that is known of the energy, as JSON; - is the standard output, instead of the table")
}

// AlsoWrites says that the command writes a file besides those of these flags, or none if it
// is empty.
func (a *Flags) AlsoWrites(path string) { a.besides = path }

// Options returns what is to be annotated. command is what follows the flags, dashed says
// that it stands after "--", and given are the names of the flags that were given. The
// error says which of them contradict one another, and what to give.
func (a *Flags) Options(command []string, dashed bool, given map[string]bool) (Options, error) {
	a.options.Command = command
	a.options.Profile = profileOfEnvironment()
	// REQUIRE_POWER is InferenceX's.
	if !given["require"] {
		a.require = slices.Contains([]string{"1", "true", "yes"}, strings.ToLower(os.Getenv("REQUIRE_POWER")))
	}
	a.fromEnvironment(given)
	if err := a.check(dashed); err != nil {
		return Options{}, err
	}
	source := slices.Sorted(maps.Keys(a.sources))[0]
	if err := a.log.Check(given, source == "-log"); err != nil {
		return Options{}, err
	}
	a.name(source)
	err := a.window()
	if a.options.alone() {
		err = errors.Join(err, a.run.refuse())
	} else {
		err = errors.Join(err, a.run.apply(&a.options, a.past.Start))
	}
	if err != nil {
		return Options{}, err
	}
	o := a.options
	files := []string{o.Source.Log, o.Source.Trace, o.Result, o.Aggregate, a.sidecar, a.record, a.report, a.besides}
	if same := atomicfile.Twice(files, 0); same != "" {
		return Options{}, fmt.Errorf("%s would be read and overwritten, or written twice\ngive another file", same)
	}
	return o, nil
}

func profileOfEnvironment() string { return os.Getenv("POWERTEST_PROFILE") }

// fromEnvironment is the source that is measured where no flag names one, with its devices.
// What a COMMAND uses is by default what there is here.
func (a *Flags) fromEnvironment(given map[string]bool) {
	if len(a.sources) > 0 {
		return
	}
	source, live := os.Getenv("POWERTEST_SOURCE"), len(a.options.Command) > 0
	if source == "" {
		source = auto.Name
	}
	if name, arg, _ := energy.CutSource(source); !live && (Source{Name: name, Arg: arg}).forgets() != "" {
		return // it can't be meant
	}
	a.sources["-source"] = source
	if devices := os.Getenv("POWERTEST_DEVICES"); devices != "" && !given["devices"] {
		a.options.Devices = []string{devices}
	}
}

// window sets the window of the past, if one was given.
func (a *Flags) window() (err error) {
	if a.past.Given() && a.options.alone() {
		a.options.Window, err = a.past.Window(a.options.Zone, time.Now())
	}
	return err
}

// check checks the flags against each other.
func (a *Flags) check(dashed bool) error {
	o := a.options
	sources, results := slices.Sorted(maps.Keys(a.sources)), slices.Sorted(maps.Keys(a.results))
	switch {
	case a.each.dryRun:
		return errors.New("-n is about -each, which it keeps from changing anything")
	case len(o.Command) > 0 && !dashed:
		return fmt.Errorf("%q is not a flag\na command to be run stands after --", o.Command[0])
	case len(results) == 0 && len(o.Command) == 0 && !a.past.Given():
		return errors.New("what is measured? give a result with -bench or -aiperf, a folder of them with -each, a command after --, or a window of the past with -start or -last")
	case len(sources) == 0 && a.past.Given():
		return errors.New("where does the energy come from? give a source that knows the past: -log FILE, -prometheus URL or -trace FILE")
	case len(sources) == 0:
		return errors.New("where does the energy come from? give -log, -prometheus, -trace, -dcgm or -source")
	case len(sources) > 1:
		return fmt.Errorf("%s: the energy comes from one of them", strings.Join(sources, " and "))
	case len(results) > 1:
		return fmt.Errorf("%s: there is one result", strings.Join(results, " and "))
	case len(results) > 0 && (a.past.End != "" || a.past.Last != 0):
		return errors.New("-end and -last are of a window of the past, and a result has its own\none that does not say when its run was takes -start, -end-now or -end-file")
	case a.past.Given() && len(o.Command) > 0 && len(results) == 0:
		return errors.New("-start, -end and -last are of a window of the past, and a command is measured while it runs\nleave out the one or the other")
	case len(results) == 0 && o.Aggregate != "":
		return errors.New("-agg: there is no result to add to it\ngive that with -bench or -aiperf")
	case len(results) == 0 && a.sidecar != "":
		return errors.New("-sidecar is about a result, and there is none\n-json takes all that is known of the energy")
	case a.record == "-" && a.report == "-":
		return errors.New("-benchfmt and -json would both be the standard output\ngive a file for one of them")
	}
	return a.checkSource(sources[0])
}

// checkSource checks the flag that names the source.
func (a *Flags) checkSource(flag string) error {
	value := a.sources[flag]
	switch {
	case flag == "-source" && !known.IsName(strings.SplitN(value, "=", 2)[0]):
		return fmt.Errorf("-source %s has no name before the address\nname a source, such as prometheus=URL", web.RedactSource(value))
	case flag == "-dcgm" && len(a.options.Command) == 0:
		return fmt.Errorf("dcgm: %w\n%s", ErrNoCommand, needsCommand)
	case len(a.options.Devices) > 0 && flag == "-trace":
		return errors.New("-devices can't choose among the GPUs of a trace: it holds those that were measured")
	}
	return nil
}

// name names the source and the result in the options, and the file for what was found,
// if that has no name yet.
func (a *Flags) name(source string) {
	o := &a.options
	o.Zone = a.log.Zone
	o.Source = Source{ClockOffset: a.log.Offset, MaxGap: a.log.MaxGap, Columns: a.log.Columns, GPUName: a.log.GPUName, Decimal: a.log.Decimal}
	switch value := a.sources[source]; source {
	case "": // of -each, the log beside the result
	case "-log":
		o.Source.Log = value
	case "-trace":
		o.Source.Trace = value
	case "-source":
		o.Source.Name, o.Source.Arg, _ = energy.CutSource(value)
	default:
		o.Source.Name, o.Source.Arg = source[1:], value
	}
	for _, result := range slices.Sorted(maps.Keys(a.results)) {
		o.Result = a.results[result]
		if result == "-aiperf" {
			o.Format = "aiperf"
		}
		if o.Aggregate != "" || result == "-aiperf" {
			a.sidecar = cmp.Or(a.sidecar, ValidationPath(o.Result))
		}
	}
}

// Advised adds to an error of [Annotate] which flags help.
func (a *Flags) Advised(err error) error {
	if errors.Is(err, ErrNoCommand) {
		return fmt.Errorf("%w\n%s", err, needsCommand)
	}
	return err
}

// Write writes the files, and the table: to out, or where out is the command's own to errOut.
// failed says that the command that was asked for has failed, and errs what is to be said of
// it, one after the other. The benchmark's record is emptied where there are no numbers: it
// must not hold those of another run.
func (a *Flags) Write(r Result, out, errOut io.Writer) (failed bool, errs []error) {
	if a.sidecar != "" {
		if err := r.WriteValidation(a.sidecar); err != nil {
			errs, failed = append(errs, err), a.require
		}
	}
	table := out
	switch alone := a.options.alone(); {
	case alone && len(a.options.Command) > 0:
		table = errOut
	case a.record == "-" || a.report == "-":
		table = nil
	}
	if err := a.writeFiles(r, out, table); err != nil {
		errs, failed = append(errs, err), true
	}
	if reasons := r.Reasons(); len(reasons) > 0 {
		failed = failed || a.require || a.past.Given() && a.options.alone()
		if !a.options.alone() || table == nil { // else it says so itself
			errs = append(errs, a.invalid(reasons))
		}
	}
	return failed, errs
}

// invalid says which reasons there are, and where more is said of them.
func (a *Flags) invalid(reasons []energy.Reason) error {
	codes := strings.ReplaceAll(strings.Trim(fmt.Sprint(reasons), "[]"), " ", ", ")
	switch {
	case a.options.alone():
		return fmt.Errorf("there is no number for the energy: %s", codes)
	case a.sidecar == "":
		return fmt.Errorf("the power is not valid: %s", codes)
	}
	return fmt.Errorf("the power is not valid: %s (see %s)", codes, a.sidecar)
}

// writeFiles writes the benchmark record, the report, and the table, if there is where.
func (a *Flags) writeFiles(r Result, out, table io.Writer) error {
	err := writeTo("-benchfmt", a.record, out, r.WriteBenchmark)
	err = errors.Join(err, writeTo("-json", a.report, out, r.WriteJSON))
	if table != nil {
		err = errors.Join(err, r.WriteTable(table))
	}
	return err
}

// writeTo writes the file that a flag names, if it names one; - is out.
func writeTo(flag, path string, out io.Writer, write func(io.Writer) error) error {
	switch path {
	case "":
		return nil
	case "-":
		return write(out)
	}
	file, err := atomicfile.Open(path, os.O_TRUNC)
	if err == nil {
		err = errors.Join(write(file), file.Close())
	}
	if err != nil {
		return fmt.Errorf("%s: %w", flag, err)
	}
	return nil
}

// The exit codes of annotate where it stands in the place of a command: those below are the
// command's own, and those above say that it could not be run, or that a signal ended it.
const (
	// ExitOwn: annotate itself has failed.
	ExitOwn = 125
	// ExitNotRun: it was interrupted before the command was run.
	ExitNotRun = 130
)

// InPlace reports whether annotate stands in the place of a command, by what was parsed: its
// exit codes are that command's then. dashed says that arguments stand after "--".
func (a *Flags) InPlace(dashed bool) bool { return dashed && len(a.results) == 0 }
