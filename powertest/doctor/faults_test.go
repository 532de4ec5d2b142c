package doctor

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/joulebench/joulebench/internal/known"
	"github.com/joulebench/joulebench/powertest/energy"
	"github.com/joulebench/joulebench/simsource"
	"github.com/stretchr/testify/assert"
)

// faults are sources that joules can't be measured with, and why.
var faults = map[string]struct {
	open   func() *testSource
	reason energy.Reason
	says   string
}{
	"a dead counter": {func() *testSource {
		p := healthy(exact)()
		p.read = func(dst []energy.Reading) {
			for i := range dst {
				dst[i].Joules = 4711
			}
		}
		return p
	}, energy.CounterStale, "the counter did not change in 5s"},
	"a counter that dies": {func() *testSource {
		p := healthy(exact)()
		began := time.Now()
		p.read = func(dst []energy.Reading) {
			for i := range dst {
				if time.Since(began) > 2*time.Second {
					dst[i].Joules = 4711
				}
			}
		}
		return p
	}, energy.CounterStale, "the counter has not changed for"},
	"a device that is lost": {func() *testSource {
		p := healthy(exact)()
		began := time.Now()
		p.read = func(dst []energy.Reading) {
			for i := range dst {
				if dst[i].Device == 1 && time.Since(began) > 2*time.Second {
					dst[i].Err, dst[i].HasJoules = fmt.Errorf("xid 79: %w", energy.ErrDeviceLost), false
				}
			}
		}
		return p
	}, energy.DeviceLost, "xid 79"},
	"no permission to read": {func() *testSource {
		p := healthy(exact)()
		p.read = func(dst []energy.Reading) {
			for i := range dst {
				dst[i].Err, dst[i].HasJoules = fmt.Errorf("read: %w: run as a member of the group video", fs.ErrPermission), false
			}
		}
		return p
	}, energy.InsufficientPowerSamples, "run as a member of the group video"},
	"a reading without a value": {func() *testSource {
		p := healthy(exact)()
		p.read = func(dst []energy.Reading) {
			for i := range dst {
				dst[i].HasJoules = false
			}
		}
		return p
	}, energy.InsufficientPowerSamples, "the reading has no value"},
	"a counter that goes down": {func() *testSource {
		p := healthy(exact)()
		began := time.Now()
		p.read = func(dst []energy.Reading) {
			for i := range dst {
				if time.Since(began) > 3*time.Second {
					dst[i].Joules -= 200
				}
			}
		}
		return p
	}, energy.CounterReset, "the counter went down"},
	"a counter that jumps": {func() *testSource {
		p := healthy(exact)()
		began := time.Now()
		p.read = func(dst []energy.Reading) {
			for i := range dst {
				if time.Since(began) > 3*time.Second {
					dst[i].Joules += 1e6
				}
			}
		}
		return p
	}, energy.CounterJump, "the power limit is 700 W"},
	"a unit that is wrong": {func() *testSource {
		return besideGauge(0.001, 100)
	}, energy.CounterDisagrees, "joules under a name of millijoules"},
	"a driver that hangs": {func() *testSource {
		p := healthy(exact)()
		p.read = func([]energy.Reading) { time.Sleep(time.Hour) }
		return p
	}, energy.SourceStalled, "a call to the source did not come back"},
}

// TestFaultySources: what is wrong is in the verdict.
func TestFaultySources(t *testing.T) {
	for name, fault := range faults {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := examine(t, fault.open, Options{})
			assert.False(t, v.Measurable)
			assert.Contains(t, v.Verdict, "joules can't be measured of ")
			assert.Contains(t, v.Verdict, string(fault.reason))
			assert.Contains(t, v.Verdict, fault.says)
			assert.NotContains(t, v.text, "NaN")
		})
	}
}

// TestHungAtOnce: that a source hangs is reported also if the watch is shorter than it
// takes to know that.
func TestHungAtOnce(t *testing.T) {
	t.Parallel()
	v := examine(t, faults["a driver that hangs"].open, Options{Watch: 150 * time.Millisecond})
	assert.Contains(t, v.Verdict, "source_stalled: a call to the source did not come back")
	assert.Less(t, v.took, 10*time.Second)
}

// TestNoDevices: a source without devices can't be examined.
func TestNoDevices(t *testing.T) {
	empty, err := energy.NewReplay(energy.Recording{Source: energy.Info{Name: "log"}})
	assert.NoError(t, err)
	_, err = Examine(t.Context(), empty, Options{Name: "smi"})
	assert.ErrorIs(t, err, energy.ErrNoDevice)
	assert.EqualError(t, err, "source smi: no such device: it has none")
}

// TestUnavailable: a source that can't be opened says what kind of trouble it is.
func TestUnavailable(t *testing.T) {
	for kind, err := range map[string]error{
		"no permission":     fs.ErrPermission,
		"not there":         fs.ErrNotExist,
		"not in this build": errors.ErrUnsupported,
		"no device":         energy.ErrNoDevice,
		"no energy":         energy.ErrNoEnergy,
		"no answer":         energy.ErrStalled,
		"device lost":       energy.ErrDeviceLost,
		"off":               ErrOff,
		"failed":            errors.New("out of luck"),
	} {
		err = fmt.Errorf("test: %w: do something", err)
		r := Unavailable(err)
		r.Sources = Survey("test", nil, err)
		assert.False(t, r.Measurable)
		assert.Equal(t, "joules can't be measured: "+err.Error(), r.Verdict)
		assert.Equal(t, SourceStatus{Name: "test", Chosen: true, Status: kind, Detail: err.Error()}, r.Sources[len(r.Sources)-1])
	}
	_, err := energy.Open("steam", "", nil)
	assert.Contains(t, Unavailable(err).Verdict, ": import its package")
}

// TestSurvey: sources are listed with the chosen one among them; the driver is tried if
// it is linked in, and others say what they need.
func TestSurvey(t *testing.T) {
	src := simsource.New(simsource.Config{})
	byName := map[string]SourceStatus{}
	for _, s := range Survey("sim", src, nil) {
		byName[s.Name] = s
	}
	assert.Equal(t, SourceStatus{Name: "nvml", Status: "not tried"}, byName["nvml"], "this test does not link it in")
	assert.Equal(t, SourceStatus{Name: "sim", Chosen: true, Linked: true, Status: "usable", Detail: src.Info().Version}, byName["sim"])
	assert.Contains(t, byName["smi"].Detail, "-source smi=FILE")
	assert.NotContains(t, byName, known.Off)
	for _, name := range []string{"nvml", "rapl"} {
		for _, s := range Survey("auto", namedSource{src, name}, nil) {
			assert.Equal(t, s.Name == name, s.Chosen, "auto has opened %s: %v", name, s)
		}
	}
	for _, s := range Survey("auto", nil, energy.ErrNoDevice) {
		assert.False(t, s.Chosen, "%v", s)
		assert.NotEqual(t, "auto", s.Name)
	}

	tried := SourceStatus{Name: "sim", Linked: true}
	tried.try()
	assert.Equal(t, "usable", tried.Status)
	tried = SourceStatus{Name: "steam"}
	tried.try()
	assert.Equal(t, "failed", tried.Status)
}

// namedSource is a source of another name.
type namedSource struct {
	energy.Source
	name string
}

func (s namedSource) Info() energy.Info { return energy.Info{Name: s.name} }

// besideGauge returns GPUs whose counter is off by a factor, and whose power gauge shows
// so many watts.
func besideGauge(factor, watts float64) *testSource {
	p := healthy(exact)()
	p.read = func(dst []energy.Reading) {
		for i := range dst {
			dst[i].Joules *= factor
			dst[i].Watts, dst[i].HasWatts = watts, true
		}
	}
	return p
}

// TestShowsCounterAndGauge: what both say is side by side, whether they agree or not.
func TestShowsCounterAndGauge(t *testing.T) {
	for name, c := range map[string]struct {
		factor, watts    float64
		measurable, says bool
		row              string
	}{
		"agree":      {1, 105, true, false, `0    100 W +\(99\..*\)  105 W  \([678]\d.* to 1[345]\d.*\) +0\.952`},
		"a fifth":    {4, 492, true, true, `0    400 W .* 492 W .* 0\.81`},
		"a thousand": {0.001, 100, false, true, `0    0\.(1|099\d*) W .* 100 W .* 0\.0009`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := examine(t, func() *testSource { return besideGauge(c.factor, c.watts) }, Options{Watch: 10 * time.Second})
			assert.Equal(t, c.measurable, v.Measurable, v.Verdict)
			assert.InEpsilon(t, 100*c.factor, v.GPUs[0].CrossCheck.Counter.Watts, 0.01)
			for _, g := range v.GPUs {
				assert.Equal(t, c.says, slices.ContainsFunc(g.Findings, func(f energy.Finding) bool { return f.Reason == energy.CounterDisagrees }))
			}
			assert.Equal(t, c.says, strings.Contains(v.text, "counter_disagrees"))
			assert.Regexp(t, c.row, v.text)
		})
	}
}

// TestNoPowerThatCannotBe: a jump is in no number.
func TestNoPowerThatCannotBe(t *testing.T) {
	t.Parallel()
	v := examine(t, faults["a counter that jumps"].open, Options{})
	assert.Nil(t, v.GPUs[0].Watts)
	assert.Nil(t, v.GPUs[0].CrossCheck)
}
