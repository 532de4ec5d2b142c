package energy_test

import (
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/joulebench/joulebench/powertest/energy"
	"github.com/joulebench/joulebench/powertest/energy/energytest"
	"github.com/joulebench/joulebench/simsource"
)

// remote shows a simulation as a source that is far away: its GPUs are behind
// endpoints, two by two, and it does not know its refresh period.
type remote struct {
	*simsource.Source
	devices []energy.Device

	mu    sync.Mutex
	reads []read
	fail  error
	gauge bool
	still bool // the counters show what they did, which is in shown
	shown []energy.Reading
}

// read is one call of Read.
type read struct {
	at      time.Time
	devices []int
}

func newRemote(gpus int, period time.Duration) *remote {
	r := &remote{Source: simsource.New(simsource.Config{
		GPUs: gpus, Gauge: simsource.WithGauge, Idle: 100, Peak: 700, Ramp: -1, Tail: -1, Noise: -1, Jitter: -1, Period: period, Latency: 20 * time.Millisecond,
	})}
	for i, d := range r.Source.Devices() {
		d.Endpoint = fmt.Sprint("http://node", i/2)
		d.Role = [2]string{"prefill", "decode"}[i/2%2]
		d.Period = 0
		r.devices = append(r.devices, d)
	}
	r.shown = make([]energy.Reading, gpus)
	return r
}

func (r *remote) Info() energy.Info {
	return energy.Info{Name: "remote", Period: 30 * time.Second, Poll: 100 * time.Millisecond}
}

func (r *remote) Devices() []energy.Device { return r.devices }

func (r *remote) Read(dst []energy.Reading) {
	r.Source.Read(dst) // which sleeps: not under a lock
	r.mu.Lock()
	defer r.mu.Unlock()
	call := read{at: dst[0].Before}
	for _, d := range dst {
		call.devices = append(call.devices, d.Device)
	}
	r.reads = append(r.reads, call)
	for i := range dst {
		d := &dst[i]
		switch {
		case r.fail != nil:
			*d = energy.Reading{Device: d.Device, Before: d.Before, After: d.After, Err: r.fail}
		case r.gauge:
			d.HasJoules, d.Joules = false, 0
		case r.still && r.shown[d.Device].HasJoules:
			d.Joules = r.shown[d.Device].Joules
		default:
			r.shown[d.Device] = *d
		}
	}
}

// between returns how many reads began in a stretch of time.
func (r *remote) between(from, to time.Time) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	n := 0
	for _, c := range r.reads {
		if !c.at.Before(from) && c.at.Before(to) {
			n++
		}
	}
	return n
}

func TestRemotePeriodIsFound(t *testing.T) {
	for _, tt := range []struct {
		period, window time.Duration
		within         float64 // share of the energy
		edge           int     // calls
	}{
		{200 * time.Millisecond, 5 * time.Second, 0.02, 30},
		{time.Second, 5 * time.Second, 0.02, 30},
		{time.Second, time.Minute, 0.002, 30},
		{5 * time.Second, time.Minute, 0.01, 60},
		{30 * time.Second, 5 * time.Minute, 0.01, 100},
	} {
		t.Run(fmt.Sprintf("%v every %v", tt.window, tt.period), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				src := newRemote(1, tt.period)
				time.Sleep(tt.period * 4 / 10)
				began := time.Now()
				m := measure(t, src, func() {
					defer src.Busy()()
					time.Sleep(tt.window)
				})
				require.True(t, m.Valid, "%v", m.Reasons)
				truth := src.TrueJoules(m.Start, m.End)
				assert.InEpsilon(t, truth, m.Energy.Joules, tt.within)
				assert.LessOrEqual(t, m.Energy.Low, truth)
				assert.GreaterOrEqual(t, m.Energy.High, truth)
				if tt.period >= time.Second { // shorter ones can't be told at this rate
					assert.InEpsilon(t, tt.period, m.Devices[0].Period, 0.05)
				}
				lead, settle := src.between(began, m.Start), src.between(m.End, time.Now())
				t.Logf("±%.2f %%, %v before, %v after, %d calls before, %d during, %d after", m.Energy.ErrPercent(),
					m.Start.Sub(began).Round(time.Millisecond), m.Waited, lead, src.between(m.Start, m.End), settle)
				assert.LessOrEqual(t, lead, tt.edge)
				assert.LessOrEqual(t, settle, tt.edge)
				assert.LessOrEqual(t, float64(src.between(m.Start, m.End)), 30+10*tt.window.Seconds())
				assert.LessOrEqual(t, m.Waited, 3*tt.period+tt.period/2)
			})
		})
	}
}

// A counter that stands still from the start is told from one that is slow.
func TestRemoteNeverTicks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		src := newRemote(1, time.Second)
		began := time.Now()
		m := measure(t, energytest.Freeze(src, 1), func() { time.Sleep(time.Minute) })
		assert.True(t, m.Has(energy.CounterStale), "%v", m.Reasons)
		assert.Zero(t, m.Energy)
		assert.Less(t, m.Start.Sub(began), 100*time.Second)
		assert.Less(t, m.Waited, 100*time.Second)
	})
}

// What is too short for a slow counter is withheld, and is told what to do.
func TestRemoteWindowTooShort(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		src := newRemote(1, 30*time.Second)
		src.devices[0].Hint = "start the exporter with -c 1000"
		m := measure(t, src, func() {
			defer src.Busy()()
			time.Sleep(time.Second)
		})
		require.True(t, m.Has(energy.WindowTooShort), "%v", m.Reasons)
		assert.Contains(t, m.Reasons[0].Detail, "measure for ")
		assert.Contains(t, m.Reasons[0].Detail, "or start the exporter with -c 1000")
	})
}

// Devices behind one endpoint are read by one call, always.
func TestDevicesOfAnEndpointAreReadTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		src := newRemote(4, time.Second)
		broken := energytest.Error(src, 2, 5, 4, energy.ErrNoAnswer) // its plans differ from its neighbour's
		measure(t, broken, func() { time.Sleep(10 * time.Second) })
		for _, c := range src.reads {
			assert.Contains(t, [][]int{{0, 1}, {2, 3}, {0, 1, 2, 3}}, c.devices)
		}
	})
}

func TestRemoteTrouble(t *testing.T) {
	trouble := func(t *testing.T, during, after error) energy.Measurement {
		var m energy.Measurement
		synctest.Test(t, func(t *testing.T) {
			src := newRemote(1, time.Second)
			set := func(err error) {
				src.mu.Lock()
				defer src.mu.Unlock()
				src.fail = err
			}
			m = measure(t, src, func() {
				time.Sleep(10 * time.Second)
				set(during)
				time.Sleep(10 * time.Second)
				set(after)
			})
		})
		return m
	}
	noAnswer := fmt.Errorf("get http://node0/metrics: connection refused: %w", energy.ErrNoAnswer)
	gone := fmt.Errorf("no row of the GPU: %w", energy.ErrNoDevice)

	m := trouble(t, noAnswer, nil)
	assert.True(t, m.Valid, "the counter goes on counting while nobody reads it: %v", m.Reasons)
	m = trouble(t, gone, nil)
	assert.True(t, m.Valid, "rows come and go: %v", m.Reasons)
	m = trouble(t, nil, noAnswer)
	assert.True(t, m.Has(energy.SourceStalled), "%v", m.Reasons)
	assert.ErrorContains(t, fmt.Errorf("%v", m.Reasons[0]), "connection refused")
	m = trouble(t, noAnswer, noAnswer)
	assert.True(t, m.Has(energy.SourceStalled), "%v", m.Reasons)
	m = trouble(t, nil, gone)
	assert.True(t, m.Has(energy.DeviceLost), "%v", m.Reasons)
	m = trouble(t, nil, fmt.Errorf("something else"))
	assert.True(t, m.Has(energy.BenchmarkWindowNotBracketed), "%v", m.Reasons)
}

// A power gauge that is far away is read closely enough for its own period.
func TestRemoteGauge(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		src := newRemote(1, time.Second)
		src.gauge = true
		src.devices[0].Method = energy.Gauge
		defer src.BusyLoad(0.1)()
		m := measure(t, src, func() {
			for i := range 20 { // so that many refreshes show another power
				done := src.BusyLoad(0.2 + 0.1*float64(i%4))
				time.Sleep(4370 * time.Millisecond)
				done()
			}
		})
		require.True(t, m.Valid, "%v", m.Reasons)
		truth := src.TrueJoules(m.Start, m.End)
		assert.LessOrEqual(t, m.Energy.Low, truth)
		assert.GreaterOrEqual(t, m.Energy.High, truth)
		assert.InEpsilon(t, truth, m.Energy.Joules, 0.05)
		assert.Less(t, m.Waited, 5*time.Second)
	})
}

func TestRoles(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		src := newRemote(4, time.Second)
		m := measure(t, src, func() {
			defer src.Busy(0, 1)()
			time.Sleep(20 * time.Second)
		})
		require.True(t, m.Valid, "%v", m.Reasons)
		require.Len(t, m.Roles, 2)
		decode, prefill := m.Roles[0], m.Roles[1]
		assert.Equal(t, []any{"decode", 2, "prefill", 2}, []any{decode.Role, decode.Devices, prefill.Role, prefill.Devices})
		assert.InEpsilon(t, src.TrueJoules(m.Start, m.End, 0, 1), prefill.Energy.Joules, 0.01)
		assert.InEpsilon(t, src.TrueJoules(m.Start, m.End, 2, 3), decode.Energy.Joules, 0.01)
		assert.InEpsilon(t, 200, decode.Watts, 0.01)
		assert.InEpsilon(t, m.Energy.Joules, prefill.Energy.Joules+decode.Energy.Joules, 1e-9)

		m = measure(t, energytest.Error(src, 3, 1, 1<<30, energy.ErrNoDevice), func() { time.Sleep(10 * time.Second) })
		assert.False(t, m.Valid)
		assert.False(t, m.Roles[0].Valid, "one of its devices has no number")
		assert.Zero(t, m.Roles[0].Energy)
		assert.True(t, m.Roles[1].Valid)
	})
}

// An outage of a gauge loses what happened in it: there is no counter that goes
// on.
func TestRemoteGaugeOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		src := newRemote(1, time.Second)
		src.gauge = true
		src.devices[0].Method = energy.Gauge
		jiggle := func(d time.Duration) {
			for i := range int(d / time.Second) {
				done := src.BusyLoad(0.1 + 0.02*float64(i%2))
				time.Sleep(time.Second)
				done()
			}
		}
		set := func(err error) {
			src.mu.Lock()
			defer src.mu.Unlock()
			src.fail = err
		}
		m := measure(t, src, func() {
			jiggle(20 * time.Second)
			set(energy.ErrNoAnswer)
			time.Sleep(50 * time.Second)
			defer src.Busy()()
			time.Sleep(50 * time.Second)
			set(nil)
			jiggle(20 * time.Second)
		})
		assert.True(t, m.Has(energy.SamplingGapExceeded), "%v", m.Reasons)
		assert.Zero(t, m.Energy)
	})
}
