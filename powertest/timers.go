package powertest

import (
	"testing"
	"time"
)

// StartTimer is [testing.B.StartTimer]; it resumes the measurement too.
func (b *B) StartTimer() {
	b.B.StartTimer() // takes tens of µs first, and its time stamp last
	b.line.resume()
}

// StopTimer is [testing.B.StopTimer]; it pauses the measurement too.
func (b *B) StopTimer() {
	b.line.pause()
	b.B.StopTimer() // takes its time stamp first
}

// ResetTimer is [testing.B.ResetTimer]; it also forgets the energy and the work
// (tokens, requests) so far. It does not affect whether the timer is running.
func (b *B) ResetTimer() {
	b.B.ResetTimer()
	b.work.restart()
	b.early = 0
	b.line.restart()
}

// timerOn reports whether the benchmark's timer runs. testing has no call that
// says so, but what has elapsed grows only while it does. In a synctest bubble
// the clock moves only in a sleep, so the last look is after one: that costs a
// running timer 1 ns, on a fake clock only.
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
