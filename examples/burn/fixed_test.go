//go:build linux && cgo

package burn

import (
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/NVIDIA/go-nvml/pkg/nvml"
	"github.com/stretchr/testify/require"

	"github.com/joulebench/joulebench/powertest"
)

var watchFlag = flag.Bool("watch", false, "watch the counter closely besides, which makes all calls of the driver slower")

// TestFixed measures work of a fixed amount in windows of many lengths: what a piece of it
// takes must not depend on that. Beside it two plain reads of the counter.
func TestFixed(t *testing.T) {
	need(t)
	f := &fixed{device: gpu(t), load: start(t), out: create(t, "fixed.jsonl")}
	if *watchFlag {
		w := watch(t, f.device)
		defer func() { w.end(create(t, "fixed.csv")) }()
	}
	var err error
	f.meter, err = powertest.NewMeter(t.Context())
	require.NoError(t, err)
	defer f.meter.Close()
	f.load.run(t, *kindFlag, f.load.pieces(t, *kindFlag, 10*time.Second)) // as warm as it gets
	for _, cold := range []bool{true, false} {
		lengths := []time.Duration{}
		for ms, n := range map[int]int{50: 14, 100: 14, 250: 10, 500: 8, 1000: 7, 2000: 4, 5000: 2, 10000: 2} {
			for range n {
				lengths = append(lengths, time.Duration(ms)*time.Millisecond)
			}
		}
		rand.Shuffle(len(lengths), func(i, k int) { lengths[i], lengths[k] = lengths[k], lengths[i] })
		for _, length := range lengths {
			f.measure(t, cold, length)
		}
	}
	for range 6 {
		f.phases(t)
	}
}

type fixed struct {
	device nvml.Device
	load   *load
	meter  *powertest.Meter
	out    io.Writer
}

// a row is one window of work.
type row struct {
	Kind     string
	Length   time.Duration
	Pieces   int
	TwoReads float64 // joules between two reads at the edges
	Edges    []int64 // of the work, ns
	Report   powertest.Report
}

func (f *fixed) energy(t *testing.T) uint64 {
	mj, ret := f.device.GetTotalEnergyConsumption()
	require.Equal(t, nvml.SUCCESS, ret)
	return mj
}

// measure measures a window with work all the time in it, and before and after it either
// too or not.
func (f *fixed) measure(t *testing.T, cold bool, length time.Duration) {
	t.Helper()
	r := row{Kind: "warm", Length: length, Pieces: f.load.pieces(t, *kindFlag, length)}
	lead := f.load.pieces(t, *kindFlag, 150*time.Millisecond+rand.N(100*time.Millisecond))
	if cold {
		r.Kind = "cold"
		time.Sleep(1200*time.Millisecond + rand.N(100*time.Millisecond))
	} else {
		f.load.run(t, *kindFlag, lead)
	}
	before := f.energy(t)
	w := f.meter.Start("BenchmarkFixed/" + r.Kind + "/" + length.String())
	e := f.load.run(t, *kindFlag, r.Pieces)
	w.End()
	r.TwoReads = float64(f.energy(t)-before) / 1000
	w.AddOps(r.Pieces)
	if !cold {
		f.load.run(t, *kindFlag, lead)
	}
	f.write(t, r, w, e)
}

// phases measures ten requests, each of a short phase of products and a longer one of copies,
// with gaps between them.
func (f *fixed) phases(t *testing.T) {
	t.Helper()
	time.Sleep(1200 * time.Millisecond)
	r := row{Kind: "phases", Pieces: 10}
	before := f.energy(t)
	w := f.meter.Start("BenchmarkFixed/phases")
	began := time.Now()
	for range r.Pieces {
		end := w.Phase("prefill")
		f.load.run(t, "mma", f.load.pieces(t, "mma", 60*time.Millisecond))
		end()
		end = w.Phase("decode")
		f.load.run(t, "mem", f.load.pieces(t, "mem", 150*time.Millisecond))
		end()
		time.Sleep(rand.N(100 * time.Millisecond))
	}
	w.End()
	r.TwoReads = float64(f.energy(t)-before) / 1000
	w.AddOps(r.Pieces)
	f.write(t, r, w, edges{began, time.Now()})
}

func (f *fixed) write(t *testing.T, r row, w *powertest.Window, e edges) {
	t.Helper()
	var err error
	r.Report, err = w.Stop(t.Context())
	require.NoError(t, err)
	r.Edges = []int64{e.begin.UnixNano(), e.end.UnixNano()}
	line, err := json.Marshal(r)
	require.NoError(t, err)
	fmt.Fprintf(f.out, "%s\n", line)
	m := r.Report.Measurement.Energy
	t.Logf("%-6s %6v: %.4f J a piece, %.4f to %.4f; two reads %.4f; %v", r.Kind, r.Length,
		m.Joules/float64(r.Pieces), m.Low/float64(r.Pieces), m.High/float64(r.Pieces), r.TwoReads/float64(r.Pieces), r.Report.Reasons)
}
