package smisource

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

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

func codes(found []energy.Finding) (list []energy.Reason) {
	for _, f := range found {
		list = append(list, f.Reason)
	}
	return list
}

func second(at int) string { return fmt.Sprint(base + at) }

// more appends to a log.
func more(t testing.TB, path, text string) {
	t.Helper()
	file, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	require.NoError(t, err)
	_, err = file.WriteString(text)
	require.NoError(t, err)
	require.NoError(t, file.Close())
}
