package energy

import (
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Recorder takes readings of a source while a window is open, and keeps the
// curves. (A source that knows the past, a [HistorySource], is asked for them after
// the window.) It learns when the counters tick and reads sparsely: closely around
// the ticks that matter to the edges of a window, and at most 20 times a second
// between. Once started it does not allocate. When the last window is released
// its goroutine ends; what it learnt about the ticks is kept.
//
// All methods may be called from any goroutine.
type Recorder struct {
	src     Source
	info    Info
	devices []Device // that are measured
	index   []int    // of each of them, in the source
	byName  bool     // the devices were selected
	groups  groups
	base    time.Time
	calls   atomic.Int64
	// busy is when the read in progress began, in ns since base, or 0.
	busy atomic.Int64

	// turn is held by who calls the source. It is a channel and not a mutex, so
	// that one can stop waiting for it.
	turn chan struct{}

	mu      sync.Mutex
	curves  []*Curve
	windows []*Window
	running bool // the goroutine is alive
	hung    bool // a read did not come back in time, and has not since
	waiters []chan struct{}

	kick  chan struct{} // asks the goroutine to plan again
	batch []Reading
	due   []int // the devices of the batch
}

// hangTime is how long a read may take before the source counts as stalled.
const hangTime = time.Second

// NewRecorder returns a recorder of all devices of the source. The source stays the
// caller's to close, after the last window.
func NewRecorder(src Source) *Recorder {
	r, _ := NewRecorderOf(src, Selection{}) // which cannot be wrong
	return r
}

// NewRecorderOf returns a recorder of the selected devices of the source, which no
// others are read of. The error wraps [ErrNoDevice] if a selector fits none, and
// [ErrMalformed] if the roles contradict each other.
func NewRecorderOf(src Source, sel Selection) (*Recorder, error) {
	index, devices, err := sel.Choose(src.Devices())
	if err != nil {
		return nil, fmt.Errorf("source %s: %w", src.Info().Name, err)
	}
	r := &Recorder{
		src:     src,
		info:    src.Info(),
		devices: devices,
		index:   index,
		byName:  len(sel.Devices) > 0,
		base:    time.Now(),
		kick:    make(chan struct{}, 1),
		turn:    make(chan struct{}, 1),
	}
	r.groups = newGroups(r.devices)
	if _, remembers := src.(HistorySource); remembers {
		return r, nil
	}
	for _, d := range r.devices {
		r.curves = append(r.curves, r.newCurve(d))
	}
	r.batch = make([]Reading, len(r.devices))
	r.due = make([]int, len(r.devices))
	return r, nil
}

// Devices returns the devices that are measured, with their roles. Callers do not
// modify the list.
func (r *Recorder) Devices() []Device { return r.devices }

func (r *Recorder) newCurve(d Device) *Curve {
	period := d.Period
	if period == 0 {
		period = r.info.Period
	}
	c := NewCurve(d, r.base, period)
	c.pace = newPace(period, r.info.Poll)
	c.pace.spread(r.groups.alone)
	c.reserve(len(r.devices))
	return c
}

// Source returns the source that is recorded.
func (r *Recorder) Source() Source { return r.src }

// Calls returns how often the source has been read.
func (r *Recorder) Calls() int64 { return r.calls.Load() }

func (r *Recorder) now() int64 { return int64(time.Since(r.base)) }

// Open returns a window without a span, and begins to read. If the source is an
// [Inspector] it is asked for the state of its devices.
func (r *Recorder) Open() *Window { return r.open(r.inspect()) }

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
	w := &Window{rec: r, watches: true}
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
		if !other.watches {
			oldest = min(oldest, other.opened)
		}
	}
	for _, c := range r.curves {
		c.forget(oldest, nearby)
	}
	r.windows = append(r.windows, w)
	r.edge(now)
	if !r.running && len(r.devices) > 0 {
		r.running = true
		go r.run()
	}
}

// edge makes every device be read now, and its next ticks be seen closely. The
// caller holds mu.
func (r *Recorder) edge(now int64) {
	r.spread()
	for _, c := range r.curves {
		c.pace.edge(now, c.last.hi)
	}
	r.replan()
}

// spread sets how many ticks are passed over between edges: none while a window
// looks closely. The caller holds mu.
func (r *Recorder) spread() {
	closely := slices.ContainsFunc(r.windows, func(w *Window) bool { return w.closely })
	for _, c := range r.curves {
		c.pace.spread(r.groups.alone)
		if closely {
			c.pace.stride = 1
		}
	}
}

// replan makes the goroutine look again at what is due.
func (r *Recorder) replan() {
	select {
	case r.kick <- struct{}{}:
	default:
	}
}

// release ends the interest of a window. The caller holds mu.
func (r *Recorder) release(w *Window) {
	if i := slices.Index(r.windows, w); i >= 0 {
		r.windows = slices.Delete(r.windows, i, i+1)
	}
	r.spread()
	if len(r.windows) == 0 {
		r.replan()
	}
}

// run reads until no window is open.
func (r *Recorder) run() {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		wait, alive := r.plan()
		if !alive {
			return
		}
		if wait > 0 {
			timer.Reset(wait)
			select {
			case <-timer.C:
			case <-r.kick:
			}
			continue
		}
		began := r.now() | 1
		r.busy.Store(began)
		r.calls.Add(1)
		r.turn <- struct{}{}
		r.src.Read(r.batch)
		<-r.turn
		r.busy.Store(0)
		r.take(began)
	}
}

// together is how far ahead a read may be made, to serve several devices with
// one call.
const together = 200 * time.Microsecond

// plan fills in the batch with the devices that are due, or says how long to
// wait for the first; alive is false when the goroutine is to end.
func (r *Recorder) plan() (wait time.Duration, alive bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.windows) == 0 {
		r.running = false
		return 0, false
	}
	now := float64(r.now())
	first := r.curves[0].pace.next
	r.batch, r.due = r.batch[:0], r.due[:0]
	clear(r.groups.due)
	for i, c := range r.curves {
		first = min(first, c.pace.next)
		if c.pace.next <= now+float64(together) {
			r.groups.due[r.groups.of[i]] = true
		}
	}
	for i := range r.curves {
		if r.groups.due[r.groups.of[i]] {
			r.batch = append(r.batch, Reading{Device: r.index[i]})
			r.due = append(r.due, i)
		}
	}
	if first > now {
		return max(time.Duration(first-now), 1), true
	}
	return 0, true
}

// take adds the batch to the curves and wakes those that wait for ticks. began
// is when the call began.
func (r *Recorder) take(began int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if now := r.now(); now-began >= int64(hangTime) {
		for _, c := range r.curves {
			c.note(began, now, SourceStalled, "one call took more than a second")
		}
	}
	if r.hung {
		// What a read says that was given up on is not believed.
		r.hung = false
		return
	}
	fresh := false
	for k, reading := range r.batch {
		fresh = r.curves[r.due[k]].Add(reading) || fresh
	}
	if fresh {
		r.wake()
	}
}

// wake tells the waiters that something has changed. The caller holds mu.
func (r *Recorder) wake() {
	for _, c := range r.waiters {
		select {
		case c <- struct{}{}:
		default:
		}
	}
}

// stalled reports whether a read has been under way for too long, and if so
// gives it up: a hung call cannot be cancelled. The caller holds mu.
func (r *Recorder) stalled(now int64) bool {
	if since := r.busy.Load(); since != 0 && now-since >= int64(hangTime) {
		r.hung = true
	}
	return r.hung
}
