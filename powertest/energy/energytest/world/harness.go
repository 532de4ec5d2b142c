package world

import (
	"context"
	"math"
	"sync"

	"github.com/joulebench/joulebench/powertest/energy"
)

// Harness runs a load and measures it, in windows of about a length.
type Harness struct {
	// Windows is how many windows a trial has.
	Windows int
	run     func(rig *Rig, length float64)
}

const (
	counts   = 3  // of a benchmark
	requests = 8  // of a window each
	served   = 12 // requests of a window with phases
)

var (
	// Meter reads all the time, and a window begins when the harness likes.
	Meter = Harness{1, meter}
	// Benchmark is a benchmark with -count=3: each window begins just after a tick, and
	// nothing is read between them.
	Benchmark = Harness{counts, func(rig *Rig, length float64) { benchmark(rig, length, waitTicks, (*Rig).note) }}
	// Net is a benchmark that also reports the energy above idle.
	Net = Harness{counts, func(rig *Rig, length float64) { benchmark(rig, length, waitIdle, (*Rig).noteNet) }}
	// Requests are windows one after another on one recorder, 20 to 80 ms apart.
	Requests = Harness{requests, perRequest}
	// Phases are the prefill, the decoding and the rest of requests 3 to 300 ms apart.
	Phases = Harness{1, phases}
	// Pauses stop the timer now and then, for work, for nothing, or for both.
	Pauses = Harness{1, pauses}
	// Past is a window that is measured afterwards by a server with 1 s scrapes.
	Past = Harness{1, past}
)

// warmUp opens a recorder as a meter does, and lets some time go by.
func (rig *Rig) warmUp() *energy.Window {
	rig.sleep(between(rig.Rand, 0.2, 0.5))
	warm := rig.Recorder.KeepWarm()
	_ = warm.WaitTicks(context.Background(), 2)
	rig.sleep(between(rig.Rand, 0.1, 0.7))
	return warm
}

func meter(rig *Rig, length float64) {
	defer rig.warmUp().Cancel()
	var w *energy.Window
	s := rig.loaded(length, func() { w = rig.Recorder.Open(); w.Resume() }, func() { w.Pause() })
	rig.note("", measure(w), s)
}

// waitTicks and waitIdle are what a benchmark waits for before its timer runs.
func waitTicks(w *energy.Window) { _ = w.WaitTicks(context.Background(), 2) }

func waitIdle(w *energy.Window) {
	if w.WaitIdle(context.Background(), "net") != nil {
		waitTicks(w)
	}
}

func benchmark(rig *Rig, length float64, wait func(*energy.Window), note func(*Rig, string, energy.Measurement, ...span)) {
	rig.sleep(between(rig.Rand, 0.2, 0.5))
	for range counts {
		w := rig.Recorder.Open()
		wait(w)
		s := rig.loaded(length, w.Resume, w.Pause)
		note(rig, "", measure(w), s)
		rig.sleep(between(rig.Rand, 0.001, 0.02))
	}
}

// noteNet notes the idle power and the energy above it, as they are reported.
func (rig *Rig) noteNet(_ string, m energy.Measurement, spans ...span) {
	idle, d := 0.0, length(spans)
	for _, b := range rig.boards {
		idle += b.Idle
	}
	rig.add(Outcome{
		Part: "idle-W", Truth: idle, Valid: m.HasIdle, Reasons: m.Reasons,
		Got: energy.Estimate{Joules: m.Idle.Watts, Low: m.Idle.Low, High: m.Idle.High},
	})
	net, ok := m.Net()
	rig.add(Outcome{Part: "net", Truth: rig.joules(spans) - idle*d, Got: net, Valid: ok, Reasons: m.Reasons})
}

func perRequest(rig *Rig, length float64) {
	defer rig.warmUp().Cancel()
	var measured sync.WaitGroup
	for range requests {
		var w *energy.Window
		s := rig.loaded(length, func() { w = rig.Recorder.Open(); w.Resume() }, func() { w.Pause() })
		measured.Go(func() { rig.note("", measure(w), s) })
		rig.sleep(between(rig.Rand, 0.02, 0.08))
	}
	measured.Wait()
}

func past(rig *Rig, length float64) {
	server := newServer(rig.Machine, 1, 1)
	rig.sleep(between(rig.Rand, 12, 14))
	s := rig.loaded(length, func() {}, func() {})
	m := energy.MeasurePast(context.Background(), server, energy.Span{Start: rig.time(s.from), End: rig.time(s.to)})
	rig.note("", m, s)
	rig.outcomes[0].spans = nil // the peers have no server to ask
}

// pauses measures in all about length, in stretches of 0.4 to 0.8 s.
func pauses(rig *Rig, length float64) {
	r := rig.Rand
	rig.sleep(between(r, 0.2, 0.5))
	w := rig.Recorder.Open()
	_ = w.WaitTicks(context.Background(), 2)
	var spans []span
	for left := length; left > 0; {
		d := min(between(r, 0.4, 0.8), left)
		left -= d
		spans = append(spans, rig.timed(w, d))
		if left <= 0 {
			break
		}
		pause := between(r, 0.05, 0.3)
		switch r.IntN(3) {
		case 0:
			rig.stretch(rig.now(), pause, between(r, 0.5, 1))
		case 1:
			rig.stretch(rig.now(), pause*between(r, 0.2, 0.8), between(r, 0.5, 1))
		}
		rig.sleep(pause)
	}
	rig.note("", measure(w), spans...)
}

// timed is one stretch of work while the window is open.
func (rig *Rig) timed(w *energy.Window, d float64) span {
	s := span{from: rig.now()}
	rig.stretch(s.from, d, 1)
	w.Resume()
	rig.sleep(d)
	w.Pause()
	s.to = rig.now()
	return s
}

// phase is a part of a window: what is measured of it, and when it was.
type phase struct {
	name   string
	window *energy.Window
	spans  []span
}

// during runs the phase for a time.
func (p *phase) during(rig *Rig, d float64) {
	s := span{from: rig.now()}
	p.window.Resume()
	rig.sleep(d)
	p.window.Pause()
	s.to = rig.now()
	p.spans = append(p.spans, s)
}

// phases serves requests within one window. The edges of power are early or late by up to
// 10 ms, alike in all requests; levels vary by 4 %. length is that of a mean request.
func phases(rig *Rig, length float64) {
	defer rig.warmUp().Cancel()
	r := rig.Rand
	whole := rig.Recorder.Open()
	prefill := &phase{name: "prefill", window: whole.Sub()}
	decode := &phase{name: "decode", window: whole.Sub()}
	rest := &phase{name: "rest", window: whole.Sub()}
	late := [3]float64{between(r, -0.01, 0.01), between(r, -0.01, 0.01), between(r, -0.01, 0.01)}
	level := between(r, 0.5, 0.8)
	gap := 0.003 * math.Pow(100, r.Float64()) // of this server, mostly
	all := span{from: rig.now()}
	whole.Resume()
	for range served {
		a, b := length*between(r, 0.2, 0.3), length*between(r, 0.5, 1)
		pause := min(max(gap*between(r, 0.7, 1.4), 0.003), 0.3)
		rig.serve(rig.now()+pause, a, b, level, late)
		rest.during(rig, pause)
		prefill.during(rig, a)
		decode.during(rig, b)
	}
	whole.Pause()
	all.to = rig.now()
	rig.notePhases(whole, all, prefill, decode, rest)
}

// serve lays out a request: prefill for a and decoding for b, from a time on.
func (rig *Rig) serve(from, a, b, level float64, late [3]float64) {
	up, down := 1+0.04*rig.Rand.NormFloat64(), 1+0.04*rig.Rand.NormFloat64()
	edges := [3]float64{from, from + a, from + a + b}
	for i := range edges {
		edges[i] = max(edges[i]+late[i]+rig.wobble(), rig.now())
	}
	rig.mu.Lock()
	defer rig.mu.Unlock()
	for _, board := range rig.boards {
		board.Begin(edges[0])
		board.Slide(board.Rise, board.Busy*up)
		board.Work(edges[1]-edges[0]-board.Rise, board.Busy*up)
		board.Slide(board.Fall, board.Busy*level*down)
		board.Work(edges[2]-edges[1]-board.Fall, board.Busy*level*down)
		board.Rest()
	}
}

// notePhases notes the phases, the whole, and whether they add up: "sum" is the sum of the
// parts, with the whole as its truth.
func (rig *Rig) notePhases(whole *energy.Window, all span, parts ...*phase) {
	m := measure(whole)
	rig.note("whole", m, all)
	sum := Outcome{Part: "sum", Truth: m.Energy.Joules, Valid: m.Valid, Bare: true}
	for _, p := range parts {
		part := measure(p.window)
		rig.note(p.name, part, p.spans...)
		sum.Valid = sum.Valid && part.Valid
		sum.Got.Joules += part.Energy.Joules
	}
	rig.add(sum)
}
