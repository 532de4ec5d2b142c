package smisource

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/joulebench/joulebench/internal/inputfile"
	"github.com/joulebench/joulebench/powertest/energy"
	"github.com/joulebench/joulebench/powertest/energy/energytest"
)

const heading = "timestamp, index, uuid, power.draw [W]\n"

// recorder writes a log of two GPUs, each second, as nvidia-smi does, until it is
// stopped.
type recorder struct {
	path   string
	watts  float64
	quit   chan struct{}
	ended  chan struct{}
	halves bool // writes each row in two
}

func startRecorder(t *testing.T, halves bool) *recorder {
	r := &recorder{path: write(t, heading), watts: 500, halves: halves}
	r.start(t)
	time.Sleep(3 * time.Second)
	return r
}

func (r *recorder) start(t *testing.T) {
	r.quit, r.ended = make(chan struct{}), make(chan struct{})
	go func() {
		defer close(r.ended)
		for {
			for gpu := range 2 {
				row := fmt.Sprintf("%s, %d, GPU-%d, %.2f W\n", time.Now().UTC().Format("2006/01/02 15:04:05.000"), gpu, gpu, r.watts)
				if r.halves {
					cut := len(row) - 5
					more(t, r.path, row[:cut])
					time.Sleep(70 * time.Millisecond)
					row = row[cut:]
				}
				more(t, r.path, row)
			}
			select {
			case <-time.After(time.Second):
			case <-r.quit:
				return
			}
		}
	}()
}

func (r *recorder) stop() {
	close(r.quit)
	<-r.ended
}

func (r *recorder) open(t *testing.T) *Source {
	s, err := Open(Config{Path: r.path, Location: time.UTC})
	require.NoError(t, err)
	t.Cleanup(func() { s.Close() })
	return s
}

// during measures what is done.
func during(ctx context.Context, s energy.Source, do func()) energy.Measurement {
	w := energy.NewRecorder(s).Open()
	w.Resume()
	do()
	w.Pause()
	return w.Measure(ctx)
}

func TestFollowed(t *testing.T) {
	for _, halves := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			r := startRecorder(t, halves)
			defer r.stop()
			time.Sleep(300 * time.Millisecond)
			m := during(t.Context(), r.open(t), func() { time.Sleep(20*time.Second + 100*time.Millisecond) })
			require.True(t, m.Valid, "%v", m.Reasons)
			assert.InEpsilon(t, 2*500*20.1, m.Energy.Joules, 1e-9)
			assert.Less(t, m.Waited, 1300*time.Millisecond, "it has what it needs with the next readings")
			assert.Greater(t, m.Waited, 100*time.Millisecond)
		})
	}
}

func TestFollowedLogEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := startRecorder(t, false)
		s := r.open(t)
		m := during(t.Context(), s, func() {
			time.Sleep(10*time.Second + 100*time.Millisecond)
			r.stop()
		})
		assert.True(t, m.Has(energy.BenchmarkWindowNotBracketed), "%v", m.Reasons)
		assert.InDelta(t, 6*time.Second, m.Waited, float64(300*time.Millisecond), "three readings and the longest gap")

		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		m = during(ctx, s, func() { time.Sleep(100 * time.Millisecond) })
		assert.False(t, m.Valid)
		assert.LessOrEqual(t, m.Waited, 1100*time.Millisecond)

		m = energy.MeasurePast(t.Context(), s, energy.Span{Start: time.Now().Add(time.Hour), End: time.Now().Add(2 * time.Hour)})
		assert.False(t, m.Valid)
		assert.LessOrEqual(t, m.Waited, 7*time.Second, "what is to come is not waited for")
	})
}

func TestRotated(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := startRecorder(t, false)
		s := r.open(t)
		rotate := func() {
			time.Sleep(10 * time.Second)
			s.Read(make([]energy.Reading, 1)) // which reads on
			r.stop()
			require.NoError(t, os.Rename(r.path, r.path+".1"))
			require.NoError(t, os.WriteFile(r.path, []byte(heading), 0o644))
			r.start(t)
			time.Sleep(10 * time.Second)
		}
		m := during(t.Context(), s, rotate)
		require.True(t, m.Valid, "%v", m.Reasons)
		assert.InEpsilon(t, 2*500*20, m.Energy.Joules, 1e-9)

		// Cut short, and silent for too long.
		m = during(t.Context(), s, func() {
			time.Sleep(10 * time.Second)
			s.Read(make([]energy.Reading, 1))
			r.stop()
			require.NoError(t, os.Truncate(r.path, 0))
			more(t, r.path, heading)
			time.Sleep(5 * time.Second)
			r.start(t)
			time.Sleep(10 * time.Second)
		})
		r.stop()
		assert.True(t, m.Has(energy.SamplingGapExceeded), "%v", m.Reasons)
		assert.True(t, m.Has(TelemetryFileReplaced), "%v", m.Reasons)
	})
}

// The row without an end of one file is not continued by the next.
func TestReplacedInsideARow(t *testing.T) {
	path := write(t, nvidiaLog(constant(0, -1, 4, 500))+nvidia(5)+", 0, 500.00 W, 6")
	s, err := Open(Config{Path: path, Location: time.UTC})
	require.NoError(t, err)
	defer s.Close()
	require.NoError(t, os.Rename(write(t, nvidiaLog(constant(0, 6, 11, 500))), path))
	m := energy.MeasurePast(t.Context(), s, span(0, 10))
	require.True(t, m.Valid, "%v", m.Reasons)
	assert.InEpsilon(t, 5000, m.Energy.Joules, 1e-9)
}

func TestFileGoes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := startRecorder(t, false)
		s := r.open(t)
		began := time.Now()
		time.Sleep(20 * time.Second)
		s.Read(make([]energy.Reading, 1))
		r.stop()
		require.NoError(t, os.Remove(r.path))
		m := energy.MeasurePast(t.Context(), s, energy.Span{Start: began, End: began.Add(10 * time.Second)})
		assert.True(t, m.Valid, "what was read is not lost: %v", m.Reasons)
		m = during(t.Context(), s, func() { time.Sleep(5 * time.Second) })
		assert.True(t, m.Has(energy.SourceStalled), "%v", m.Reasons)
		assert.Contains(t, fmt.Sprint(m.Reasons), TelemetryFileMissing)
	})
}

// A file that takes the place of another is not believed blindly.
func TestReplacedBySomethingElse(t *testing.T) {
	for _, text := range []string{
		"timestamp, index, uuid, total_energy_consumption\n2000/01/01 00:00:20.000, 0, GPU-0, 5000\n",
		"timestamp, index, uuid, temperature.gpu\n2000/01/01 00:00:20.000, 0, GPU-0, 50\n",
	} {
		synctest.Test(t, func(t *testing.T) {
			r := startRecorder(t, false)
			s := r.open(t)
			m := during(t.Context(), s, func() {
				time.Sleep(15 * time.Second)
				r.stop()
				require.NoError(t, os.Rename(write(t, text), r.path))
			})
			assert.True(t, m.Has(energy.SourceStalled), "%v", m.Reasons)
			assert.Contains(t, fmt.Sprint(m.Reasons), TelemetryFileReplaced)
			assert.Zero(t, m.Energy)
		})
	}
}

func TestOverlappingWindows(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := startRecorder(t, false)
		defer r.stop()
		rec := energy.NewRecorder(r.open(t))
		results := make(chan energy.Measurement)
		for i := range 4 {
			go func() {
				w := rec.Open()
				w.Resume()
				time.Sleep(time.Duration(10+i) * time.Second)
				results <- w.Measure(t.Context())
			}()
		}
		for range 4 {
			m := <-results
			assert.True(t, m.Valid, "%v", m.Reasons)
			assert.InEpsilon(t, 1000, m.Watts, 1e-9)
		}
	})
}

func TestConformance(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := startRecorder(t, false)
		defer r.stop()
		open := func(devices []string) (energy.Source, error) { return energy.Open("smi", r.path+"?tz=UTC", devices) }
		require.NoError(t, energytest.TestSource(func() (energy.Source, error) { return open(nil) },
			energytest.Allocs(20), energytest.ExpectWatts(499, 501), energytest.Opens(open)))
	})
}

func TestRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := startRecorder(t, false)
		s := r.open(t)
		time.Sleep(300 * time.Millisecond)
		r.stop()
		dst := []energy.Reading{{Device: 1}, {Device: 5}}
		s.Read(dst)
		assert.True(t, dst[0].HasWatts)
		assert.Equal(t, 500.0, dst[0].Watts)
		assert.InDelta(t, 300*time.Millisecond, time.Since(dst[0].Before), 1e6)
		assert.ErrorIs(t, dst[1].Err, energy.ErrNoDevice)
		require.NoError(t, s.Close())
		s.Read(dst)
		assert.ErrorIs(t, dst[0].Err, os.ErrClosed)
		_, err := s.ReadRange(t.Context(), []energy.Span{span(0, 1)}, nil)
		assert.ErrorIs(t, err, os.ErrClosed)
	})
}

func TestReadWholeSeconds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(5*time.Second + 200*time.Millisecond)
		s := open(t, fmt.Sprintf("timestamp,gpu,socket_power\n%d,0,238\n", time.Now().Unix()))
		dst := make([]energy.Reading, 1)
		s.Read(dst)
		assert.Equal(t, time.Now().UTC(), dst[0].After.UTC(), "a value is not of the future")
		assert.True(t, dst[0].Before.Before(dst[0].After))
	})
}

// A log that was written seldom is not waited for as long.
func TestSlowLog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		now := time.Now().Unix()
		s := open(t, fmt.Sprintf("timestamp,gpu,socket_power\n%d,0,238\n%d,0,238\n", now-7200, now-3600))
		m := during(t.Context(), s, func() { time.Sleep(time.Second) })
		assert.False(t, m.Valid)
		assert.LessOrEqual(t, m.Waited, 13*time.Second)
	})
}

// TestEndsWithContext: a large log is given up soon after the context ends, and no file
// but a regular one is opened.
func TestEndsWithContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	path := write(t, nvidiaLog(constant(0, 0, 3000, 500))) // of several chunks
	_, err := OpenContext(ctx, Config{Path: path})
	assert.ErrorIs(t, err, context.Canceled)
	for _, path := range []string{"/dev/zero", t.TempDir()} {
		_, err := Open(Config{Path: path})
		assert.ErrorIs(t, err, inputfile.ErrNotRegular)
		_, err = (&Source{}).snapshot(path, MissingStartSnapshot, UnparseableStartSnapshot)
		assert.ErrorIs(t, err, inputfile.ErrNotRegular)
	}
}

// TestCompressed: a log that gzip has compressed is read as it was.
func TestCompressed(t *testing.T) {
	zip := func(text string) []byte {
		var b bytes.Buffer
		w := gzip.NewWriter(&b)
		_, err := w.Write([]byte(text))
		require.NoError(t, errors.Join(err, w.Close()))
		return b.Bytes()
	}
	path := write(t, string(zip(nvidiaLog(constant(0, -1, 5, 500)))))
	s, err := Open(Config{Path: path, Location: time.UTC})
	require.NoError(t, err)
	defer s.Close()
	require.NoError(t, os.WriteFile(path, zip(nvidiaLog(constant(0, -1, 11, 500))), 0o644))
	m := energy.MeasurePast(t.Context(), s, span(0, 10))
	require.True(t, m.Valid, "%v", m.Reasons)
	assert.InEpsilon(t, 5000, m.Energy.Joules, 1e-9)
	broken := zip(nvidiaLog(constant(0, -1, 11, 500)))
	broken[len(broken)-6] ^= 1 // of the checksum
	_, err = Open(Config{Path: write(t, string(broken))})
	assert.Equal(t, []energy.Reason{TelemetryFileUnreadable}, reasons(t, err))
}
