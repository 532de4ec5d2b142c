package smisource

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/joulebench/joulebench/powertest/energy"
)

// base is the start of the windows of golden cases.
const base = 1_700_000_000

// row is a reading of the golden cases: when, of which GPU, watts.
type row struct {
	at    float64
	gpu   int
	watts float64
}

func series(gpu int, plus float64, pairs ...float64) (list []row) {
	for i := 0; i < len(pairs); i += 2 {
		list = append(list, row{pairs[i], gpu, pairs[i+1] + plus})
	}
	return list
}

// constant has a reading every second.
func constant(gpu int, from, to int, watts float64) (list []row) {
	for t := from; t <= to; t++ {
		list = append(list, row{float64(t), gpu, watts})
	}
	return list
}

func instant(at float64) time.Time { return time.UnixMilli(base*1000 + int64(math.Round(at*1000))) }

func nvidia(at float64) string { return instant(at).UTC().Format("2006/01/02 15:04:05.000") }

// nvidiaLog writes rows as nvidia-smi does.
func nvidiaLog(rows ...[]row) string {
	var b strings.Builder
	b.WriteString("timestamp, index, power.draw [W], temperature.gpu\n")
	for _, list := range rows {
		for _, r := range list {
			fmt.Fprintf(&b, "%s, %d, %.2f W, 64\n", nvidia(r.at), r.gpu, r.watts)
		}
	}
	return b.String()
}

func write(t testing.TB, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "gpu_metrics.csv")
	require.NoError(t, os.WriteFile(path, []byte(text), 0o644))
	return path
}

func open(t testing.TB, text string) *Source {
	t.Helper()
	s, err := Open(Config{Path: write(t, text), Location: time.UTC})
	require.NoError(t, err)
	t.Cleanup(func() { s.Close() })
	return s
}

func span(from, to float64) energy.Span { return energy.Span{Start: instant(from), End: instant(to)} }

func measure(t testing.TB, text string, from, to float64) energy.Measurement {
	t.Helper()
	return energy.MeasurePast(t.Context(), open(t, text), span(from, to))
}

func joules(m energy.Measurement) (list []float64) {
	for _, d := range m.Devices {
		list = append(list, d.Energy.Joules)
	}
	return list
}

func TestX7TrapezoidIrregular(t *testing.T) {
	pairs := []float64{-1, 100, 1, 140, 3.5, 190, 6, 240, 8.5, 290, 11, 340}
	m := measure(t, nvidiaLog(series(0, 0, pairs...), series(1, 100, pairs...)), 0, 10)
	require.True(t, m.Valid, "%v", m.Reasons)
	assert.InEpsilon(t, 2200, m.Devices[0].Energy.Joules, 1e-9)
	assert.InEpsilon(t, 3200, m.Devices[1].Energy.Joules, 1e-9)
	assert.InEpsilon(t, 5400, m.Energy.Joules, 1e-9)
	assert.InEpsilon(t, 540, m.Watts, 1e-9)
}

func TestX5SumsOverGPUs(t *testing.T) {
	m := measure(t, nvidiaLog(constant(0, -1, 11, 500), constant(1, -1, 11, 300)), 0, 10)
	require.True(t, m.Valid, "%v", m.Reasons)
	assert.InDeltaSlice(t, []float64{5000, 3000}, joules(m), 1e-6)
	assert.InEpsilon(t, 800, m.Watts, 1e-9)
}
