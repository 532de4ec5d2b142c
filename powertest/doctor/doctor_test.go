package doctor

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"math"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/joulebench/joulebench/powertest/energy"
	"github.com/joulebench/joulebench/simsource"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A testSource is a simulation that stands for real GPUs, and that something may be
// wrong with.
type testSource struct {
	*simsource.Source
	// Nil leaves what the simulation has.
	device  func(*energy.Device)
	read    func(dst []energy.Reading)
	inspect func(*energy.State)
}

func (s *testSource) Info() energy.Info {
	return energy.Info{Name: "test", Period: s.Source.Info().Period}
}

func (s *testSource) Devices() []energy.Device {
	list := append([]energy.Device(nil), s.Source.Devices()...)
	for i := range list {
		if s.device != nil {
			s.device(&list[i])
		}
	}
	return list
}

func (s *testSource) Read(dst []energy.Reading) {
	s.Source.Read(dst)
	if s.read != nil {
		s.read(dst)
	}
}

func (s *testSource) Inspect(dst []energy.State) {
	s.Source.Inspect(dst)
	for i := range dst {
		if s.inspect != nil {
			s.inspect(&dst[i])
		}
	}
}

// An examined source is what came of examining one in a bubble.
type examined struct {
	Report
	text string
	took time.Duration
}

// examine examines what open makes in the bubble.
func examine(t *testing.T, open func() *testSource, o Options) *examined {
	t.Helper()
	x := &examined{}
	synctest.Test(t, func(t *testing.T) { x.run(t, t.Context(), open(), o) })
	return x
}

func (x *examined) run(t *testing.T, ctx context.Context, src energy.Source, o Options) {
	began := time.Now()
	var err error
	x.Report, err = Examine(ctx, src, o)
	require.NoError(t, err)
	x.took = time.Since(began)
	var out bytes.Buffer
	require.NoError(t, x.WriteText(&out))
	x.text = out.String()
	time.Sleep(2 * time.Hour) // until a driver that hangs has come back
}

// healthy returns GPUs with which nothing is wrong.
func healthy(cfg simsource.Config) func() *testSource {
	return func() *testSource { return &testSource{Source: simsource.New(cfg)} }
}

// exact is a simulation of which everything is known.
var exact = simsource.Config{GPUs: 2, Idle: 100, Peak: 700, Jitter: -1, Latency: 200 * time.Microsecond}

func ptr[T any](x T) *T { return &x }

// TestLearns: period, jitter, step, latency and power are what they are.
func TestLearns(t *testing.T) {
	t.Parallel()
	v := examine(t, healthy(exact), Options{})
	require.True(t, v.Measurable, v.Verdict)
	assert.Equal(t, "joules can be measured: 2 GPUs by test, refreshed every 100 ms; use -benchtime=5s or more for ±1 %", v.Verdict)
	assert.InDelta(t, 5*time.Second, v.took, float64(2*time.Millisecond), "25 ticks of 100 ms do not need longer than the shortest watch")
	require.Len(t, v.GPUs, 2)
	for _, g := range v.GPUs {
		assert.InDelta(t, 100*time.Millisecond, *g.Period, float64(50*time.Microsecond))
		assert.Less(t, *g.Jitter, *g.Within, "as well as ticks are seen")
		assert.InDelta(t, 900*time.Microsecond, *g.Within, float64(400*time.Microsecond), "two reads for each tick")
		assert.InDelta(t, 49, g.Ticks, 1)
		assert.Zero(t, g.Missed)
		assert.Equal(t, ptr(10.0), g.Step)
		assert.Equal(t, ptr(0.001), g.Resolution)
		assert.Equal(t, ptr(200*time.Microsecond), g.CallP50)
		assert.Equal(t, ptr(200*time.Microsecond), g.CallP99)
		assert.InDelta(t, 100, *g.Watts, 0.1)
		assert.InDelta(t, 100, *g.BeforeWatts, 1, "the first ticks are seen less well")
		assert.Less(t, g.Readings, 5*49, "so often a recorder reads")
		assert.Equal(t, ptr(700.0), g.PowerLimit)
		assert.Nil(t, g.Persistence, "a simulation has no such mode")
		assert.Nil(t, g.Processes)
		assert.True(t, g.Measurable)
		assert.Empty(t, g.Findings)
	}
}

// TestJitter: its standard deviation is that of the difference of two
// uniform errors, and how well ticks are seen hardly matters.
func TestJitter(t *testing.T) {
	t.Parallel()
	cfg := exact
	cfg.Jitter = 10 * time.Millisecond
	v := examine(t, healthy(cfg), Options{Watch: 30 * time.Second})
	want := float64(cfg.Jitter) * math.Sqrt(2.0/3)
	assert.InEpsilon(t, want, float64(*v.GPUs[0].Jitter), 0.08)
	assert.InEpsilon(t, float64(100*time.Millisecond), float64(*v.GPUs[0].Period), 0.01)
	assert.InDelta(t, 30*time.Second, v.took, float64(2*time.Millisecond))
}

// TestMissed: a tick that is not shown does not double the period.
func TestMissed(t *testing.T) {
	t.Parallel()
	cfg := exact
	cfg.Missed = 0.2
	v := examine(t, healthy(cfg), Options{Watch: 30 * time.Second})
	g := v.GPUs[0]
	assert.InDelta(t, 100*time.Millisecond, *g.Period, float64(50*time.Microsecond))
	assert.InDelta(t, 299, g.Ticks+g.Missed, 10, "but for those at the ends")
	assert.InDelta(t, 60, g.Missed, 20)
	assert.Less(t, *g.Jitter, time.Millisecond, "the intervals with a missing tick are not jitter")
}

// TestWindows: the error falls with the length, a load in the window is worse
// than none, and the recommendation follows from both.
func TestWindows(t *testing.T) {
	t.Parallel()
	cfg := exact
	cfg.Noise, cfg.Jitter = 0.02, time.Millisecond
	v := examine(t, healthy(cfg), Options{})
	require.Len(t, v.Windows, 3)
	for i, length := range []time.Duration{100 * time.Millisecond, time.Second, 10 * time.Second} {
		w := v.Windows[i]
		assert.Equal(t, length, w.Length)
		assert.Equal(t, i == 2, w.Extrapolated, "the watch was of 5 s")
		assert.Empty(t, w.Reason)
		require.NotNil(t, w.Seen)
		require.NotNil(t, w.Load)
		if i > 0 {
			assert.Less(t, *w.Seen, *v.Windows[i-1].Seen)
			assert.Less(t, *w.Load, *v.Windows[i-1].Load)
		}
	}
	r := v.Benchtime.Recommended
	require.NotNil(t, r)
	assert.LessOrEqual(t, *v.Benchtime.ErrPercent, 1.0)
	assert.Greater(t, *r, 100*time.Millisecond)
	assert.LessOrEqual(t, *r, 2*time.Second)

	longer := examine(t, healthy(cfg), Options{Watch: 20 * time.Second})
	assert.False(t, longer.Windows[2].Extrapolated)
	assert.NotNil(t, longer.Windows[2].Seen)
}

// TestSlow: of a counter that ticks every 10 s a short window has no number,
// and the reason says so.
func TestSlow(t *testing.T) {
	t.Parallel()
	cfg := exact
	cfg.Period = 10 * time.Second
	v := examine(t, healthy(cfg), Options{})
	assert.InDelta(t, longWatch, v.took, float64(50*time.Millisecond))
	assert.True(t, v.Measurable, v.Verdict)
	assert.InDelta(t, 10*time.Second, *v.GPUs[0].Period, float64(50*time.Millisecond))
	assert.Nil(t, v.Windows[0].Load)
	assert.Equal(t, energy.WindowTooShort, v.Windows[0].Reason)
	require.NotNil(t, v.Benchtime.Recommended)
	assert.GreaterOrEqual(t, *v.Benchtime.Recommended, 20*time.Second)
}

// TestGauge: a gauge of power alone can be measured, and has no step of joules.
func TestGauge(t *testing.T) {
	t.Parallel()
	cfg := exact
	cfg.Gauge, cfg.Noise = simsource.OnlyGauge, 0.02
	v := examine(t, healthy(cfg), Options{})
	require.True(t, v.Measurable, v.Verdict)
	assert.Contains(t, v.Verdict, "power only, refreshed every 100 ms")
	g := v.GPUs[0]
	assert.Equal(t, energy.Gauge, g.Method)
	assert.Nil(t, g.Resolution)
	assert.InEpsilon(t, 100, *g.Watts, 0.03)
	require.NotNil(t, v.Windows[1].Load)
	assert.NotNil(t, v.Windows[1].Seen)
	assert.Greater(t, *v.Windows[1].Load, 5.0, "between two refreshes the power at an edge is anyone's guess")
	assert.Greater(t, *v.Windows[1].Seen, 5.0, "and it may be another in between")
}

// TestMarks: what makes a number doubtful is reported, and does not withhold it.
func TestMarks(t *testing.T) {
	t.Parallel()
	v := examine(t, func() *testSource {
		p := healthy(exact)()
		p.device = func(d *energy.Device) {
			d.Rows, d.Host, d.Role = 7, "node-1", "prefill"
			d.Marks = []energy.Finding{{Reason: energy.MIGParentScope, Device: d.UUID, Detail: "a MIG instance has no counter"}}
		}
		p.inspect = func(s *energy.State) {
			s.Processes = []energy.Process{{PID: 4711, Name: "vllm"}, {PID: 4712}}
			s.HasCelsius = false
			s.Err = errors.New("the temperature is secret")
		}
		return p
	}, Options{})
	assert.True(t, v.Measurable, v.Verdict)
	g := v.GPUs[0]
	var reasons []energy.Reason
	for _, f := range g.Findings {
		reasons = append(reasons, f.Reason)
	}
	assert.Equal(t, []energy.Reason{energy.MIGParentScope, energy.SharedGPU, stateUnknown}, reasons)
	assert.Equal(t, 7, g.Rows)
	assert.Nil(t, g.Celsius)
	for _, want := range []string{"host node-1, role prefill", "process 4711 vllm", "process 4712 (name unknown)", "a MIG instance has no counter", "the temperature is secret"} {
		assert.Contains(t, v.text, want)
	}
}

// TestInterrupt: what was seen until then is reported.
func TestInterrupt(t *testing.T) {
	t.Parallel()
	v := &examined{}
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 1500*time.Millisecond)
		defer cancel()
		v.run(t, ctx, healthy(exact)(), Options{Watch: time.Hour, Load: "sleep 1000"})
	})
	assert.InDelta(t, 1500*time.Millisecond, v.took, float64(time.Millisecond))
	assert.True(t, v.Watch.Ended)
	assert.True(t, v.Measurable, v.Verdict)
	assert.InDelta(t, 100*time.Millisecond, *v.GPUs[0].Period, float64(time.Millisecond))
	assert.Contains(t, v.text, "ended by an interrupt")
	assert.Contains(t, v.text, "-load was not run")
}

// TestJSON: it is what was found, and can be read back.
func TestJSON(t *testing.T) {
	t.Parallel()
	v := examine(t, healthy(exact), Options{})
	text, err := json.Marshal(v.Report)
	require.NoError(t, err)
	var back Report
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	require.NoError(t, d.Decode(&back))
	assert.Equal(t, 1, back.SchemaVersion)
	v.Recordings = nil // for pictures
	assert.Equal(t, v.Report, back)
}

// TestVerdictIsSaidOnce: the cause that the verdict names of all devices is not among the
// findings again, and one that some have is, with them.
func TestVerdictIsSaidOnce(t *testing.T) {
	gone := func(uuid, detail string) GPU {
		return GPU{UUID: uuid, Findings: []energy.Finding{{Reason: energy.DeviceLost, Device: uuid, Detail: detail}}}
	}
	for _, c := range []struct {
		gpus  []GPU
		again bool
	}{
		{[]GPU{gone("a", "it is gone"), gone("b", "it is gone")}, false},
		{[]GPU{gone("a", "it is gone"), {UUID: "b", Measurable: true}}, true},
		{[]GPU{gone("a", "gone for 3s"), gone("b", "gone for 4s")}, true},
	} {
		r := Report{GPUs: c.gpus, Watch: &Watch{}}
		r.conclude("test")
		var b strings.Builder
		require.NoError(t, r.WriteText(&b))
		assert.Equal(t, c.again, strings.Contains(b.String(), "\ndevice_lost"), b.String())
		assert.Contains(t, r.Verdict, "device_lost: ")
	}
}
