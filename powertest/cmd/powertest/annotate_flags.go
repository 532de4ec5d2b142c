package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/joulebench/joulebench/internal/timezone"
	"github.com/joulebench/joulebench/powertest/annotate"
	"github.com/joulebench/joulebench/powertest/energy"
)

// annotateFlags are the flags of annotate.
type annotateFlags struct {
	// Where the energy comes from: exactly one of them.
	log, prometheus, trace, dcgm, source string
	// What was measured: exactly one of them.
	bench, aiperf string
	// What is written.
	agg, sidecar, benchfmt string
	require                bool
	// How it is measured.
	gpus      int
	countGPUs bool
	devices   string
	roles     []energy.Role
	syncClock time.Duration
	maxGap    time.Duration
	tz        string
	zone      *time.Location
	// command is what is run while it is recorded; empty if nothing is.
	command []string
}

// parseAnnotate parses the arguments after "annotate". What is wrong with them it
// writes to std.err.
func parseAnnotate(args []string, std stdio) (*annotateFlags, error) {
	o := &annotateFlags{}
	f := flag.NewFlagSet("annotate", flag.ContinueOnError)
	o.define(f)
	if err := parseFlags(f, annotateUsage, args, std); err != nil {
		return nil, err
	}
	o.command = f.Args()
	set := map[string]bool{}
	f.Visit(func(g *flag.Flag) { set[g.Name] = true })
	o.countGPUs = set["gpus"]
	if err := o.check(args, set); err != nil {
		fmt.Fprintf(std.err, "powertest annotate: %v\n", err)
		return nil, errUsage
	}
	return o, nil
}

// options are the flags as package annotate takes them.
func (o *annotateFlags) options() annotate.Options {
	opts := annotate.Options{
		Source:    annotate.Source{Log: o.log, Trace: o.trace},
		Roles:     o.roles,
		Result:    o.result(),
		Format:    "inferencex",
		Zone:      o.zone,
		Aggregate: o.agg,
		Command:   o.command,
	}
	switch s := &opts.Source; {
	case o.log != "":
		s.ClockOffset, s.MaxGap = o.syncClock, o.maxGap
	case o.prometheus != "":
		s.Name, s.Arg = "prometheus", o.prometheus
	case o.dcgm != "":
		s.Name, s.Arg = "dcgm", o.dcgm
	default:
		s.Name, s.Arg, _ = strings.Cut(o.source, "=")
	}
	if o.aiperf != "" {
		opts.Format = "aiperf"
	}
	if o.devices != "" {
		opts.Devices = []string{o.devices}
	}
	if o.countGPUs {
		opts.ExpectedGPUs = &o.gpus
	}
	return opts
}

// addRole takes a -role flag.
func (o *annotateFlags) addRole(s string) error {
	selectors, name, found := strings.Cut(s, "=")
	if !found || strings.TrimSpace(selectors) == "" || strings.TrimSpace(name) == "" {
		return errors.New("it must be selectors, an equals sign and a role, for instance 0-3=prefill")
	}
	o.roles = append(o.roles, energy.Role{Name: strings.TrimSpace(name), Devices: []string{selectors}})
	return nil
}

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

// define defines the flags.
func (o *annotateFlags) define(f *flag.FlagSet) {
	f.StringVar(&o.log, "log", "", "`file` that nvidia-smi or amd-smi logs the power to")
	f.StringVar(&o.prometheus, "prometheus", "", "`address` of a Prometheus server that scrapes the GPUs, as in POWERTEST_SOURCE=prometheus=")
	f.StringVar(&o.trace, "trace", "", "`file` of a recorded measurement, such as POWERTEST_TRACE writes")
	f.StringVar(&o.dcgm, "dcgm", "", "`addresses` of dcgm-exporters, as in POWERTEST_SOURCE=dcgm=; needs a COMMAND, since an exporter does not know the past")
	f.StringVar(&o.source, "source", "", "any other `source`, spelled as in POWERTEST_SOURCE, such as nvml; needs a COMMAND if it does not know the past")
	f.StringVar(&o.bench, "bench", "", "result `file` of the benchmark, with the keys benchmark_start_time_unix, benchmark_end_time_unix, duration, completed, total_input_tokens and total_output_tokens")
	f.StringVar(&o.aiperf, "aiperf", "", "result `file` of aiperf, profile_export_aiperf.json, instead of -bench")
	f.StringVar(&o.agg, "agg", "", "aggregate `file` that the energy is added to; needed with -bench")
	f.StringVar(&o.sidecar, "sidecar", "", "`file` for what was found; by default power_validation_RESULT.json beside the result")
	f.StringVar(&o.benchfmt, "benchfmt", "", "`file` for a record in the Go benchmark format, for benchstat; - is the standard output, instead of the table")
	f.BoolVar(&o.require, "require", requiredByEnvironment(), "exit with 1 if the energy is not valid; REQUIRE_POWER=1 does the same")
	f.IntVar(&o.gpus, "gpus", 0, "how many GPUs the benchmark used: if another `number` is seen, the energy is not valid; without it the number is only reported")
	f.StringVar(&o.devices, "devices", "", "which GPUs count, as in POWERTEST_DEVICES: a `list` of indices, ranges such as 0-3, UUIDs or hosts; by default all that the source has")
	f.Func("role", "what some GPUs do, as `SELECTORS=ROLE`, for instance 0-3=prefill; may be repeated", o.addRole)
	f.DurationVar(&o.syncClock, "sync-clock", 0, "this machine's clock minus that of the machine that wrote the log: an `offset` such as -1.5s")
	f.DurationVar(&o.maxGap, "max-gap", 3*time.Second, "how far apart the readings of a log may be")
	f.StringVar(&o.tz, "tz", "", "time `zone` of times that have none, in the log and in aiperf's result: a name such as Europe/Berlin, UTC, Local, or an offset such as +0200; for a log it is Local by default")
}

// requiredByEnvironment reports whether REQUIRE_POWER asks for -require, as it
// does of InferenceX's aggregator.
func requiredByEnvironment() bool {
	return slices.Contains([]string{"1", "true", "yes"}, strings.ToLower(os.Getenv("REQUIRE_POWER")))
}

// check checks the flags against each other. args are those that were parsed, and
// set the flags among them.
func (o *annotateFlags) check(args []string, set map[string]bool) error {
	sources := given(map[string]string{"-log": o.log, "-prometheus": o.prometheus, "-trace": o.trace, "-dcgm": o.dcgm, "-source": o.source})
	results := given(map[string]string{"-bench": o.bench, "-aiperf": o.aiperf})
	switch {
	case len(sources) == 0:
		return errors.New("where does the energy come from? give -log, -prometheus, -trace, -dcgm or -source")
	case len(sources) > 1:
		return fmt.Errorf("%s: the energy comes from one of them", strings.Join(sources, " and "))
	case len(results) == 0:
		return errors.New("what was measured? give the benchmark's result with -bench, or aiperf's with -aiperf")
	case len(results) > 1:
		return fmt.Errorf("%s: there is one result", strings.Join(results, " and "))
	case o.bench != "" && o.agg == "":
		return errors.New("-bench needs -agg, the file that the energy is added to")
	case len(o.command) > 0 && !slices.Contains(args, "--"):
		return fmt.Errorf("%q is not a flag: a command to be run stands after --", o.command[0])
	case o.dcgm != "" && len(o.command) == 0:
		return fmt.Errorf("dcgm: %w\n%s", annotate.ErrNoCommand, needsCommand)
	case set["sync-clock"] && o.log == "":
		return errors.New("-sync-clock is about a log: the other sources know their clocks")
	case set["max-gap"] && o.log == "":
		return errors.New("-max-gap is about a log: the other sources know how often they are read")
	case o.devices != "" && o.trace != "":
		return errors.New("-devices can't choose among the GPUs of a trace: it holds those that were measured")
	case o.maxGap <= 0:
		return fmt.Errorf("-max-gap=%v: it must be more than 0, such as 3s", o.maxGap)
	}
	if same := o.sameFiles(); same != "" {
		return fmt.Errorf("%s would be read and overwritten, or written twice: give another file", same)
	}
	if o.tz == "" {
		return nil
	}
	var err error
	if o.zone, err = timezone.Parse(o.tz); err != nil {
		return fmt.Errorf("-tz=%s is no time zone: give a name such as Europe/Berlin, UTC, Local, or an offset such as +0200", o.tz)
	}
	return nil
}

// given returns the names of the flags that have a value, sorted.
func given(flags map[string]string) []string {
	var names []string
	for name, value := range flags {
		if value != "" {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// sameFiles returns the name of a file that would be written, and that is also
// read or written as something else; empty if there is none.
func (o *annotateFlags) sameFiles() string {
	seen := map[string]bool{}
	for _, path := range []string{o.log, o.trace, o.result(), o.agg, o.sidecarPath(), o.benchfmt} {
		if path == "" || path == "-" {
			continue
		}
		abs, err := filepath.Abs(path)
		if err != nil {
			abs = path
		}
		if seen[abs] {
			return path
		}
		seen[abs] = true
	}
	return ""
}

// result is the path of the benchmark's result.
func (o *annotateFlags) result() string {
	if o.aiperf != "" {
		return o.aiperf
	}
	return o.bench
}

// sidecarPath is where the findings are written to.
func (o *annotateFlags) sidecarPath() string {
	if o.sidecar != "" {
		return o.sidecar
	}
	base := filepath.Base(o.result())
	stem := strings.TrimSuffix(base, filepath.Ext(base))
	return filepath.Join(filepath.Dir(o.result()), "power_validation_"+stem+".json")
}
