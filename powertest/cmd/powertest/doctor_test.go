package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"math"
	"testing"
	"testing/synctest"
	"time"

	"github.com/joulebench/joulebench/powertest/energy"
	"github.com/joulebench/joulebench/simsource"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A patient is a source that something may be wrong with. It stands for real GPUs.
type patient struct {
	*simsource.Source
	// Nil leaves what the simulation has.
	info    *energy.Info
	device  func(*energy.Device)
	read    func(dst []energy.Reading)
	inspect func(*energy.State)
}

func (p *patient) Info() energy.Info {
	if p.info != nil {
		return *p.info
	}
	return energy.Info{Name: "patient", Period: p.Source.Info().Period}
}

func (p *patient) Devices() []energy.Device {
	list := append([]energy.Device(nil), p.Source.Devices()...)
	for i := range list {
		if p.device != nil {
			p.device(&list[i])
		}
	}
	return list
}

func (p *patient) Read(dst []energy.Reading) {
	p.Source.Read(dst)
	if p.read != nil {
		p.read(dst)
	}
}

func (p *patient) Inspect(dst []energy.State) {
	p.Source.Inspect(dst)
	for i := range dst {
		if p.inspect != nil {
			p.inspect(&dst[i])
		}
	}
}

var thePatient func() (energy.Source, error)

func init() {
	energy.Register("ward", func(string, []string) (energy.Source, error) { return thePatient() })
}

// A visit is one run of doctor in a bubble.
type visit struct {
	checkup
	code      int
	text, err string
	took      time.Duration
}

// see runs doctor on what admit makes in the bubble.
func see(t *testing.T, admit func() *patient, args ...string) *visit {
	t.Helper()
	return seeWith(t, nil, func() (energy.Source, error) { return admit(), nil }, args...)
}

func seeWith(t *testing.T, start starter, open func() (energy.Source, error), args ...string) *visit {
	t.Helper()
	v := &visit{}
	synctest.Test(t, func(t *testing.T) { v.run(t, t.Context(), start, open, args...) })
	return v
}

func (v *visit) run(t *testing.T, ctx context.Context, start starter, open func() (energy.Source, error), args ...string) {
	thePatient = open
	t.Cleanup(func() { thePatient = nil })
	var out, errs bytes.Buffer
	o, err := parseDoctor(append([]string{"-source", "ward"}, args...), stdio{nil, &out, &errs})
	require.NoError(t, err, errs.String())
	began := time.Now()
	d := &diagnosis{doctorOptions: o, std: stdio{nil, &out, &errs}, start: start}
	v.code = d.run(ctx)
	v.took, v.checkup, v.text, v.err = time.Since(began), d.checkup, out.String(), errs.String()
	time.Sleep(2 * time.Hour) // until a driver that hangs has come back
}

// healthy returns GPUs that have nothing.
func healthy(cfg simsource.Config) func() *patient {
	return func() *patient { return &patient{Source: simsource.New(cfg)} }
}

// exact is a simulation of which everything is known.
var exact = simsource.Config{GPUs: 2, Idle: 100, Peak: 700, Jitter: -1, Latency: 200 * time.Microsecond}

func ptr[T any](x T) *T { return &x }

// TestDoctorLearns: period, jitter, step, latency and power are what they are.
func TestDoctorLearns(t *testing.T) {
	v := see(t, healthy(exact))
	require.Equal(t, exitOK, v.code, v.Verdict)
	assert.Equal(t, "joules can be measured: 2 GPUs by ward, refreshed every 100 ms; use -benchtime=200ms or more for ±1 %", v.Verdict)
	assert.InDelta(t, 5*time.Second, v.took, float64(2*time.Millisecond), "25 ticks of 100 ms do not need longer than the shortest watch")
	require.Len(t, v.GPUs, 2)
	for _, g := range v.GPUs {
		assert.Equal(t, ptr(100*time.Millisecond), g.Period)
		assert.Less(t, *g.Jitter, 10*time.Microsecond)
		assert.Equal(t, ptr(1200*time.Microsecond), g.Within, "a reading each millisecond, and how long it takes")
		assert.InDelta(t, 49, g.Ticks, 1)
		assert.Zero(t, g.Missed)
		assert.Equal(t, number(10, true), g.Step)
		assert.Equal(t, number(0.001, true), g.Resolution)
		assert.Equal(t, ptr(200*time.Microsecond), g.CallP50)
		assert.Equal(t, ptr(200*time.Microsecond), g.CallP99)
		assert.InDelta(t, 100, float64(*g.Watts), 1e-3)
		assert.InDelta(t, 100, float64(*g.BeforeWatts), 1e-3)
		assert.Equal(t, number(700, true), g.PowerLimit)
		assert.Nil(t, g.Persistence, "a simulation has no such mode")
		assert.Nil(t, g.Processes)
		assert.True(t, g.Measurable)
		assert.Empty(t, g.Findings)
	}
}

// TestDoctorJitter: its standard deviation is that of the difference of two
// uniform errors, and how well ticks are seen hardly matters.
func TestDoctorJitter(t *testing.T) {
	cfg := exact
	cfg.Jitter = 10 * time.Millisecond
	v := see(t, healthy(cfg), "-for", "30s")
	want := float64(cfg.Jitter) * math.Sqrt(2.0/3)
	assert.InEpsilon(t, want, float64(*v.GPUs[0].Jitter), 0.08)
	assert.InEpsilon(t, float64(100*time.Millisecond), float64(*v.GPUs[0].Period), 0.01)
	assert.InDelta(t, 30*time.Second, v.took, float64(2*time.Millisecond))
}

// TestDoctorMissed: a tick that is not shown does not double the period.
func TestDoctorMissed(t *testing.T) {
	cfg := exact
	cfg.Missed = 0.2
	v := see(t, healthy(cfg), "-for", "30s")
	g := v.GPUs[0]
	assert.Equal(t, ptr(100*time.Millisecond), g.Period)
	assert.InDelta(t, 299, g.Ticks+g.Missed, 5, "but for those at the end")
	assert.InDelta(t, 60, g.Missed, 20)
	assert.Less(t, *g.Jitter, 10*time.Microsecond, "the intervals with a missing tick are not jitter")
}

// TestDoctorWindows: the error falls with the length, a load in the window is worse
// than none, and the recommendation follows from both.
func TestDoctorWindows(t *testing.T) {
	cfg := exact
	cfg.Noise, cfg.Jitter = 0.02, time.Millisecond
	v := see(t, healthy(cfg))
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
	assert.LessOrEqual(t, float64(*v.Benchtime.ErrPercent), 1.0)
	assert.Greater(t, *r, 100*time.Millisecond)
	assert.LessOrEqual(t, *r, 2*time.Second)

	longer := see(t, healthy(cfg), "-for", "20s")
	assert.False(t, longer.Windows[2].Extrapolated)
	assert.NotNil(t, longer.Windows[2].Seen)
}

// TestDoctorSlow: of a counter that ticks every 10 s a short window has no number,
// and the reason says so.
func TestDoctorSlow(t *testing.T) {
	cfg := exact
	cfg.Period = 10 * time.Second
	v := see(t, healthy(cfg))
	assert.InDelta(t, longWatch, v.took, float64(50*time.Millisecond))
	assert.Equal(t, exitOK, v.code, v.Verdict)
	assert.Equal(t, ptr(10*time.Second), v.GPUs[0].Period)
	assert.Nil(t, v.Windows[0].Load)
	assert.Equal(t, energy.WindowTooShort, v.Windows[0].Reason)
	require.NotNil(t, v.Benchtime.Recommended)
	assert.GreaterOrEqual(t, *v.Benchtime.Recommended, 20*time.Second)
}

// TestDoctorGauge: a gauge of power alone can be measured, and has no step of joules.
func TestDoctorGauge(t *testing.T) {
	cfg := exact
	cfg.Gauge, cfg.Noise = simsource.OnlyGauge, 0.02
	v := see(t, healthy(cfg))
	require.Equal(t, exitOK, v.code, v.Verdict)
	assert.Contains(t, v.Verdict, "power only, refreshed every 100 ms")
	g := v.GPUs[0]
	assert.Equal(t, energy.Gauge, g.Method)
	assert.Nil(t, g.Resolution)
	assert.InEpsilon(t, 100, float64(*g.Watts), 0.03)
	require.NotNil(t, v.Windows[1].Load)
	assert.NotNil(t, v.Windows[1].Seen)
	assert.Greater(t, *v.Windows[1].Load, *v.Windows[1].Seen, "the power at an edge is anyone's guess")
}

// TestDoctorMarks: what makes a number doubtful is told, and does not withhold it.
func TestDoctorMarks(t *testing.T) {
	v := see(t, func() *patient {
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
	})
	assert.Equal(t, exitOK, v.code, v.Verdict)
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

// TestDoctorInterrupt: what was seen until then is told.
func TestDoctorInterrupt(t *testing.T) {
	v := &visit{}
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 1500*time.Millisecond)
		defer cancel()
		v.run(t, ctx, nil, func() (energy.Source, error) { return healthy(exact)(), nil }, "-for", "1h", "-load", "sleep 1000")
	})
	assert.InDelta(t, 1500*time.Millisecond, v.took, float64(time.Millisecond))
	assert.True(t, v.Watch.Ended)
	assert.Equal(t, exitOK, v.code, v.Verdict)
	assert.Equal(t, ptr(100*time.Millisecond), v.GPUs[0].Period)
	assert.Contains(t, v.text, "ended by an interrupt")
	assert.Contains(t, v.text, "-load was not run")
}

// TestDoctorJSON: it is what was found, and can be read back.
func TestDoctorJSON(t *testing.T) {
	v := see(t, healthy(exact), "-json")
	var back checkup
	d := json.NewDecoder(bytes.NewReader([]byte(v.text)))
	d.DisallowUnknownFields()
	require.NoError(t, d.Decode(&back))
	assert.Equal(t, 1, back.SchemaVersion)
	assert.Equal(t, v.Verdict, back.Verdict)
	assert.Equal(t, v.GPUs, back.GPUs)
}
