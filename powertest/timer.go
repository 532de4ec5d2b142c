package powertest

import (
	"reflect"
	"runtime/metrics"
	"testing"
	"time"

	"github.com/joulebench/joulebench/powertest/energy"
)

// timer watches the timer of a testing.B. b.Loop starts it anew when it is first called,
// and stops it when it returns false; a call of the testing.B's own methods does so, too.
// None of that passes through the powertest.B. But testing keeps when the timer was started
// last, and b.Elapsed says for how long it has run: so the timed part has a place in the
// window, and not only a length.
//
// Its methods are called by the goroutine that the timer's are.
type timer struct {
	tb      *testing.B
	started *time.Time // by anyone, last: testing's own field; nil if there is none
	begun   time.Time  // all that the timer has counted was later

	// As of the last start of ours:
	known   time.Time     // when it was
	counted time.Duration // what the timer had counted before
	stops   uint64        // how often the world had been stopped by then

	sample [1]metrics.Sample
}

// timerError is by how much two readings of the clock that should be alike may differ. What
// is between them stays slack, which is in the interval.
const timerError = slackFloor

// watch begins to watch a timer that is stopped.
func (t *timer) watch(tb *testing.B) {
	t.tb, t.started, t.begun = tb, startOf(tb), time.Now()
	t.sample[0].Name = "/sched/pauses/total/other:seconds"
	if t.started != nil {
		t.known = *t.started
	}
}

// startOf returns where testing keeps when a benchmark's timer was started last. It has no
// call that says so. Where its field is another one some day, and on Windows, where it holds
// no [time.Time], there is none: the timed part is then known by its length only.
func startOf(tb *testing.B) *time.Time {
	field := reflect.ValueOf(tb).Elem().FieldByName("start")
	if field.Kind() == reflect.Struct {
		field = field.FieldByName("now")
	}
	if !field.IsValid() || field.Type() != reflect.TypeFor[time.Time]() {
		return nil
	}
	return (*time.Time)(field.Addr().UnsafePointer())
}

// start makes calls that start the timer, or start it anew, unless it runs or is stopped
// already.
func (t *timer) start(calls func()) {
	if t.started == nil {
		calls()
		return
	}
	before, counted, stops := *t.started, t.tb.Elapsed(), t.worldStops()
	calls()
	if t.started.Equal(before) {
		return
	}
	t.known, t.stops = *t.started, stops+1 // for its memory statistics
	t.counted = counted                    // it was stopped, or is reset
}

// reset makes calls that reset the timer, as start does.
func (t *timer) reset(calls func()) {
	t.start(calls)
	t.counted = 0
}

// tick lets a fake clock move on, so that a start by b.Loop is not taken for the last of ours.
// A real clock has done so.
func (t *timer) tick() {
	if t.counted > 0 && !time.Now().After(t.known) {
		time.Sleep(1 * time.Nanosecond)
	}
}

// worldStops returns how often the world was stopped for anything but garbage collection.
// testing's timer does so whenever it starts or stops, and little else does.
func (t *timer) worldStops() (n uint64) {
	metrics.Read(t.sample[:])
	if t.sample[0].Value.Kind() != metrics.KindFloat64Histogram {
		return 0
	}
	for _, count := range t.sample[0].Value.Float64Histogram().Counts {
		n += count
	}
	return n
}

// timed returns what of the time until end the timer has counted, less the pauses, and
// whether that is known to be less than all. The timer is stopped.
func (t *timer) timed(end time.Time) (span energy.Span, less bool) {
	if t.started == nil {
		return energy.Span{}, false
	}
	elapsed := t.tb.Elapsed()
	if t.started.Equal(t.known) {
		span = energy.Span{Start: t.begun, End: t.known.Add(elapsed - t.counted)}
		return span, span.End.Before(end)
	}
	// If it was started by b.Loop, or otherwise from nothing, it ran on until it was
	// stopped. If what it had counted before counts too, it ran for less: that would show
	// by an end that is still to come, or by two more stops.
	span = energy.Span{Start: *t.started, End: t.started.Add(elapsed)}
	off := span.End.Sub(end)
	if off > timerError || off < -timerError && t.worldStops() != t.stops+2 {
		return energy.Span{}, false
	}
	t.begun, t.known, t.counted = span.Start, span.Start, 0
	return span, true
}

// timerOn reports whether a benchmark's timer runs. testing has no call that
// says so, but what has elapsed grows only while it does. In a synctest bubble
// the clock moves only in a sleep, so the last comparison is after one: that costs
// a running timer 1 ns, on a fake clock only.
func timerOn(tb *testing.B) bool {
	before := tb.Elapsed()
	for range 100 {
		if tb.Elapsed() != before {
			return true
		}
	}
	time.Sleep(1 * time.Nanosecond)
	return tb.Elapsed() != before
}
