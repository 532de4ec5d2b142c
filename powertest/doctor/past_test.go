package doctor

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/joulebench/joulebench/powertest/energy"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A pastSource is a server that remembers two counters of 100 W and knows everything
// that a source can know.
type pastSource struct {
	*energy.Replay
	newest time.Time
	err    error // of reading the newest samples
}

// remember returns one that has scraped every second for a while, and not for as long
// as silent.
func remember(silent time.Duration) *pastSource {
	const seconds = 60
	r := energy.Recording{Source: energy.Info{Name: "server", Period: time.Second}, Base: time.Now().Add(-seconds*time.Second - silent)}
	for i := range 2 {
		d := energy.DeviceRecording{Device: energy.Device{UUID: fmt.Sprintf("GPU-%d", i), Index: i, Method: energy.Counter, Rows: i + 1}}
		for k := range seconds + 1 {
			at := float64(k) * 1e9
			d.Ticks = append(d.Ticks, [3]float64{at - 1e9, at, 100 * float64(k)})
		}
		r.Devices = append(r.Devices, d)
	}
	replay, err := energy.NewReplay(r)
	if err != nil {
		panic(err)
	}
	return &pastSource{Replay: replay, newest: time.Now().Add(-silent)}
}

func (s *pastSource) Read(dst []energy.Reading) {
	for i := range dst {
		dst[i] = energy.Reading{Device: dst[i].Device, Before: s.newest, After: s.newest, Joules: 6000, HasJoules: true, Err: s.err}
	}
}

func (s *pastSource) Modes(device int) (persistence, mig *bool) { return ptr(true), ptr(device == 1) }
func (s *pastSource) Collapsed() int                            { return 1 }
func (s *pastSource) Scraping() (interval, ahead, within time.Duration) {
	return time.Second, -time.Millisecond, 5 * time.Millisecond
}

func examinePast(t *testing.T, silent time.Duration, err error, o Options) *examined {
	t.Helper()
	x := &examined{}
	synctest.Test(t, func(t *testing.T) {
		src := remember(silent)
		src.err = err
		x.run(t, t.Context(), src, o)
	})
	return x
}

// TestPast: of a source that knows the past, what it remembers is looked at.
func TestPast(t *testing.T) {
	t.Parallel()
	v := examinePast(t, time.Second/2, nil, Options{Load: "true"})
	require.True(t, v.Measurable, v.Verdict)
	assert.Zero(t, v.took, "nothing is waited for")
	assert.True(t, v.Watch.Past)
	assert.Equal(t, 1, v.Watch.Reads)
	assert.Equal(t, 19*time.Second, v.Watch.For)
	for i, g := range v.GPUs {
		assert.Equal(t, ptr(time.Second), g.Period)
		assert.Equal(t, ptr(time.Second), g.Within)
		assert.Equal(t, ptr(time.Second/2), g.Age)
		assert.Equal(t, ptr(100.0), g.Watts)
		assert.Nil(t, g.CallP50, "how long the server takes is not how old its samples are")
		assert.Equal(t, ptr(true), g.Persistence)
		assert.Equal(t, ptr(i == 1), g.MIG)
		assert.Zero(t, g.Failed)
	}
	assert.Equal(t, &Server{Scrape: ptr(time.Second), Offset: ptr(-time.Millisecond), Within: ptr(5 * time.Millisecond), Collapsed: 1}, v.Server)
	require.NotNil(t, v.Benchtime.Recommended)
	assert.NotNil(t, v.Windows[2].Seen)
	assert.NotNil(t, v.Windows[2].Load)
	for _, want := range []string{
		"looked at 19s from ", "the newest samples are up to 500ms old", "scraped every 1s; its clock is behind this machine's by 1 ms ± 5 ms",
		"rows left out because their GPU was already counted: 1", "-load was not run: this source is asked for the past",
	} {
		assert.Contains(t, v.text, want)
	}
}

// TestPastWithoutNow: what has ended, or does not answer now, can't measure what is to
// come.
func TestPastWithoutNow(t *testing.T) {
	t.Parallel()
	v := examinePast(t, time.Hour, nil, Options{})
	assert.Contains(t, v.Verdict, "joules can't be measured of 2 of 2 GPUs by server: telemetry_ended: the newest reading is 1h0m old, and readings came every 1s")
	assert.Nil(t, v.Benchtime.Recommended)

	v = examinePast(t, time.Second, fmt.Errorf("it is scraped no more: %w", energy.ErrNoDevice), Options{})
	assert.Contains(t, v.Verdict, "device_lost: 1 of 61 readings failed, and so did the newest: it is scraped no more")
	assert.Equal(t, 1, v.GPUs[0].Failed)
	assert.Nil(t, v.GPUs[0].Age)
}
