// Package annotate adds the energy of a benchmark to its results. A load harness has
// written when its benchmark began and ended, how many requests it sent, and how many
// tokens they had; nvidia-smi, a Prometheus server or a trace knows the power of the
// GPUs meanwhile. [Annotate] joins the two. What a result is of is seen by what is in it;
// docs/results.md has what each harness gives:
//
//	res, err := annotate.Annotate(ctx, annotate.Options{
//		Source:    annotate.Source{Log: "gpu_metrics.csv"},
//		Result:    "result.json",
//		Aggregate: "agg.json",
//	})
//
// A source that does not know the past, such as NVML, measures while [Options.Command]
// runs. Without a result it is the command itself that is measured, or [Options.Window], a
// time of the past. Sources are opened by name: link them in by importing their packages.
//
// A [Result] is what was found: the workload, the measurement, the metrics that are
// published, and the findings that say why numbers are withheld or marked. It is
// written as a table for people, as a record in the Go benchmark format, and as a
// validation file. The keys of the aggregate and of the validation file, the reason
// codes and their order are those of InferenceX's aggregate_power.py; docs/parity.md
// has the differences.
//
// If the benchmark is yours and in Go, package powertest measures it more exactly.
package annotate

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/joulebench/joulebench/internal/progress"
	"github.com/joulebench/joulebench/powertest"
	"github.com/joulebench/joulebench/powertest/energy"
)

// ErrNoCommand says that a source does not know the past, and that there is no
// command to measure while it runs.
var ErrNoCommand = errors.New("the source does not know the past, and there is no command to measure")

// Options say what is annotated.
type Options struct {
	// Source is where the energy comes from.
	Source Source
	// Devices are the GPUs that count, as [energy.Select] takes them; none means all
	// that the source has.
	Devices []string
	// Roles are given to devices whose role the source does not know.
	Roles []energy.Role
	// Profile is what was measured of the devices, as a value of POWERTEST_PROFILE: a
	// file, off, or empty for the one of the user, if it is there. See package profile.
	Profile string
	// ExpectedGPUs is how many GPUs the benchmark used: if another number is seen, the
	// energy is not valid. Nil means that no number is wrong.
	ExpectedGPUs *int

	// Result is the file that the load harness writes, and Format what it is: one of
	// [Formats], or empty to find out by what is in it. Without a Result the window is that
	// in which Command ran, or else Window.
	Result, Format string
	// Window is a time of the past, which is measured if there is neither a Result nor a
	// Command. See [Past].
	Window energy.Span
	// RunNumber is which run of the result counts, from 1, where it is of several; 0 is the last.
	RunNumber int
	// RunStart is when the run began, and RunEnd when it ended, for a result that says
	// only how long it took. One of them at most is set; with neither the run ended when
	// Command wrote the result.
	RunStart time.Time
	RunEnd   RunEnd
	// Zone is where times without a zone are from, in the log and in the result. Nil
	// means time.Local for a log, and that it is unknown for a result.
	Zone *time.Location
	// Tokens are inference servers that count the window, too, as a value of
	// POWERTEST_TOKENS; empty means none. See package tokens. The page of a server is read
	// while Command runs.
	Tokens string
	// Price is what the energy costs by the kilowatt-hour; nil if that is not asked for.
	Price *powertest.Price
	// Aggregate is the file that the energy is added to, which must be there; empty
	// means that there is none.
	Aggregate string

	// Command is run while the source is recorded; empty means that the benchmark has
	// ended. It must write the result, if there is one. Run runs it; nil means [RunCommand].
	// If ctx ends meanwhile, what was measured until then is reported, after up to 10 s.
	Command []string
	Run     Runner
	// Std are the standard streams of the command.
	Std Streams
	// Record makes the result keep what the source reported, for a picture; nil makes it
	// keep nothing. It is called of a source that knows the past, with the window and a
	// tenth of it on either side.
	Record func(context.Context, *energy.Recorder, energy.Span) energy.Recording

	// keepsInvalid leaves the aggregate as it is where the energy is not valid.
	keepsInvalid bool
}

// check returns an error if the options contradict themselves.
func (o Options) check() error {
	known := o.Format == "" || harnessOf(o.Format).name != ""
	live, past := len(o.Command) > 0, o.Window != energy.Span{}
	var wrong string
	switch {
	case o.Result != "" && !known:
		wrong = fmt.Sprintf("the result has the format %q: there are %s", o.Format, strings.Join(Formats(), ", "))
	case o.Result == "" && o.Aggregate != "":
		wrong = "there is an aggregate, and no result to add to it"
	case o.Result == "" && !live && !past:
		wrong = "there is neither a result nor a command nor a window"
	case !o.RunStart.IsZero() && o.RunEnd != EndUnknown:
		wrong = "both the start and the end of the run are given"
	case past && (o.Result != "" || live):
		wrong = "there is a window beside a result or a command, which have their own"
	case past && !o.Window.End.After(o.Window.Start):
		wrong = "the window does not end after it starts"
	}
	if wrong != "" {
		return fmt.Errorf("%w: %s", energy.ErrMalformed, wrong)
	}
	return o.Source.check()
}

// alone reports whether there is no result to join the energy to.
func (o Options) alone() bool { return o.Result == "" }

// A Result is what was found.
type Result struct {
	// Workload is what the load harness has reported.
	Workload Workload
	// Measurement is the energy, if Measured: there was a window and a source.
	Measurement energy.Measurement
	Measured    bool
	// Metrics are what is published; none if the energy is not valid.
	Metrics []Metric
	// Comparison are the metrics that the load harness reports itself, beside ours;
	// none if it has no such metrics.
	Comparison []Comparison
	// Server is what the inference servers have counted; nil unless Options.Tokens names some.
	Server *powertest.ServerReport
	// Findings are all findings: about the result, the telemetry and the files.
	Findings []energy.Finding
	// Recording is what the source reported, and Spans is what was measured of it; nil unless
	// Options.Record asks for it.
	Recording *energy.Recording
	Spans     []energy.Span
	// CommandErr is how the command has failed.
	CommandErr error
	// Annotated says that the aggregate was written.
	Annotated bool

	options   Options
	harness   harness
	telemetry telemetry
	// found are the findings that are not in the measurement.
	found []energy.Finding
}

// Ran reports whether the command ran, if there was one, however it ended.
func (r Result) Ran() bool { return started(r.CommandErr) }

// Valid reports whether there is energy that can be published.
func (r Result) Valid() bool { return len(r.Reasons()) == 0 }

// Reasons are why the energy is not valid, each once, in InferenceX's order.
func (r Result) Reasons() []energy.Reason {
	reasons, _ := verdict(r.Findings, r.spoils)
	return reasons
}

// Marks are the other reasons, which only mark a number.
func (r Result) Marks() []energy.Reason {
	_, marks := verdict(r.Findings, r.spoils)
	return marks
}

// Annotate measures the energy of a benchmark, divides it by the benchmark's work,
// and adds what it has computed to the aggregate. If there is a command it runs it
// first. The error says that the options cannot be followed: it wraps
// [energy.ErrMalformed], [energy.ErrUnknownSource], [energy.ErrNoDevice],
// profile.ErrOther or [ErrNoCommand], and nothing was written; or that ctx has ended before the
// command was run. All else that can be wrong is a finding
// of the result, and so is an energy that cannot be defended.
func Annotate(ctx context.Context, o Options) (Result, error) {
	defer progress.Of(ctx).Rest()
	if err := o.check(); err != nil {
		return Result{}, err
	}
	if name := o.Source.forgets(); name != "" && len(o.Command) == 0 {
		return Result{}, fmt.Errorf("%s: %w", name, ErrNoCommand)
	}
	var in instrument
	defer func() { in.close() }()
	if !o.Source.isFile() && !o.past() {
		if err := in.open(ctx, o); err != nil {
			return Result{}, err
		}
	}
	servers, err := o.openTokens(ctx)
	if err != nil {
		return Result{}, err
	}
	if o.alone() && len(o.Command) > 0 {
		if err := in.await(ctx); err != nil {
			return Result{}, err
		}
	}
	r := runBenchmark(ctx, o)
	servers.end()
	h, w, found := r.workload(o)
	if o.past() && w.HasWindow() {
		o.Source.Arg = during(o.Source.Arg, w.Span())
	}
	if o.Source.isFile() && w.HasWindow() || o.past() {
		if err := in.open(ctx, o); err != nil {
			return Result{CommandErr: r.err}, err
		}
	}
	if in.unused != nil {
		w.Notes = append(w.Notes, fmt.Sprintf("the energy is not calibrated: %v", in.unused))
	}
	settle, cancel := o.settling(ctx)
	defer cancel()
	t := in.measure(settle, o, w)
	if w.HasWindow() {
		t.found = append(t.found, t.expected(o.ExpectedGPUs)...)
		found = append(found, r.findings()...)
	}
	t.counts = servers.count(settle, w)
	return judge(o, h, w, t, found, r.err).publish(), nil
}

// judge decides whether the numbers can be published, and computes them. found are
// the findings that are not about the telemetry.
func judge(o Options, h harness, w Workload, t telemetry, found []energy.Finding, commandErr error) Result {
	if info := t.measurement.Source; info.Simulated && o.Aggregate != "" {
		found = append(found, finding(simulatedSource,
			"the joules of %s are simulated, and an aggregate has no way to say so", info.Name)...)
	}
	if t.measured && !ofGPUs(t.measurement) && !o.alone() {
		found = append(found, finding(notOfGPUs,
			"what is measured is of the kind %s, and the metrics are about GPUs", t.measurement.Kind)...)
	}
	r := Result{
		Workload: w, Measurement: t.measurement, Measured: t.measured,
		CommandErr: commandErr, options: o, harness: h, telemetry: t,
		Recording: t.recording, Spans: t.spans,
	}
	if r = r.served(t.counts).find(found); r.Valid() && !o.alone() {
		r.Metrics = powerMetrics(w, t.measurement)
		r = r.find(checkMetrics(r.Metrics))
	}
	return r
}

// ofGPUs reports whether a measurement is of GPUs, or of modules that stand for them.
func ofGPUs(m energy.Measurement) bool {
	k := m.Kind.OrGPU()
	return k == energy.GPU || k == energy.Module
}

// find adds findings that are not about the telemetry. Where these make the energy
// invalid there are no metrics.
func (r Result) find(found []energy.Finding) Result {
	r.found = slices.Concat(r.found, found)
	r.Findings = slices.Concat(r.found, r.telemetry.findings())
	if !r.Valid() {
		r.Metrics = nil
	}
	return r
}

// publish writes the aggregate.
func (r Result) publish() Result {
	if r.options.Aggregate != "" && (len(r.Metrics) > 0 || !r.options.keepsInvalid) {
		found := annotateAggregate(r.options.Aggregate, r.Metrics, r.Marks())
		r = r.find(found)
		r.Annotated = found == nil
	}
	if r.harness.compares && r.Workload.HasWindow() {
		r.Comparison = compare(r.Workload, r.Measurement, len(r.Metrics) > 0)
	}
	return r
}
