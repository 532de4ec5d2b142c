package energy

import (
	"math"
	"time"
)

// coalesceWindow is how far ahead of its time a device may be read, to serve several
// devices with one call.
const coalesceWindow = 200 * time.Microsecond

// read is the call that reads a source: the next one, or the one in progress. The
// recorder's mu guards it, but for the values of the batch, which are the source's
// while the call goes on.
type read struct {
	batch  []Reading
	due    []int // the devices of the batch, as the lane counts them
	began  int64 // ns since the recorder's base
	goesOn bool
	hung   bool // it did not come back in time, and has not since
}

// groups are devices that tick together, because one request of the source
// reports all of them: those with the same Endpoint.
type groups struct {
	of    []int  // the group of each device
	n     int    // how many groups there are
	alone int    // devices that are in no group but their own
	due   []bool // whether a group is to be read
}

func newGroups(devices []Device) groups {
	g := groups{of: make([]int, len(devices))}
	at := map[string]int{}
	for i, d := range devices {
		k, known := at[d.Endpoint]
		if d.Endpoint == "" || !known {
			k = g.n
			g.n++
		}
		if d.Endpoint == "" {
			g.alone++
		} else {
			at[d.Endpoint] = k
		}
		g.of[i] = k
	}
	g.due = make([]bool, g.n)
	return g
}

// A lane reads one source, in a goroutine of its own: where a recorder has several, one
// that is slow, or hangs, holds up no other. The recorder's mu guards what changes.
type lane struct {
	rec     *Recorder
	src     Source
	poll    time.Duration
	devices []int // of the source, as the recorder counts them
	index   []int // of each of them, in the source
	groups  groups
	caller  caller
	kick    chan struct{} // asks the goroutine to plan again
	running bool          // the goroutine is alive
	read    read
}

// newLanes makes a lane for each source of the recorder's devices, which are at index of
// all of its source.
func (r *Recorder) newLanes(index []int) {
	r.lane = make([]int, len(index))
	parts, places := partsOf(r.src)
	at := map[int]int{} // the lane of a part
	for i, k := range index {
		n, made := at[places[k].part]
		if !made {
			n = len(r.lanes)
			at[places[k].part] = n
			r.lanes = append(r.lanes, newLane(r, parts[places[k].part].src))
		}
		l := r.lanes[n]
		l.devices, l.index = append(l.devices, i), append(l.index, places[k].index)
		r.lane[i] = n
	}
	for _, l := range r.lanes {
		devices := make([]Device, len(l.devices))
		for n, i := range l.devices {
			devices[n] = r.devices[i]
		}
		l.groups = newGroups(devices)
		l.read.batch, l.read.due = make([]Reading, len(devices)), make([]int, len(devices))
	}
}

func newLane(r *Recorder, src Source) *lane {
	return &lane{
		rec: r, src: src, poll: src.Info().Poll,
		caller: caller{turn: make(chan struct{}, 1)},
		kick:   make(chan struct{}, 1),
	}
}

// of returns the lane that reads a device.
func (r *Recorder) of(device int) *lane { return r.lanes[r.lane[device]] }

// replan makes the goroutine look again at what is due.
func (l *lane) replan() {
	select {
	case l.kick <- struct{}{}:
	default:
	}
}

// run reads until no window is open. Once it goes on it does not allocate.
func (l *lane) run() {
	timer := time.NewTimer(0)
	defer timer.Stop()
	watchdog := time.AfterFunc(hangTime, l.giveUp)
	watchdog.Stop()
	call := func() { l.src.Read(l.read.batch) }
	for {
		wait, alive := l.plan()
		if !alive {
			return
		}
		if wait > 0 {
			timer.Reset(wait)
			select {
			case <-timer.C:
			case <-l.kick:
			}
			continue
		}
		l.rec.calls.Add(1)
		l.take(l.caller.do(watchdog, call))
	}
}

// plan begins a read of the devices that are due, or says how long to wait for
// the first; alive is false when the goroutine is to end.
func (l *lane) plan() (wait time.Duration, alive bool) {
	r := l.rec
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.windows) == 0 {
		l.running = false
		return 0, false
	}
	began := r.now()
	now := float64(began)
	first := math.Inf(1)
	clear(l.groups.due)
	for k, i := range l.devices {
		next := r.curves[i].pace.Next()
		first = min(first, next)
		if next <= now+max(float64(coalesceWindow), r.curves[i].pace.Early()) {
			l.groups.due[l.groups.of[k]] = true
		}
	}
	if first > now {
		return max(time.Duration(first-now), 1), true
	}
	l.read.batch, l.read.due = l.read.batch[:0], l.read.due[:0]
	for k := range l.devices {
		if l.groups.due[l.groups.of[k]] {
			l.read.batch = append(l.read.batch, Reading{Device: l.index[k]})
			l.read.due = append(l.read.due, k)
		}
	}
	l.read.began, l.read.goesOn = began, true
	return 0, true
}

// giveUp is run while a read goes on that has not come back in time.
func (l *lane) giveUp() {
	l.rec.mu.Lock()
	defer l.rec.mu.Unlock()
	if l.read.goesOn && l.rec.now()-l.read.began >= int64(hangTime) { // or it has come back just now
		l.hang()
		l.rec.wake()
	}
}

// hang counts a read that is given up. The caller holds mu.
func (l *lane) hang() {
	if l.read.hung {
		return
	}
	l.read.hung = true
	r := l.rec
	for _, k := range l.read.due {
		r.stats[l.devices[k]].fail(errHung, r.base.Add(time.Duration(r.now())))
	}
}

// take adds what was read to the curves, if it came in time, and wakes those that
// wait for ticks.
func (l *lane) take(inTime bool) {
	r := l.rec
	r.mu.Lock()
	defer r.mu.Unlock()
	l.read.goesOn = false
	if !inTime {
		l.hang()
		l.read.hung = false
		for _, i := range l.devices {
			r.curves[i].note(l.read.began, r.now(), SourceStalled, "one call took more than a second")
		}
		r.wake()
		return
	}
	for n, reading := range l.read.batch {
		i := l.devices[l.read.due[n]]
		r.stats[i].add(r.devices[i].Method, &reading)
		r.curves[i].add(reading)
	}
	r.wake()
}

// wake makes the waiters look at what has changed. The caller holds mu.
func (r *Recorder) wake() {
	for _, c := range r.waiters {
		select {
		case c <- struct{}{}:
		default:
		}
	}
}
