package energy_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/joulebench/joulebench/powertest/energy"
)

// A source that has died costs the benchmark that it dies in what can be expected of its
// period, and every further one the time of a read, until it answers again.
func TestDeadSourceIsNotWaitedFor(t *testing.T) {
	noAnswer := fmt.Errorf("get http://node0/metrics: connection refused: %w", energy.ErrNoAnswer)
	for name, die := range map[string]func(*remote, bool){
		"no answer": func(r *remote, dead bool) {
			if r.fail = nil; dead {
				r.fail = noAnswer
			}
		},
		"stands still": func(r *remote, dead bool) { r.still = dead },
	} {
		for _, gauge := range []bool{false, true} {
			for _, period := range []time.Duration{time.Second, 10 * time.Second} {
				t.Run(fmt.Sprintf("%s, %v, gauge %v", name, period, gauge), func(t *testing.T) {
					if gauge && name == "stands still" {
						t.Skip("power may stay as it is")
					}
					synctest.Test(t, func(t *testing.T) { diesAndComesBack(t, period, gauge, die) })
				})
			}
		}
	}
}

func diesAndComesBack(t *testing.T, period time.Duration, gauge bool, die func(*remote, bool)) {
	src := newRemote(2, period)
	if src.gauge = gauge; gauge {
		for i := range src.devices {
			src.devices[i].Method = energy.Gauge
		}
	}
	set := func(dead bool) {
		src.mu.Lock()
		defer src.mu.Unlock()
		die(src, dead)
	}
	r := energy.NewRecorder(src)
	benchmark := func(idle bool, load func()) (energy.Measurement, time.Duration) {
		began := time.Now()
		w := r.Open()
		if idle {
			_ = w.WaitIdle(t.Context(), "same")
		}
		_ = w.WaitTicks(t.Context(), 2)
		w.Resume()
		from := time.Now()
		load()
		loaded := time.Since(from)
		m := w.Measure(t.Context())
		return m, time.Since(began) - loaded
	}
	load := func() {
		defer src.Busy()()
		time.Sleep(10 * period)
	}
	m, _ := benchmark(false, load)
	assert.True(t, m.Valid || gauge, "%v", m.Reasons)
	m, cost := benchmark(false, func() {
		load()
		set(true)
		time.Sleep(2 * time.Second)
	})
	assert.False(t, m.Valid)
	assert.Less(t, cost, 6*period+40*time.Second, "in which it dies: its period, and some time to come back")
	for i := range 3 {
		time.Sleep(time.Second)
		m, cost = benchmark(i == 2, func() { time.Sleep(time.Second) })
		assert.False(t, m.Valid)
		assert.NotEmpty(t, m.Reasons)
		assert.Less(t, cost, 3*time.Second, "benchmark %d after", i)
		if i == 0 {
			time.Sleep(30 * time.Second)
		}
	}
	set(false)
	m, _ = benchmark(false, load)
	assert.True(t, m.Valid || gauge, "it is back: %v", m.Reasons)
}
