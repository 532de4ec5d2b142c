package energy

import "time"

// coalesceWindow is how far ahead of its time a device may be read, to serve several
// devices with one call.
const coalesceWindow = 200 * time.Microsecond

// read is the call that reads the source: the next one, or the one in progress. The
// recorder's mu guards it, but for the values of the batch, which are the source's
// while the call goes on.
type read struct {
	batch  []Reading
	due    []int // the devices of the batch
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

// run reads until no window is open. Once it goes on it does not allocate.
func (r *Recorder) run() {
	timer := time.NewTimer(0)
	defer timer.Stop()
	watchdog := time.AfterFunc(hangTime, r.giveUp)
	watchdog.Stop()
	call := func() { r.src.Read(r.read.batch) }
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
		r.calls.Add(1)
		r.take(r.caller.do(watchdog, call))
	}
}

// plan begins a read of the devices that are due, or says how long to wait for
// the first; alive is false when the goroutine is to end.
func (r *Recorder) plan() (wait time.Duration, alive bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.windows) == 0 {
		r.running = false
		return 0, false
	}
	began := r.now()
	now := float64(began)
	first := r.curves[0].pace.Next()
	clear(r.groups.due)
	for i, c := range r.curves {
		next := c.pace.Next()
		first = min(first, next)
		if next <= now+float64(coalesceWindow) {
			r.groups.due[r.groups.of[i]] = true
		}
	}
	if first > now {
		return max(time.Duration(first-now), 1), true
	}
	r.read.batch, r.read.due = r.read.batch[:0], r.read.due[:0]
	for i := range r.curves {
		if r.groups.due[r.groups.of[i]] {
			r.read.batch = append(r.read.batch, Reading{Device: r.index[i]})
			r.read.due = append(r.read.due, i)
		}
	}
	r.read.began, r.read.goesOn = began, true
	return 0, true
}

// giveUp is run while a read goes on that has not come back in time.
func (r *Recorder) giveUp() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.read.goesOn && r.now()-r.read.began >= int64(hangTime) { // or it has come back just now
		r.hang()
		r.wake()
	}
}

// hang counts a read that is given up. The caller holds mu.
func (r *Recorder) hang() {
	if r.read.hung {
		return
	}
	r.read.hung = true
	for _, i := range r.read.due {
		r.stats[i].fail(errHung, r.base.Add(time.Duration(r.now())))
	}
}

// take adds what was read to the curves, if it came in time, and wakes those that
// wait for ticks.
func (r *Recorder) take(inTime bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.read.goesOn = false
	if !inTime {
		r.hang()
		r.read.hung = false
		for _, c := range r.curves {
			c.note(r.read.began, r.now(), SourceStalled, "one call took more than a second")
		}
		r.wake()
		return
	}
	for k, reading := range r.read.batch {
		i := r.read.due[k]
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
