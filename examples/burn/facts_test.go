//go:build linux && cgo

package burn

import (
	"encoding/binary"
	"fmt"
	"io"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/NVIDIA/go-nvml/pkg/nvml"
	"github.com/stretchr/testify/require"
)

// TestFacts watches the readings of a GPU closely while it idles and works, and writes
// each change of each of them and what was done when.
func TestFacts(t *testing.T) {
	need(t)
	d := gpu(t)
	out := create(t, "facts.csv")
	w := watch(t, d)
	began := time.Now()
	time.Sleep(6 * time.Second)
	note(out, "bare", edges{began, time.Now()})
	l := start(t)
	began = time.Now()
	time.Sleep(6 * time.Second)
	note(out, "context", edges{began, time.Now()})
	steps(t, l, out)
	pulses(t, l, out)
	n := l.pieces(t, "mma", 20*time.Millisecond)
	note(out, "square", l.repeat(t, "mma", n, 101*time.Millisecond-time.Duration(n)*l.piece["mma"], 200))
	time.Sleep(2 * time.Second)
	w.end(out)
	report(t, w)
}

func note(out io.Writer, what string, e edges) {
	fmt.Fprintf(out, "%s,%d,%d,,\n", what, e.begin.UnixNano(), e.end.UnixNano())
}

// steps are long stretches of work, and of none.
func steps(t *testing.T, l *load, out io.Writer) {
	t.Helper()
	for _, kind := range []string{"mma", "fma", "mem", "mma"} {
		note(out, "step-"+kind, l.run(t, kind, l.pieces(t, kind, 4*time.Second)))
		time.Sleep(4 * time.Second)
	}
}

// pulses are short pieces of work at any phase of the ticks.
func pulses(t *testing.T, l *load, out io.Writer) {
	t.Helper()
	for _, length := range []time.Duration{20, 50, 100, 250} {
		n := l.pieces(t, "mma", length*time.Millisecond)
		for range 35 {
			note(out, fmt.Sprintf("pulse-%d", length), l.run(t, "mma", n))
			time.Sleep(300*time.Millisecond + rand.N(100*time.Millisecond))
		}
	}
}

// TestCalls logs how long calls of the driver take, in µs, at once after another and with
// pauses between.
func TestCalls(t *testing.T) {
	need(t)
	d := gpu(t)
	calls := map[string]func() nvml.Return{
		"TotalEnergy":  func() nvml.Return { _, ret := d.GetTotalEnergyConsumption(); return ret },
		"PowerUsage":   func() nvml.Return { _, ret := d.GetPowerUsage(); return ret },
		"PowerSamples": func() nvml.Return { _, _, ret := d.GetSamples(nvml.TOTAL_POWER_SAMPLES, 0); return ret },
		"energy+instant": func() nvml.Return {
			return d.GetFieldValues([]nvml.FieldValue{
				{FieldId: nvml.FI_DEV_TOTAL_ENERGY_CONSUMPTION}, {FieldId: nvml.FI_DEV_POWER_INSTANT},
			})
		},
	}
	for _, r := range readings {
		calls[r.name] = func() nvml.Return { _, _, ret := field(d, r.field); return ret }
	}
	for name, call := range calls {
		for _, apart := range []time.Duration{0, 10 * time.Millisecond} {
			var list []float64
			for range 100 {
				before := time.Now()
				ret := call()
				list = append(list, float64(time.Since(before))/1e3)
				require.Equal(t, nvml.SUCCESS, ret, name)
				time.Sleep(apart)
			}
			t.Logf("call %-15s %5v apart, µs: %s", name, apart, quantiles(list))
		}
	}
	kind, samples, ret := d.GetSamples(nvml.TOTAL_POWER_SAMPLES, 0)
	require.Equal(t, nvml.SUCCESS, ret)
	var apart, watts []float64
	for i, s := range samples {
		watts = append(watts, float64(binary.NativeEndian.Uint32(s.SampleValue[:]))/1000)
		if i > 0 {
			apart = append(apart, float64(s.TimeStamp-samples[i-1].TimeStamp)/1e3)
		}
	}
	t.Logf("power samples of type %d: ms apart: %s", kind, quantiles(apart))
	t.Logf("power samples, W: %s", quantiles(watts))
}

// report logs how far apart changes are, in ms, how large they are, and how far their
// stamps are from the time at which they were seen.
func report(t *testing.T, w *watcher) {
	t.Helper()
	t.Logf("%d reads", w.reads)
	for i, r := range readings {
		var apart, seen, stamped, behind []float64
		list := w.changes[i]
		for k := 2; k < len(list); k++ {
			a, b := list[k-1], list[k]
			apart = append(apart, float64(b.hi.Sub(a.hi))/1e6)
			seen = append(seen, float64(b.hi.Sub(b.lo))/1e6)
			stamped = append(stamped, float64(b.stamp-a.stamp)/1e3)
			behind = append(behind, float64(b.hi.UnixMicro()-b.stamp)/1e3)
		}
		t.Logf("%s: apart, ms: %s", r.name, quantiles(apart))
		t.Logf("%s: seen within, ms: %s", r.name, quantiles(seen))
		t.Logf("%s: stamps apart, ms: %s", r.name, quantiles(stamped))
		t.Logf("%s: seen after its stamp, ms: %s", r.name, quantiles(behind))
	}
}
