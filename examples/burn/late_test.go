//go:build linux && cgo

package burn

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"
)

// TestLate measures by how much the counter is late: what is missing after a step of power,
// and too much after it has ended, over the change of power. Work begins at any phase of the
// ticks, from idle.
func TestLate(t *testing.T) {
	need(t)
	d := gpu(t)
	l := start(t)
	out := create(t, "late.csv")
	for _, kind := range []string{"fma", "mem", "mma"} {
		n := l.pieces(t, kind, 350*time.Millisecond)
		w := watch(t, d)
		var list []edges
		time.Sleep(time.Second)
		for range 50 {
			list = append(list, l.run(t, kind, n))
			note(out, kind, list[len(list)-1])
			time.Sleep(350*time.Millisecond + rand.N(100*time.Millisecond))
		}
		w.end(out)
		var rise, fall []float64
		for _, e := range list {
			if r, f, ok := late(w.changes[0], e); ok {
				rise, fall = append(rise, r), append(fall, f)
			}
		}
		fmt.Fprintf(out, "%s,,,,\n", kind)
		t.Logf("%s: rises late by, ms: %s", kind, quantiles(rise))
		t.Logf("%s: falls late by, ms: %s", kind, quantiles(fall))
	}
}

// late returns by how much the counter's ticks are late at both edges of some work, in ms,
// where they were seen well.
func late(ticks []change, e edges) (rise, fall float64, ok bool) {
	const (
		settle = 0.03 // s, in which power changes
		well   = 0.012
	)
	at := func(c change) float64 { return (c.lo.Sub(e.begin).Seconds() + c.hi.Sub(e.begin).Seconds()) / 2 }
	end := e.length().Seconds()
	var before, inside, after []change
	for _, c := range ticks {
		switch x := at(c); {
		case c.hi.Sub(c.lo).Seconds() > well || x < -0.3 || x > end+0.33:
		case x < 0:
			before = append(before, c)
		case x > settle && x < end:
			inside = append(inside, c)
		case x > end+0.1:
			after = append(after, c)
		}
	}
	if len(before) < 2 || len(inside) < 2 || len(after) < 1 {
		return 0, 0, false
	}
	power := func(a, b change) float64 { return float64(b.value-a.value) / 1000 / (at(b) - at(a)) }
	joules := func(a, b change) float64 { return float64(b.value-a.value) / 1000 }
	last, first, until, done := before[len(before)-1], inside[0], inside[len(inside)-1], after[0]
	idle, busy := power(before[0], last), power(first, until)
	rise = at(first) - (joules(last, first)-idle*(at(first)-at(last)))/(busy-idle)
	fall = (joules(until, done)-idle*(at(done)-at(until)))/(busy-idle) - (end - at(until))
	return 1000 * rise, 1000 * fall, true
}
