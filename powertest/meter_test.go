package powertest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/joulebench/joulebench/powertest/energy"
	"github.com/joulebench/joulebench/simsource"
)

// metered runs a test with a meter of a simulation, on a fake clock.
func metered(t *testing.T, cfg simsource.Config, test func(t *testing.T, m *Meter, sim *simsource.Source)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		sim := simsource.New(cfg)
		m := newMeter(t, From(sim))
		test(t, m, sim)
		require.NoError(t, m.Close())
		require.NoError(t, m.Close(), "again")
		time.Sleep(time.Minute) // for goroutines that outlive the meter
	})
}

// newMeter returns a meter that is closed when the test ends.
func newMeter(t *testing.T, opts ...Option) *Meter {
	t.Helper()
	m, err := NewMeter(t.Context(), opts...)
	require.NoError(t, err)
	t.Cleanup(func() { m.Close() })
	return m
}

// stop stops the window and returns its report, which must be free of complaint.
func stop(t *testing.T, w *Window) Report {
	t.Helper()
	r, err := w.Stop(t.Context())
	require.NoError(t, err)
	return r
}

// A lacking source reports nothing of one of its GPUs.
type lacking struct{ *simsource.Source }

func (lacking) LeftOut() []energy.LeftOut {
	return []energy.LeftOut{{UUID: "GPU-dead", Index: 7, Name: "H200", Why: "it reports neither energy nor power"}}
}

// TestMeterSaysWhatIsLeftOut: in the log once, and in each report.
func TestMeterSaysWhatIsLeftOut(t *testing.T) {
	process.logged.Delete("left out simulated") // of a test before
	var said bytes.Buffer
	defer log.SetOutput(log.Writer())
	log.SetOutput(&said)
	synctest.Test(t, func(t *testing.T) {
		src := lacking{simsource.New(simsource.Config{})}
		for range 2 {
			m := newMeter(t, From(src))
			w := m.Start("BenchmarkServe")
			time.Sleep(3 * time.Second)
			r := stop(t, w)
			assert.Equal(t, src.LeftOut(), r.Measurement.LeftOut)
			assert.Contains(t, r.String(), "; not measured: GPU 7 (H200, GPU-dead): it reports neither energy nor power")
			var record bytes.Buffer
			require.NoError(t, r.WriteBenchmark(&record))
			assert.Contains(t, record.String(), "gpus: 1 of 2\n")
			require.NoError(t, m.Close())
		}
	})
	assert.Equal(t, 1, strings.Count(said.String(), "1 of 2 GPUs are not measured: GPU 7 (H200, GPU-dead)"), said.String())
}

// TestMeterNet: a window that follows a load waits until the load has died away.
func TestMeterNet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sim := simsource.New(simsource.Config{Tail: 60 * time.Millisecond})
		m, err := NewMeter(t.Context(), From(sim), Net())
		require.NoError(t, err)
		defer m.Close()
		for range 3 {
			began := time.Now()
			w := m.Start("BenchmarkServe")
			assert.Less(t, time.Since(began), 1500*time.Millisecond)
			done := sim.Busy()
			time.Sleep(time.Second)
			inner := m.Start("BenchmarkInner")
			time.Sleep(time.Second)
			done()
			w.AddOps(1)
			r, part := stop(t, w), stop(t, inner)

			watts, ok := r.Value("idle-W")
			require.True(t, ok)
			assert.InEpsilon(t, 100, watts, 0.03)
			net, _ := r.Value("net-J/op")
			percent, ok := r.Value("net-err-%")
			require.True(t, ok)
			assert.InEpsilon(t, 1200, net, percent/100)
			_, ok = part.Value("idle-W")
			assert.False(t, ok, "another window is open: nobody knows")
		}
	})
}

// requireTrue requires the true energy to lie in the report's interval, and the
// point to be within a share of it.
func requireTrue(t *testing.T, sim *simsource.Source, r Report, share float64) {
	t.Helper()
	require.True(t, r.Valid(), "%v", r)
	m := r.Measurement
	truth := sim.TrueJoules(m.Start, m.End)
	assert.LessOrEqual(t, m.Energy.Low, truth, r.Name)
	assert.GreaterOrEqual(t, m.Energy.High, truth, r.Name)
	assert.InEpsilon(t, truth, m.Energy.Joules, share, r.Name)
}

func requireValue(t *testing.T, want float64, r Report, unit string) {
	t.Helper()
	got, ok := r.Value(unit)
	require.True(t, ok, "there is no %s", unit)
	assert.InEpsilon(t, want, got, 1e-9, unit)
}

// TestMeter: a load of 2 GPUs, with everything that can be known of it.
func TestMeter(t *testing.T) {
	metered(t, simsource.Config{GPUs: 2}, func(t *testing.T, m *Meter, sim *simsource.Source) {
		w := m.Start("BenchmarkServe/users=4")
		w.SetConcurrency(4)
		done := sim.Busy(0)
		for range 100 {
			time.Sleep(50 * time.Millisecond)
			w.AddTokens(70, 20)
			w.AddRequests(1)
			w.AddLatency(200 * time.Millisecond)
			w.Accept(20)
		}
		done()
		w.Reject()
		r := stop(t, w)
		requireTrue(t, sim, r, 0.01)
		assert.Equal(t, 5*time.Second, r.Measurement.Duration)
		assert.Equal(t, [2]int{2, 2}, [2]int{r.GPUs, r.ExpectedGPUs})
		assert.Equal(t, "simulated", r.Source)
		assert.Equal(t, "simulated", m.Source())
		joules := r.Measurement.Energy.Joules
		assert.InEpsilon(t, 4000, joules, 0.01, "700 W and 100 W for 5 s")
		for unit, want := range map[string]float64{
			"J/op": joules / 100, "J/req": joules / 100, "J/user": joules / 4, "W": joules / 5, "W/gpu": joules / 10,
			"tokens/J": 2000 / joules, "J/token": joules / 2000, "J/prompt-token": joules / 7000, "J/total-token": joules / 9000,
			"tokens/s": 400, "goodput-tokens/J": 2000 / joules, "J*s/req": joules / 100 * 0.2,
		} {
			requireValue(t, want, r, unit)
		}
		assert.EqualValues(t, 1, r.Work.Rejected)
		again, err := w.Stop(t.Context())
		require.NoError(t, err)
		assert.Equal(t, r, again, "the same again")
		assert.Contains(t, r.String(), "on 2 of 2 GPUs in 5s")
	})
}

// TestMeterWindowsOverlapAndNest: each has its own energy and work, whatever others
// there are.
func TestMeterWindowsOverlapAndNest(t *testing.T) {
	metered(t, simsource.Config{Ramp: 5 * time.Millisecond}, func(t *testing.T, m *Meter, sim *simsource.Source) {
		outer := m.Start("outer")
		time.Sleep(time.Second)
		inner := m.Start("inner")
		done := sim.Busy()
		time.Sleep(time.Second)
		late := m.Start("late")
		time.Sleep(time.Second)
		inner.AddTokens(0, 10)
		in := stop(t, inner)
		done()
		time.Sleep(time.Second)
		outer.AddTokens(0, 30)
		for _, r := range []Report{in, stop(t, outer), stop(t, late)} {
			requireTrue(t, sim, r, 0.02)
		}
		assert.EqualValues(t, 10, in.Work.OutputTokens)
	})
}

// TestMeterFromManyGoroutines: windows, phases and work of one meter, all at once.
func TestMeterFromManyGoroutines(t *testing.T) {
	metered(t, simsource.Config{GPUs: 3}, func(t *testing.T, m *Meter, sim *simsource.Source) {
		defer sim.Busy()()
		shared := m.Start("shared")
		var wg sync.WaitGroup
		for i := range 16 {
			wg.Go(func() {
				time.Sleep(time.Duration(i) * 13 * time.Millisecond)
				own := m.Start(fmt.Sprint("own", i))
				for range 100 {
					end := shared.Phase("decode")
					time.Sleep(10 * time.Millisecond)
					shared.AddTokens(1, 2)
					shared.FirstToken()
					own.AddTokens(1, 2)
					end()
				}
				r, err := own.Stop(context.Background())
				assert.NoError(t, err)
				assert.EqualValues(t, 200, r.Work.OutputTokens)
				assert.True(t, r.Valid(), "%v", r)
			})
		}
		wg.Wait()
		r := stop(t, shared)
		assert.EqualValues(t, 3200, r.Work.OutputTokens)
		requireTrue(t, sim, r, 0.02)
		require.Len(t, r.Phases, 1)
		assert.Equal(t, "time-sliced", r.Phases[0].Attribution)
	})
}

// TestMeterSettles: Stop waits for no more than three refresh periods, and not
// beyond its context; then it says what it got.
func TestMeterSettles(t *testing.T) {
	metered(t, simsource.Config{GPUs: 8}, func(t *testing.T, m *Meter, sim *simsource.Source) {
		w := m.Start("a")
		done := sim.Busy()
		time.Sleep(2050 * time.Millisecond)
		done()
		began := time.Now()
		requireTrue(t, sim, stop(t, w), 0.02)
		assert.LessOrEqual(t, time.Since(began), 300*time.Millisecond)

		w = m.Start("b")
		done = sim.Busy()
		time.Sleep(2050 * time.Millisecond)
		done()
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
		defer cancel()
		began = time.Now()
		r, err := w.Stop(ctx)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		assert.ErrorContains(t, err, "measured with what the source had shown 10ms after the end")
		assert.LessOrEqual(t, time.Since(began), 11*time.Millisecond)
		if !r.Valid() {
			assert.NotEmpty(t, r.Reasons)
		} else {
			requireTrue(t, sim, r, 0.1)
		}
	})
}

// TestMeterInterrupted: whoever presses Ctrl-C keeps what was measured, and gets
// what is known of the window that was under way.
func TestMeterInterrupted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sim := simsource.New(simsource.Config{})
		ctx, interrupt := context.WithCancel(t.Context())
		m, err := NewMeter(ctx, From(sim))
		require.NoError(t, err)
		first := m.Start("first")
		time.Sleep(time.Second)
		before := stop(t, first)
		second := m.Start("second")
		defer sim.Busy()()
		time.Sleep(3 * time.Second)
		interrupt()
		r, err := second.Stop(ctx)
		require.ErrorIs(t, err, context.Canceled)
		assert.Equal(t, 3*time.Second, r.Work.Elapsed)
		assert.True(t, r.Valid() || len(r.Reasons) > 0)
		third := m.Start("third")
		require.NoError(t, m.Close())
		r, err = third.Stop(t.Context())
		require.ErrorIs(t, err, ErrClosed)
		assert.False(t, r.Valid(), "the meter was closed")
		assert.Equal(t, "simulated", r.Source)
		_, err = m.Start("after").Stop(t.Context())
		require.ErrorIs(t, err, ErrClosed)
		requireTrue(t, sim, before, 0.02)
	})
}

// TestMeterOfNothing: without an instrument the work is counted all the same, and
// there is no trace of energy.
func TestMeterOfNothing(t *testing.T) {
	t.Setenv("POWERTEST_SOURCE", "off")
	t.Setenv("POWERTEST_STRICT", "1")
	off, err := NewMeter(t.Context())
	require.NoError(t, err)
	for name, m := range map[string]*Meter{"off": off, "nil": nil} {
		synctest.Test(t, func(t *testing.T) {
			w := m.Start("a", SteadyState(1))
			for range 4 {
				time.Sleep(time.Second)
				w.Phase("prefill")()
				w.FirstToken()
				w.AddTokens(1, 10)
			}
			r := stop(t, w)
			assert.Equal(t, []Metric{{"tokens/s", 10}}, r.Metrics, name)
			assert.Nil(t, r.Measurement, name)
			assert.Empty(t, r.Phases, name)
			assert.Contains(t, r.String(), "nothing was measured")
		})
		require.NoError(t, m.Close())
		assert.NoError(t, m.FallbackReason())
		assert.Empty(t, m.Source())
	}
}

// TestNewMeterSaysWhatIsMissing in errors that can be told apart.
func TestNewMeterSaysWhatIsMissing(t *testing.T) {
	t.Setenv("POWERTEST_SOURCE", "nvml=/no/such/libnvidia-ml.so.1")
	_, err := NewMeter(t.Context())
	require.Error(t, err)
	assert.True(t, errors.Is(err, os.ErrNotExist) || errors.Is(err, errors.ErrUnsupported), "%v", err)
	t.Setenv("POWERTEST_SOURCE", "smoke")
	_, err = NewMeter(t.Context())
	assert.ErrorContains(t, err, "is not a source that is known")
	assert.ErrorIs(t, err, energy.ErrMalformed)
	t.Setenv("POWERTEST_SOURCE", "")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = NewMeter(ctx, From(simsource.New(simsource.Config{})))
	assert.ErrorIs(t, err, context.Canceled)
}

// TestMeterStrict: who insists on joules gets an error where there are none, and
// the report all the same.
func TestMeterStrict(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("POWERTEST_STRICT", "1")
	t.Setenv("POWERTEST_TRACE", dir)
	metered(t, simsource.Config{}, func(t *testing.T, m *Meter, sim *simsource.Source) {
		w := m.Start("tiny")
		time.Sleep(time.Millisecond)
		r, err := w.Stop(t.Context())
		require.ErrorIs(t, err, ErrWithheld)
		assert.ErrorContains(t, err, "window_too_short")
		assert.False(t, r.Valid())
	})
	files, err := filepath.Glob(filepath.Join(dir, "tiny-*.json"))
	require.NoError(t, err)
	assert.Len(t, files, 1, "the trace")
}
