package dcgmsource

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/joulebench/joulebench/powertest/energy"
)

// Each step sets what the exporters "a" and "b" show of the GPU, in
// millijoules; down means that the exporter fails.
const down = -1

type step struct {
	a, b int
	want float64 // joules; down if there must be an error
}

func play(t *testing.T, steps []step) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		show := func(e *exporter, v int) {
			if v == down {
				e.fail(500)
			} else {
				e.set(gpuPage("GPU-0", v))
			}
		}
		a, b := &exporter{}, &exporter{}
		show(a, steps[0].a)
		show(b, steps[0].b)
		s := opened(t, a, b)
		defer s.Close()
		for i, st := range steps {
			show(a, st.a)
			show(b, st.b)
			for again := range 2 { // a page that has not changed says the same
				r := readAll(s)[0]
				if st.want == down {
					require.Error(t, r.Err, "step %d", i)
				} else {
					require.NoError(t, r.Err, "step %d", i)
					require.Equal(t, st.want, r.Joules, "step %d, read %d", i, again)
				}
				time.Sleep(time.Second)
			}
		}
	})
}

func TestTheNewestValueOfAGPUIsItsGreatest(t *testing.T) {
	play(t, []step{{1000, 2000, 2}, {3000, 2000, 3}, {3000, 4000, 4}})
}

func TestAStalerEndpointTakingOverIsNoReset(t *testing.T) {
	play(t, []step{{9000, 5000, 9}, {down, 5000, 9}, {down, 8000, 9}, {down, down, down}, {down, 10000, 10}, {11000, 10000, 11}})
}

func TestAResetShows(t *testing.T) {
	t.Run("both at once", func(t *testing.T) { play(t, []step{{9000, 5000, 9}, {100, 200, .2}, {300, 250, .3}}) })
	t.Run("the other is down", func(t *testing.T) {
		play(t, []step{{9000, 9500, 9.5}, {100, down, .1}, {200, down, .2}, {300, 350, .35}})
	})
	t.Run("the other is behind", func(t *testing.T) {
		play(t, []step{{5000, 4900, 5}, {100, 4900, .1}, {200, 4900, .2}, {300, 150, .3}, {400, 450, .45}})
	})
	t.Run("the other is far behind", func(t *testing.T) {
		// Its value from before the reset never looks small, and never counts.
		play(t, []step{{5000, 4900, 5}, {100, 4900, .1}, {6000, 4900, 6}, {6100, 6200, 6.2}})
	})
	t.Run("twice", func(t *testing.T) {
		play(t, []step{{5000, 5000, 5}, {100, 110, .11}, {50, 60, .06}, {70, 60, .07}})
	})
	t.Run("then the one that showed it fails", func(t *testing.T) {
		play(t, []step{{5000, 5000, 5}, {100, 5000, .1}, {down, 5000, .1}, {down, 300, .3}})
	})
}

func TestTheTimesAreThoseOfTheValue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := &exporter{body: gpuPage("GPU-0", 1000)}, &exporter{body: gpuPage("GPU-0", 2000)}
		s := opened(t, a, b)
		defer s.Close()
		a.slow(50 * time.Millisecond)
		b.slow(100 * time.Millisecond)
		start := time.Now()
		r := readAll(s)[0]
		assert.Equal(t, 2.0, joules(t, r))
		assert.Equal(t, start.Add(100*time.Millisecond), r.After)
		a.set(gpuPage("GPU-0", 3000))
		start = time.Now()
		r = readAll(s)[0]
		assert.Equal(t, 3.0, joules(t, r))
		assert.Equal(t, start.Add(50*time.Millisecond), r.After)
	})
}

func TestTheTimesOfAGaugeAreThoseOfItsRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const page = "DCGM_FI_DEV_POWER_USAGE{UUID=\"GPU-0\"} %d\n"
		a, b := &exporter{body: fmt.Sprintf(page, 100)}, &exporter{body: fmt.Sprintf(page, 200)}
		s := opened(t, a, b)
		defer s.Close()
		a.slow(50 * time.Millisecond)
		b.slow(100 * time.Millisecond)
		read := func(watts float64, took time.Duration) {
			t.Helper()
			start := time.Now()
			r := readAll(s)[0]
			require.NoError(t, r.Err)
			assert.Equal(t, energy.Reading{Before: start, After: start.Add(took), Watts: watts, HasWatts: true}, r)
		}
		read(100, 50*time.Millisecond)
		a.fail(500)
		read(200, 100*time.Millisecond)
	})
}

func TestTheTimeOfReadingsDoesNotGoBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := &exporter{body: gpuPage("GPU-0", 1000)}, &exporter{body: gpuPage("GPU-0", 2000)}
		s := opened(t, a, b)
		defer s.Close()
		b.slow(299 * time.Millisecond)
		last := time.Time{}
		for range 20 {
			r := readAll(s)[0]
			require.NoError(t, r.Err)
			require.False(t, r.After.Before(last))
			require.False(t, r.After.Before(r.Before))
			last = r.After
			a.set(gpuPage("GPU-0", int(joules(t, r)*1000)+1)) // from now on a is ahead, and its answer is older
		}
	})
}

func TestAnAnswerThatWaitedDoesNotGoBack(t *testing.T) {
	s := opened(t, &exporter{body: gpuPage("GPU-0", 1000)})
	defer s.Close()
	later := time.Now().Add(time.Minute)
	s.meters[0].after = later
	r := readAll(s)[0]
	require.NoError(t, r.Err)
	assert.Equal(t, later, r.After)
	assert.True(t, r.Before.Before(later))
}
