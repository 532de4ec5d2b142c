package annotate

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"time"

	"github.com/joulebench/joulebench/internal/known"
	"github.com/joulebench/joulebench/internal/progress"
	"github.com/joulebench/joulebench/internal/smilog"
	"github.com/joulebench/joulebench/internal/web"
	"github.com/joulebench/joulebench/powertest"
	"github.com/joulebench/joulebench/powertest/energy"
	"github.com/joulebench/joulebench/powertest/profile"
)

// A Source says where the energy comes from: exactly one of Log, Trace, Name and
// Opened is set. A log and a trace are opened after the command has run, which may
// be what writes them; a source of another kind is opened before.
type Source struct {
	// Log is a file that nvidia-smi or amd-smi logs the power to. Package smisource
	// must be linked in.
	Log string
	// ClockOffset is this machine's clock minus that of the machine that wrote the
	// log, and MaxGap how far apart its readings may be; 0 means 3 s.
	ClockOffset, MaxGap time.Duration
	// Columns says what columns of the log hold whose names say too little, as
	// time=when,power=GPU0,power=GPU1. GPUs is how many GPUs a log is of that names
	// none, by default [Options.ExpectedGPUs]; GPUName is the model where the log has
	// none, and Decimal is comma or point where it does not show which. See
	// smisource.Config.
	Columns, GPUName, Decimal string
	GPUs                      int
	// Trace is a file of a recorded measurement, such as POWERTEST_TRACE writes.
	Trace string
	// Name and Arg are a source that is linked in, as in POWERTEST_SOURCE=NAME=ARG.
	Name, Arg string
	// Opened is a source that is open already. It stays the caller's to close.
	Opened energy.Source

	// shared is the log, where it is open for several results.
	shared energy.Source
}

// isFile says that what is read is a file.
func (s Source) isFile() bool { return s.Log != "" || s.Trace != "" }

// past says that the source is a server that is asked for a window of the past. Its GPUs
// are those that it had then, so that it is opened when the window is known.
// Beside other sources it is asked for those that it has now.
func (o Options) past() bool {
	alone := len(energy.SplitSource(o.Source.Name+"="+o.Source.Arg)) == 1
	return o.Source.Name == "prometheus" && alone && len(o.Command) == 0
}

// during adds the window to the argument of a server. See promsource.Config.
func during(arg string, window energy.Span) string {
	separator := "?"
	if strings.Contains(arg, "?") {
		separator = "&"
	}
	return arg + separator + "window=" + window.Start.UTC().Format(time.RFC3339Nano) + "/" + window.End.UTC().Format(time.RFC3339Nano)
}

// forgets is the name of a source that does not know the past: empty if it does, or if that
// is known only when it is open.
func (s Source) forgets() string {
	for _, part := range energy.SplitSource(s.Name + "=" + s.Arg) {
		name, _, _ := energy.CutSource(part)
		if of, isKnown := known.Find(name); isKnown && !of.Past {
			return name
		}
	}
	return ""
}

// given is how many sources are given.
func (s Source) given() (n int) {
	for _, given := range []bool{s.Log != "", s.Trace != "", s.Name != "", s.Opened != nil} {
		if given {
			n++
		}
	}
	return n
}

// check returns an error unless there is exactly one source.
func (s Source) check() error {
	if n := s.given(); n != 1 {
		return fmt.Errorf("%d sources are given instead of one: %w", n, energy.ErrMalformed)
	}
	return nil
}

// String is the source as it was asked for, without what may be a password.
func (s Source) String() string {
	if s.Opened != nil {
		return describe(s.Opened)
	}
	return cmp.Or(s.Log, s.Trace, s.Name)
}

// open opens the source with some of its devices. Those of a trace are selected
// afterwards.
func (s Source) open(ctx context.Context, zone *time.Location, devices []string) (energy.Source, error) {
	switch {
	case s.shared != nil:
		return s.shared, nil
	case s.Opened != nil:
		return s.Opened, nil
	case s.Trace != "":
		return powertest.OpenTrace(s.Trace)
	case s.Log != "":
		return energy.OpenContext(ctx, "smi", s.log(zone).Argument(), devices)
	}
	return energy.OpenContext(ctx, s.Name, s.Arg, devices)
}

// openSource opens the source of the options with some of its devices.
func (o Options) openSource(ctx context.Context, devices []string) (energy.Source, error) {
	src := o.Source
	if src.GPUs == 0 && o.ExpectedGPUs != nil && *o.ExpectedGPUs > 0 {
		src.GPUs = *o.ExpectedGPUs
	}
	return src.open(ctx, o.Zone, devices)
}

// log is the log, and how it is read. The zone is that of time stamps that have none.
func (s Source) log(zone *time.Location) smilog.Log {
	return smilog.Log{
		File: s.Log, Offset: s.ClockOffset, MaxGap: s.MaxGap, Zone: zone,
		GPUs: s.GPUs, Columns: s.Columns, GPUName: s.GPUName, Decimal: s.Decimal,
	}
}

// describe says where a source reads: its name and its endpoints.
func describe(src energy.Source) string {
	var endpoints []string
	for _, d := range src.Devices() {
		if d.Endpoint != "" && !slices.Contains(endpoints, d.Endpoint) {
			endpoints = append(endpoints, d.Endpoint)
		}
	}
	if len(endpoints) == 0 {
		return src.Info().Name
	}
	return src.Info().Name + ": " + strings.Join(endpoints, ", ")
}

// An instrument is a source that is measured with, or why there is none.
type instrument struct {
	recorder *energy.Recorder
	// window records a source that does not know the past.
	window *energy.Window
	// owned is the source, if it is ours to close.
	owned energy.Source
	// failed is why the source could not be opened, and unused why a profile is not used
	// that nobody has named.
	failed, unused error
}

// open opens the source of the options, and begins to record it if it does not know
// the past. The error says that the options cannot be followed; that there is nothing
// to open is no such error.
func (in *instrument) open(ctx context.Context, o Options) error {
	if o.Source.Name == known.Off {
		in.failed = errOff
		return nil
	}
	progress.Of(ctx).Step("opening "+o.Source.String(), 0)
	src, err := o.openSource(ctx, o.Devices)
	if err != nil {
		if o.mistaken(ctx, err) {
			return err
		}
		in.failed = err
		return nil
	}
	sel := energy.Selection{Devices: o.Devices, Roles: o.Roles}
	if o.Source.Opened == nil && o.Source.shared == nil {
		in.owned = src
	}
	if o.Source.Log != "" || o.Source.Name != "" { // which has only these
		sel.Devices = nil
	}
	if in.recorder, err = energy.NewRecorderOf(src, sel); err != nil {
		return err
	}
	if in.unused, err = profile.Apply(o.Profile, in.recorder); err != nil {
		return err
	}
	if _, remembers := src.(energy.HistorySource); remembers {
		return nil
	}
	if len(o.Command) == 0 {
		return fmt.Errorf("%s: %w", describe(src), ErrNoCommand)
	}
	in.window = in.recorder.Open()
	in.window.EveryTick() // what is measured is known afterwards
	if o.Record != nil {
		in.window.Record()
	}
	return nil
}

// errOff is why nothing is measured where that was asked for.
var errOff = errors.New("the source is off\nname another one, and the energy is measured")

// readyTicks are how many ticks are seen before a command is run that is measured as a
// whole, so that the edge of its window is known.
const readyTicks = 2

// await waits until the source has ticked, if there is one that does not know the past. One
// that does not tick is found out when the window is measured.
func (in *instrument) await(ctx context.Context) error {
	if in.window != nil {
		progress.Of(ctx).Step("waiting until the source has ticked, before the command is run", 0)
		_ = in.window.WaitTicks(ctx, readyTicks)
	}
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("the command was not run: %w", err)
	}
	return nil
}

func (in *instrument) close() {
	if in.window != nil {
		in.window.Cancel() // unless it was measured
	}
	if in.owned != nil {
		_ = in.owned.Close()
	}
}

// mistaken reports whether an error of opening the source is about what was asked
// for, rather than about what was found: the contents of a file, or no devices at all.
func (o Options) mistaken(ctx context.Context, err error) bool {
	if len(o.Devices) > 0 && errors.Is(err, energy.ErrNoDevice) {
		all, err := o.openSource(ctx, nil)
		if err == nil {
			defer all.Close()
		}
		return err == nil && len(all.Devices()) > 0
	}
	_, reasoned := errors.AsType[energy.ReasonedError](err)
	ofFile := o.Source.isFile() && reasoned || o.Source.Trace != ""
	always := o.Source.Name == "sim" // which is there, if it is named well
	return !ofFile && (always || errors.Is(err, energy.ErrMalformed) || errors.Is(err, energy.ErrUnknownSource))
}

// settleTime is how long a source may take to show what came after the window, and
// interruptedTime how long if somebody wants all of this to end.
const (
	settleTime      = 5 * time.Minute
	interruptedTime = 10 * time.Second
)

// settling is the context of what is done after the command. If it was interrupted with
// us, it is measured all the same, as far as it came.
func (o Options) settling(ctx context.Context) (context.Context, context.CancelFunc) {
	if len(o.Command) > 0 && ctx.Err() != nil {
		return context.WithTimeout(context.WithoutCancel(ctx), interruptedTime)
	}
	return context.WithTimeout(ctx, settleTime)
}

// measure measures the window of the workload, if there is one.
func (in *instrument) measure(ctx context.Context, o Options, w Workload) telemetry {
	t := telemetry{where: o.Source.String(), measured: in.failed == nil && w.HasWindow()}
	switch {
	case in.failed != nil:
		t.found = finding(o.Source.reasonOf(in.failed), "%v", in.failed)
	case !w.HasWindow() && in.window != nil:
		in.window.Cancel()
	}
	if !t.measured {
		return t
	}
	progress.Of(ctx).Step("measuring the window", 0)
	src := in.recorder.Source()
	if !o.Source.isFile() { // that is called by its name, as in InferenceX's validation file
		t.where = describe(src)
	}
	t.measurement = in.measureWindows(ctx, w)
	if o.Record != nil {
		t.recording, t.spans = in.record(ctx, o, w.Span()), []energy.Span{w.Span()}
	}
	return t.audited(src, w.Span())
}

// record is what the source reported of a window that was measured, and of a little before
// and after it.
func (in *instrument) record(ctx context.Context, o Options, span energy.Span) *energy.Recording {
	if in.window != nil {
		r := in.window.Recording()
		return &r
	}
	margin := span.End.Sub(span.Start) / 10
	r := o.Record(ctx, in.recorder, energy.Span{Start: span.Start.Add(-margin), End: span.End.Add(margin)})
	return &r
}

// measureWindows measures the window of a workload, with intervals as wide as its origin makes
// them.
func (in *instrument) measureWindows(ctx context.Context, w Workload) energy.Measurement {
	windows := w.windows()
	switch {
	case in.window == nil:
		return history{in.recorder}.spread(ctx, windows)
	case len(windows) > 1:
		return in.replay(ctx, windows)
	}
	in.window.SetSpans(windows[0])
	return in.window.Measure(ctx)
}

// reasonOf returns the code for an error of opening a source. That a file is not
// there is about the telemetry only if a file was asked for: of a driver it is the
// library.
func (s Source) reasonOf(err error) energy.Reason {
	if e, ok := errors.AsType[energy.ReasonedError](err); ok {
		return e.Code()
	}
	switch {
	case s.isFile() && errors.Is(err, fs.ErrNotExist):
		return telemetryFileMissing
	case errors.Is(err, energy.ErrNoDevice):
		return noUsableSamples
	case s.isFile() && (errors.Is(err, fs.ErrPermission) || errors.Is(err, energy.ErrMalformed)):
		return telemetryFileUnreadable
	case web.IsUnknownHost(err):
		return energy.SourceUnavailable
	case errors.Is(err, energy.ErrStalled), errors.Is(err, energy.ErrNoAnswer),
		errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return energy.SourceStalled
	}
	return energy.SourceUnavailable
}
