package energytest_test

import (
	"errors"
	"io/fs"
	"math"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/joulebench/joulebench/powertest/energy"
	"github.com/joulebench/joulebench/powertest/energy/energytest"
	"github.com/joulebench/joulebench/simsource"
)

func TestRunOnRealClock(t *testing.T) {
	const period = 5 * time.Millisecond
	t.Run("simulated", func(t *testing.T) {
		energytest.Run(t, func(*testing.T) energy.Source {
			return simsource.New(simsource.Config{GPUs: 2, Noise: 0.1, Period: period, Gauge: simsource.WithGauge})
		})
	})
	t.Run("fake", func(t *testing.T) {
		energytest.Run(t, func(*testing.T) energy.Source { return &energytest.Fake{Period: period} })
	})
}

// failed returns the names of the cases that a source fails, on a fake clock.
func failed(t *testing.T, open func() energy.Source, opts ...energytest.Option) (names []string, err error) {
	t.Helper()
	synctest.Test(t, func(*testing.T) {
		err = energytest.TestSource(func() (energy.Source, error) { return open(), nil }, opts...)
	})
	if err == nil {
		return nil, nil
	}
	for _, e := range err.(interface{ Unwrap() []error }).Unwrap() {
		name, _, _ := strings.Cut(e.Error(), ":")
		names = append(names, name)
	}
	return names, err
}

func TestGoodSourcesPass(t *testing.T) {
	sim := func(cfg simsource.Config) func() energy.Source {
		return func() energy.Source { return simsource.New(cfg) }
	}
	for name, open := range map[string]func() energy.Source{
		"simulated":   sim(simsource.Config{}),
		"eight":       sim(simsource.Config{GPUs: 8, Noise: 0.3, Missed: 0.3, Jitter: 40 * time.Millisecond}),
		"with gauge":  sim(simsource.Config{Gauge: simsource.WithGauge, GaugePeriod: time.Millisecond}),
		"only gauge":  sim(simsource.Config{Gauge: simsource.OnlyGauge}),
		"slow":        sim(simsource.Config{Latency: 10 * time.Millisecond, Period: time.Second}),
		"fake":        func() energy.Source { return &energytest.Fake{} },
		"fake gauge":  func() energy.Source { return &energytest.Fake{Watts: func(time.Duration) float64 { return 3 }} },
		"skips ticks": func() energy.Source { return energytest.SkipTicks(simsource.New(simsource.Config{}), 2) },
		"slower":      func() energy.Source { return energytest.Period(simsource.New(simsource.Config{}), 2, time.Second) },
		"loses one of two": func() energy.Source {
			return energytest.Lose(simsource.New(simsource.Config{GPUs: 2}), 1, 1)
		},
		"joined": func() energy.Source { return beside(simsource.New(simsource.Config{GPUs: 2})) },
		"joined, one missing": func() energy.Source {
			src, _ := energy.Join(simsource.New(simsource.Config{}), energy.Unavailable("rapl", fs.ErrPermission))
			return src
		},
	} {
		names, err := failed(t, open)
		assert.Empty(t, names, "%s: %v", name, err)
	}
	registered := func(devices []string) (energy.Source, error) { return energy.Open("sim", "gpus=3,gauge=with", devices) }
	names, err := failed(t, func() energy.Source { src, _ := registered(nil); return src },
		energytest.ExpectWatts(99, 101), energytest.Opens(registered))
	assert.Empty(t, names, "%v", err)
}

// warm is a source that has used some energy.
func warm() energy.Source {
	src := simsource.New(simsource.Config{GPUs: 2})
	time.Sleep(time.Second)
	return src
}

// The suite must be able to fail: each fault fails the cases that are about
// it, and no other.
func TestFaultsFailTheirCases(t *testing.T) {
	bare := errors.New("something")
	for _, tt := range []struct {
		name string
		open func() energy.Source
		want string
	}{
		{"stall", func() energy.Source { return energytest.Stall(warm(), 3, 2*time.Second) }, "prompt"},
		{"late", func() energy.Source { return energytest.Late(warm(), 1100*time.Millisecond) }, "prompt"},
		{"reset", func() energy.Source { return energytest.Reset(warm(), 1, 5) }, "monotone"},
		{"backwards", func() energy.Source { return energytest.Backwards(warm(), 0, 7) }, "monotone"},
		{"freeze", func() energy.Source { return energytest.Freeze(warm(), 1) }, "ticks"},
		{"lost", func() energy.Source { return energytest.Lose(energytest.Lose(warm(), 0, 1), 1, 1) }, "values"},
		{"bare error", func() energy.Source { return energytest.Error(warm(), 0, 2, 1, bare) }, "errors read-closed"},
		{"NaN", func() energy.Source { return energytest.Replace(warm(), 0, 2, 1, math.NaN()) }, "values"},
		{"infinite", func() energy.Source { return energytest.Replace(warm(), 0, 5, 1, math.Inf(1)) }, "values monotone"},
		{"negative", func() energy.Source { return energytest.Replace(warm(), 0, 2, 1, -5) }, "values monotone"},
	} {
		names, err := failed(t, tt.open)
		assert.Equal(t, tt.want, strings.Join(names, " "), "%s: %v", tt.name, err)
		names, err = failed(t, func() energy.Source { return beside(tt.open()) })
		want := tt.want
		if tt.name == "lost" {
			want = "" // the others have a value
		}
		assert.Equal(t, want, strings.Join(names, " "), "%s, joined: %v", tt.name, err)
	}
}

// beside joins a source with a processor and its memory, which come first.
func beside(src energy.Source) energy.Source {
	cpus := simsource.New(simsource.Config{GPUs: 2, Seed: 7, Period: 10 * time.Millisecond})
	processor := energytest.Redescribe(cpus, func(d *energy.Device) {
		d.Kind, d.Index = []energy.Kind{energy.CPU, energy.DRAM}[d.Index], 0
	})
	joined, err := energy.Join(processor, src)
	if err != nil {
		panic(err)
	}
	return joined
}

// A source that never returns fails its cases; the suite comes to its end.
func TestHangingSourceFailsInBoundedTime(t *testing.T) {
	var took time.Duration
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		var releases []func()
		err := energytest.TestSource(func() (energy.Source, error) {
			src, release := energytest.Hang(warm(), 1)
			releases = append(releases, release)
			return src, nil
		})
		for _, release := range releases {
			release()
		}
		time.Sleep(time.Minute) // for the cases that were left behind to end
		took = time.Since(start)
		require.ErrorContains(t, err, "prompt: the source did not return within")
	})
	assert.Less(t, took, 16*time.Minute)
}

// meter opens a source of two devices whose counter the test can advance.
type meter struct{ extra float64 }

func (m *meter) open(devices []string) (energy.Source, error) {
	sim, err := simsource.New(simsource.Config{GPUs: 2, Seed: 0xabc}).Select(devices...)
	if err != nil {
		return nil, err
	}
	return &faulty{Source: sim, read: func(dst []energy.Reading) {
		for i := range dst {
			if dst[i].HasJoules {
				dst[i].Joules += m.extra
			}
		}
	}}, nil
}

// The cases that only options ask for fail the sources that they are about.
func TestFaultsFailTheCasesOfOptions(t *testing.T) {
	const wrapsAt = 1 << 20
	m := &meter{}
	sim := func() energy.Source { src, _ := m.open(nil); return src }
	gauge := func() energy.Source { return simsource.New(simsource.Config{Gauge: simsource.OnlyGauge}) }
	wraps := energytest.Wraps(wrapsAt, func(joules float64) { m.extra += joules })
	watts := energytest.ExpectWatts(90, 110)
	// unwrapped continues a counter that wraps, at a range that may not be the counter's.
	unwrapped := func(at float64) func() energy.Source {
		return func() energy.Source {
			var last, wraps [2]float64
			return &faulty{Source: simsource.New(simsource.Config{GPUs: 2}), read: func(dst []energy.Reading) {
				for i := range dst {
					if d := dst[i].Device; dst[i].HasJoules {
						raw := math.Mod(dst[i].Joules+m.extra, wrapsAt)
						if raw < last[d] {
							wraps[d]++
						}
						last[d] = raw
						dst[i].Joules = raw + wraps[d]*at
					}
				}
			}}
		}
	}
	exact := func(devices []string) (energy.Source, error) {
		if len(devices) > 0 && strings.Contains(devices[0], "ABC") {
			return nil, energy.ErrNoDevice
		}
		return m.open(devices)
	}
	for _, tt := range []struct {
		name   string
		open   func() energy.Source
		option energytest.Option
		want   string
	}{
		{"it continues", sim, wraps, ""},
		{"it wraps", func() energy.Source { return energytest.Wrap(sim(), wrapsAt) }, wraps, "wrap"},
		{"it is continued at the range", unwrapped(wrapsAt), wraps, ""},
		{"it is continued at another range", unwrapped(wrapsAt * 1.01), wraps, "wrap"},
		{"it does not move", func() energy.Source { return simsource.New(simsource.Config{}) }, wraps, "wrap"},

		{"the power is right", sim, watts, ""},
		{"the power of a gauge is right", gauge, watts, ""},
		{"millijoules", func() energy.Source { return energytest.Scale(sim(), 1000) }, watts, "power"},
		{"kilowatts", func() energy.Source { return energytest.Scale(gauge(), 1e-3) }, watts, "power"},
		{"a third too much", func() energy.Source { return energytest.Scale(sim(), 4./3) }, watts, "resolution power"},

		{"it opens", sim, energytest.Opens(m.open), ""},
		{"it ignores selectors", sim, energytest.Opens(energytest.IgnoreSelectors(m.open)), "open"},
		{"it takes the first only", sim, energytest.Opens(func(devices []string) (energy.Source, error) {
			return m.open(devices[:min(len(devices), 1)])
		}), "open"},
		{"it ignores what does not exist", sim, energytest.Opens(func(devices []string) (energy.Source, error) {
			src, err := m.open(devices)
			if err != nil {
				return m.open(nil)
			}
			return src, nil
		}), "open"},
		{"another error", sim, energytest.Opens(func(devices []string) (energy.Source, error) {
			src, err := m.open(devices)
			if err != nil {
				return nil, errors.New("no")
			}
			return src, nil
		}), "open"},
		{"a nil source that is not nil", sim, energytest.Opens(func(devices []string) (energy.Source, error) {
			src, err := m.open(devices)
			if err != nil {
				return (*faulty)(nil), err
			}
			return src, nil
		}), "open"},
		{"case matters", sim, energytest.Opens(exact), "open"},
	} {
		names, err := failed(t, tt.open, tt.option)
		assert.Equal(t, tt.want, strings.Join(names, " "), "%s: %v", tt.name, err)
	}
}

// A resolution that is claimed must be kept.
func TestResolutionThatIsNotKept(t *testing.T) {
	claim := func(joules float64) func() energy.Source {
		return func() energy.Source {
			return energytest.Redescribe(warm(), func(d *energy.Device) { d.Resolution = joules })
		}
	}
	for joules, want := range map[float64]string{0: "", 1e-3: "", 1e-4: "", 0.3: "resolution", 7: "resolution", 64: "resolution"} {
		names, err := failed(t, claim(joules))
		assert.Equal(t, want, strings.Join(names, " "), "%v J: %v", joules, err)
	}
}

func TestOpenThatFailsIsReported(t *testing.T) {
	err := energytest.TestSource(func() (energy.Source, error) { return nil, energy.ErrNoDevice })
	require.ErrorIs(t, err, energy.ErrNoDevice)
	assert.Contains(t, err.Error(), "info: open the source")
}

func TestOptions(t *testing.T) {
	still := func() energy.Source { return energytest.Freeze(warm(), 1) }
	names, err := failed(t, still, energytest.Static())
	assert.Empty(t, names, err)

	slow := func() energy.Source { return energytest.Period(warm(), 1, 2*time.Second) }
	names, _ = failed(t, slow, energytest.Patience(100*time.Millisecond))
	assert.Equal(t, []string{"ticks"}, names)
	names, err = failed(t, slow, energytest.Patience(time.Second))
	assert.Empty(t, names, err)

	var sink []byte
	messy := func() energy.Source {
		return &faulty{Source: warm().(*simsource.Source), read: func([]energy.Reading) { sink = make([]byte, 64) }}
	}
	names, _ = failed(t, messy)
	assert.Equal(t, []string{"allocs"}, names)
	names, err = failed(t, messy, energytest.Allocs(1))
	assert.Empty(t, names, err)
	_ = sink
}
