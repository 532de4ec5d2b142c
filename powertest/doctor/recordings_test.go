package doctor

import (
	"flag"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/joulebench/joulebench/powertest/doctor/internal/meter"
	"github.com/joulebench/joulebench/powertest/energy"
	"github.com/joulebench/joulebench/powertest/profile"
	_ "github.com/joulebench/joulebench/smisource"
)

var recordings = flag.String("recordings", "", "directory of recordings of real boards: in each of its folders the log nvidia-smi.csv, and truth.csv, joules by an external meter")

// halved is the first half of a recording's meter, in files of its own, with the log.
type halved struct {
	log, first string // the whole log, and what the meter showed in the first half
	truth      meter.Series
	middle     float64
}

// halve divides a recording.
func halve(t *testing.T, dir string) halved {
	t.Helper()
	h := halved{log: filepath.Join(dir, "nvidia-smi.csv"), first: filepath.Join(t.TempDir(), "truth.csv")}
	text, err := os.ReadFile(filepath.Join(dir, "truth.csv"))
	require.NoError(t, err)
	h.truth, err = meter.Parse(strings.NewReader(string(text)))
	require.NoError(t, err)
	h.middle = (h.truth.Start() + h.truth.End()) / 2
	lines := strings.SplitAfter(string(text), "\n")
	require.NoError(t, os.WriteFile(h.first, []byte(strings.Join(lines[:len(lines)/2], "")), 0o644))
	return h
}

// joules is the energy by the meter from one time to another.
func (h halved) joules(from, to float64) (sum float64) {
	for _, x := range h.truth {
		if a, b := max(from, x.From), min(to, x.To); a < b {
			sum += x.Watts * (b - a)
		}
	}
	return sum
}

// TestRecordings calibrates real boards by the first half of what was recorded of them, two
// levels of power, and holds the raw joules of the second half against the meter.
func TestRecordings(t *testing.T) {
	if *recordings == "" {
		t.Skip("-recordings DIR")
	}
	dirs, err := filepath.Glob(filepath.Join(*recordings, "*", "truth.csv"))
	require.NoError(t, err)
	require.NotEmpty(t, dirs)
	for _, file := range dirs {
		t.Run(filepath.Base(filepath.Dir(file)), func(t *testing.T) {
			h := halve(t, filepath.Dir(file))
			open := func() energy.Source {
				src, err := energy.Open("smi", h.log+"?tz=+0100", nil) // where they were made
				require.NoError(t, err)
				t.Cleanup(func() { src.Close() })
				return src
			}
			r, err := Examine(t.Context(), open(), Options{Meter: h.first, Profile: profile.Off})
			require.NoError(t, err)
			require.NotNil(t, r.Meter.Comparison, r.Meter.Reason)
			path := filepath.Join(t.TempDir(), "gpu.json")
			require.NoError(t, r.Profile().WriteFile(path))
			rec := energy.NewRecorder(open())
			_, err = profile.Apply(path, rec)
			require.NoError(t, err)
			c := r.Meter.Comparison
			t.Logf("gain %.4f ± %.4f, offset %.1f W ± %.1f W, %d levels", c.Gain, 2*c.GainSD, c.Offset, 2*c.OffsetSD, len(c.Levels))
			for _, length := range []float64{1, 2, 5} {
				h.hold(t, rec, length)
			}
		})
	}
}

// hold measures windows of a length in the second half.
func (h halved) hold(t *testing.T, rec *energy.Recorder, length float64) {
	const windows = 100
	random := rand.New(rand.NewPCG(1, 2))
	var errs, halves []float64
	inside := 0
	for range windows {
		from := h.middle + random.Float64()*(h.truth.End()-length-h.middle-0.2)
		start := time.Unix(0, int64(from*1e9))
		m, err := rec.MeasurePast(t.Context(), energy.Span{Start: start, End: start.Add(time.Duration(length * 1e9))})
		require.NoError(t, err)
		if !m.Valid {
			continue
		}
		truth := h.joules(from, from+length)
		errs, halves = append(errs, 100*math.Abs(m.Energy.Joules/truth-1)), append(halves, m.Energy.ErrPercent())
		if m.Energy.Low <= truth && truth <= m.Energy.High {
			inside++
		}
	}
	if len(errs) == 0 {
		t.Logf("%v s: all withheld", length)
		return
	}
	slices.Sort(errs)
	slices.Sort(halves)
	p95 := errs[len(errs)*95/100]
	t.Logf("%v s: %d of %d inside, p95 of the error %.2f %%, median half-width %.2f %%", length, inside, len(errs), p95, halves[len(halves)/2])
	assert.GreaterOrEqual(t, inside, len(errs)*95/100)
	if length == 5 {
		assert.LessOrEqual(t, p95, 1.5)
	}
}
