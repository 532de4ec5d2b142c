package energy

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/bits"
	"time"
)

// hangTime is how long a call of the source may take before it is given up.
const hangTime = time.Second

// A caller makes the calls of a source, one at a time. A call cannot be cancelled:
// one that takes longer than hangTime is given up and its answer is not used, but the
// next call does not begin before it has come back.
type caller struct {
	// turn is held during a call. It is a channel and not a mutex, since a goroutine
	// that waits for a mutex stops the fake clock of testing/synctest.
	turn chan struct{}
}

// do makes a call in its turn, and reports whether it came back in time. If it does
// not, the function of the watchdog, which is a stopped timer, is run meanwhile.
func (c caller) do(watchdog *time.Timer, call func()) (inTime bool) {
	watchdog.Reset(hangTime)
	began := time.Now()
	c.turn <- struct{}{}
	// If the turn came too late the answer is of no use any more.
	if time.Since(began) < hangTime {
		call()
		inTime = true
	}
	<-c.turn
	return watchdog.Stop() && inTime
}

// Inspect asks the source for the state of the recorder's devices, in the order of
// [Recorder.Devices]. It returns nil if the source is no [Inspector], or does not
// answer within a second or until ctx ends. Of several sources that are joined, those that
// answer have their states, and the others have no time. While a call of a source is under
// way it is not asked again.
func (r *Recorder) Inspect(ctx context.Context) []State {
	answers := make([]<-chan []State, len(r.lanes))
	for k, l := range r.lanes {
		answers[k] = l.inspect()
	}
	var all []State
	for k, l := range r.lanes {
		var list []State
		select {
		case list = <-answers[k]:
		case <-ctx.Done():
		}
		if list != nil && all == nil {
			all = make([]State, len(r.devices))
		}
		for n, s := range list {
			i := l.devices[n]
			all[i], all[i].Device = s, r.index[i]
		}
	}
	return all
}

// inspect asks the source for the state of its devices, and answers nil if it is no
// [Inspector], or does not answer in time.
func (l *lane) inspect() <-chan []State {
	answer := make(chan []State, 2)
	ins, ok := l.src.(Inspector)
	if !ok {
		answer <- nil
		return answer
	}
	states := make([]State, len(l.devices))
	for n := range states {
		states[n].Device = l.index[n]
	}
	watchdog := time.AfterFunc(hangTime, func() { answer <- nil })
	go func() {
		if l.caller.do(watchdog, func() { ins.Inspect(states) }) {
			answer <- states
		} else {
			answer <- nil
		}
	}()
	return answer
}

// CallStats is how the readings of one device went.
type CallStats struct {
	// Reads is how often the device was read, of which Failures gave no value.
	Reads, Failures int
	// P50 and P99 are the median and the 99th percentile of the time between before
	// and after a reading that gave a value, to 3 %; 0 if there was none.
	P50, P99 time.Duration
	// Stride is how many refresh periods lie between two ticks of a counter that are looked
	// for between edges, so that reads are few and occupy the driver for little of the
	// time; 1 if none is passed over, and 0 before the device was read.
	Stride int
	// LastError is what the newest failure was, and At when it ended; nil if there was
	// none. It wraps [ErrStalled] for a call that was given up.
	LastError error
	At        time.Time
	// LastGood is when the newest reading that gave a value ended; zero if there was
	// none.
	LastGood time.Time
}

// CallStats returns how the readings of the recorder's devices went, in the order of
// [Recorder.Devices]. Readings of a source that knows the past are not counted.
func (r *Recorder) CallStats() []CallStats {
	r.mu.Lock()
	defer r.mu.Unlock()
	list := make([]CallStats, len(r.stats))
	for i := range r.stats {
		s := &r.stats[i]
		list[i] = s.CallStats
		list[i].P50, list[i].P99 = s.took.quantile(0.5), s.took.quantile(0.99)
		if s.Reads > 0 && r.devices[i].Method == Counter {
			list[i].Stride = r.curves[i].pace.Stride()
		}
	}
	return list
}

// callStats counts without allocating.
type callStats struct {
	CallStats
	took durations
}

var (
	errNoValue = errors.New("the reading has no value")
	errHung    = fmt.Errorf("a call took more than %v: %w", hangTime, ErrStalled)
)

// add counts a reading of a device that reports by a method.
func (s *callStats) add(m Method, r *Reading) {
	value, ok := r.Joules, r.HasJoules
	if m == Gauge {
		value, ok = r.Watts, r.HasWatts
	}
	switch {
	case r.Err != nil:
		s.fail(r.Err, r.After)
	case !ok || !(value >= 0) || math.IsInf(value, 0):
		s.fail(errNoValue, r.After)
	default:
		s.Reads++
		s.LastGood = r.After
		s.took.add(r.After.Sub(r.Before))
	}
}

func (s *callStats) fail(err error, at time.Time) {
	s.Reads++
	s.Failures++
	s.LastError, s.At = err, at
}

const (
	// Each power of two of a time in ns is divided into so many buckets.
	bucketBits = 4
	// Times from 2^36 ns (69 s) on are in the last bucket.
	mostBits = 36
	buckets  = (mostBits - bucketBits + 1) << bucketBits
)

// durations is a histogram of times, in buckets that are as wide as a sixteenth of
// the power of two below them.
type durations struct {
	counts      [buckets]uint32
	n           int
	least, most time.Duration
}

func (h *durations) add(d time.Duration) {
	d = max(d, 0)
	if h.n == 0 {
		h.least = d
	}
	h.n++
	h.least, h.most = min(h.least, d), max(h.most, d)
	h.counts[bucketOf(d)]++
}

// bucketOf returns the bucket of a time: a floating-point number with bucketBits
// bits after the leading one, as an integer.
func bucketOf(d time.Duration) int {
	exp := max(bits.Len64(uint64(d))-1-bucketBits, 0)
	return min(exp<<bucketBits+int(d>>exp), buckets-1)
}

// bucketMiddle returns the middle of the times of a bucket.
func bucketMiddle(i int) time.Duration {
	exp := max(i>>bucketBits-1, 0)
	low := time.Duration(i-exp<<bucketBits) << exp
	return low + time.Duration(1)<<exp/2
}

// quantile returns the time that a share q of the times do not exceed.
func (h *durations) quantile(q float64) time.Duration {
	rank := max(int(math.Ceil(q*float64(h.n))), 1)
	for i, n := range h.counts {
		if rank -= int(n); rank <= 0 {
			return min(max(bucketMiddle(i), h.least), h.most)
		}
	}
	return h.most
}
