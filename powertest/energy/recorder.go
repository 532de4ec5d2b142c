package energy

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/joulebench/joulebench/powertest/energy/internal/pace"
)

// Recorder takes readings of a source while a window is open, and keeps the
// curves. (A source that knows the past, a [HistorySource], is asked for them after
// the window.) It learns when the counters tick and reads sparsely: closely around
// the ticks that matter to the edges of a window, and at most 20 times a second
// between, each source of several. Once started it does not allocate. When the last window is released
// its goroutine ends; what it learnt about the ticks is kept.
//
// All methods may be called from any goroutine.
type Recorder struct {
	src     Source
	info    Info
	devices []Device // that are measured
	index   []int    // of each of them, in the source
	byName  bool     // the devices were selected
	leftOut []LeftOut
	lanes   []*lane // that read the source, or each of those that are joined in it
	lane    []int   // of each device
	leads   []bool  // the device is of the kinds that the measurement is of
	base    time.Time
	calls   atomic.Int64

	mu      sync.Mutex
	curves  []*curve
	stats   []callStats // of each device
	windows []*Window
	past    []span                 // of windows that were released
	idles   map[string][]idlePower // the lowest of each device, by the name of windows
	waiters []chan struct{}
}

// NewRecorder returns a recorder of all devices of the source. The source stays the
// caller's to close, after the last window.
func NewRecorder(src Source) *Recorder {
	r, _ := NewRecorderOf(src, Selection{}) // which selects all, and so cannot fail
	return r
}

// NewRecorderOf returns a recorder of the selected devices of the source, which no
// others are read of. The error wraps [ErrNoDevice] if a selector fits none, and
// [ErrMalformed] if the roles contradict each other.
func NewRecorderOf(src Source, sel Selection) (*Recorder, error) {
	index, devices, err := sel.Choose(src.Devices())
	if err != nil {
		err = fmt.Errorf("source %s: %w", src.Info().Name, err)
		if missing := Missing(src); missing != nil {
			err = fmt.Errorf("%w\n%w", err, missing)
		}
		return nil, err
	}
	r := &Recorder{
		src:     src,
		info:    src.Info(),
		devices: devices,
		index:   index,
		byName:  len(sel.Devices) > 0,
		base:    time.Now(),
	}
	if partial, ok := src.(PartialSource); ok && !r.byName { // or they were left out by choice
		r.leftOut = partial.LeftOut()
	}
	r.newLanes(index)
	r.stats = make([]callStats, len(r.devices))
	lead := Leading(KindsOf(r.devices))
	for _, d := range r.devices {
		r.leads = append(r.leads, slices.Contains(lead, d.Kind.OrGPU()))
	}
	if _, remembers := src.(HistorySource); remembers {
		return r, nil
	}
	for i := range r.devices {
		r.curves = append(r.curves, r.newCurve(i))
	}
	return r, nil
}

// Devices returns the devices that are measured, with their roles. Callers do not
// modify the list.
func (r *Recorder) Devices() []Device { return r.devices }

func (r *Recorder) newCurve(device int) *curve {
	d, l := r.devices[device], r.of(device)
	c := newCurve(d, r.base, r.info.PeriodOf(d))
	c.pace = pace.New(pace.Config{Nominal: time.Duration(c.pace.Nominal()), Poll: l.poll, Within: d.ReadWithin})
	c.pace.Spread(l.groups.alone, false)
	c.reserve(len(r.devices))
	return c
}

// LeftOut returns the devices that are not measured although nobody chose to leave them out.
func (r *Recorder) LeftOut() []LeftOut { return r.leftOut }

// Source returns the source that is recorded.
func (r *Recorder) Source() Source { return r.src }

// Calls returns how often the source has been read.
func (r *Recorder) Calls() int64 { return r.calls.Load() }

func (r *Recorder) now() int64 { return int64(time.Since(r.base)) }

// Open returns a window without a span, and begins to read. If the source is an
// [Inspector] it is asked for the state of its devices.
func (r *Recorder) Open() *Window { return r.open(r.Inspect(context.Background())) }

func (r *Recorder) open(before []State) *Window {
	w := &Window{rec: r, before: before, spans: make([]span, 0, 16)}
	r.interest(w)
	return w
}

// KeepWarm keeps the recorder reading, so that windows which are opened while it does
// need not wait to learn when the counters tick, and know the power before them.
// The window that it returns measures nothing, and what it has seen is forgotten
// as other windows come and go: end it with Cancel.
func (r *Recorder) KeepWarm() *Window {
	w := &Window{rec: r, keepsWarm: true}
	r.interest(w)
	return w
}

// interest begins to read on behalf of a window.
func (r *Recorder) interest(w *Window) {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := r.now()
	w.opened = now
	if _, remembers := r.src.(HistorySource); remembers {
		return
	}
	oldest := now
	for _, other := range r.windows {
		if !other.keepsWarm {
			oldest = min(oldest, other.opened)
		}
	}
	for _, c := range r.curves {
		c.forget(oldest, nearby)
	}
	r.windows = append(r.windows, w)
	r.edge(now)
	for _, l := range r.lanes {
		if !l.running {
			l.running = true
			go l.run()
		}
	}
}

// edge makes every device be read now, and its next ticks be watched. The
// caller holds mu.
func (r *Recorder) edge(now int64) {
	r.spread()
	measured := slices.ContainsFunc(r.windows, func(w *Window) bool { return w.open })
	for _, c := range r.curves {
		c.pace.Edge(now, c.last.hi, measured)
	}
	r.replan()
}

// spread sets how many ticks are passed over between edges: none while a window
// wants every tick. The caller holds mu.
func (r *Recorder) spread() {
	everyTick := slices.ContainsFunc(r.windows, func(w *Window) bool { return w.everyTick })
	for i, c := range r.curves {
		c.pace.Spread(r.of(i).groups.alone, everyTick)
	}
}

func (r *Recorder) replan() {
	for _, l := range r.lanes {
		l.replan()
	}
}

// release ends the interest of a window. The caller holds mu.
func (r *Recorder) release(w *Window) {
	if i := slices.Index(r.windows, w); i >= 0 {
		r.windows = slices.Delete(r.windows, i, i+1)
	}
	r.remember(w)
	r.spread()
	if len(r.windows) == 0 {
		r.replan()
	}
}

// MeasurePast measures spans of the past by what a source remembers of them. It
// is what a [Window] does for such a source, for spans that are known only
// afterwards. Spans are in order and do not overlap. If what comes after
// them is not known yet it waits, as [HistorySource.ReadRange] does.
func MeasurePast(ctx context.Context, h HistorySource, spans ...Span) Measurement {
	m, _ := NewRecorder(h).MeasurePast(ctx, spans...)
	return m
}

// MeasurePast is the function of that name, for the devices of the recorder. The
// error wraps [errors.ErrUnsupported] if its source does not know the past.
func (r *Recorder) MeasurePast(ctx context.Context, spans ...Span) (Measurement, error) {
	h, ok := r.src.(HistorySource)
	if !ok {
		return Measurement{}, fmt.Errorf("source %s: measure the past: %w", r.info.Name, errors.ErrUnsupported)
	}
	base := time.Now()
	if len(spans) > 0 {
		base = spans[0].Start
	}
	list, _ := r.readPast(ctx, h, base, family{spans: toSpans(base, spans)}, nil)
	return list[0], nil
}

// readPast measures a family, in ns since base, by what the source remembers of the
// recorder's devices: the curves. w is the window that it is, or nil.
func (r *Recorder) readPast(ctx context.Context, h HistorySource, base time.Time, f family, w *Window) ([]Measurement, []*curve) {
	began := time.Now()
	curves, found, err := readHistories(ctx, h, r.index, r.devices, base, f.spans)
	list := measure(r.info, curves, base, f)
	if w != nil {
		w.idlePast(curves)
		w.reportIdle(&list[0])
	}
	if found = r.concerning(found); err != nil {
		found = append([]Finding{unreported(err)}, found...)
	}
	if w != nil {
		w.beside = found
	}
	for i := range list {
		m := &list[i]
		m.LeftOut = r.leftOut
		m.total()
		m.addAll(found)
	}
	list[0].Waited = time.Since(began)
	return list, curves
}

// addNoticed adds what the source noticed of all devices during a measurement, and
// returns it.
func (r *Recorder) addNoticed(m *Measurement) []Finding {
	notices, ok := r.src.(FindingSource)
	if !ok || m.Start.IsZero() {
		return nil
	}
	found := r.concerning(notices.Findings(m.Start, m.End))
	m.addAll(found)
	return found
}

// concerning returns those findings that are about what is measured. If devices were
// selected by name, that there are others is none, nor is what a source lacks of which none
// were.
func (r *Recorder) concerning(all []Finding) []Finding {
	measured, sources := map[string]bool{}, map[string]bool{"": true}
	for _, d := range r.devices {
		measured[d.UUID], sources[d.Source] = true, true
	}
	return slices.DeleteFunc(slices.Clone(all), func(f Finding) bool {
		if f.Device == "" {
			return r.byName && (f.Reason == ExpectedGPUCountMismatch || !sources[f.Source])
		}
		return !measured[f.Device]
	})
}
