package energy_test

import (
	"encoding/json"
	"errors"
	"io/fs"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/joulebench/joulebench/powertest/energy"
	"github.com/joulebench/joulebench/powertest/energy/energytest"
	"github.com/joulebench/joulebench/simsource"
)

// host is a simulated host: two GPUs of nvml's refresh period, and a processor with its
// memory whose counters change every 10 ms.
type host struct{ gpus, cpus *simsource.Source }

func newHost() host {
	cpus := simsource.New(simsource.Config{GPUs: 2, Seed: 7, Idle: 50, Peak: 250, Period: 10 * time.Millisecond, Ramp: -1, Tail: -1, Noise: -1, Jitter: -1})
	return host{exact(2), cpus}
}

// processor describes the second simulation as a processor and its memory.
func (h host) processor() energy.Source {
	return energytest.Redescribe(h.cpus, func(d *energy.Device) {
		d.Kind, d.Index = []energy.Kind{energy.CPU, energy.DRAM}[d.Index], 0
	})
}

func (h host) busy() (done func()) {
	gpus, cpus := h.gpus.Busy(), h.cpus.Busy()
	return func() { gpus(); cpus() }
}

// run measures a load of two seconds on sources that are joined.
func (h host) run(t *testing.T, sources ...energy.Source) energy.Measurement {
	t.Helper()
	src, err := energy.Join(sources...)
	require.NoError(t, err)
	return measure(t, src, func() {
		defer h.busy()()
		time.Sleep(2 * time.Second)
	})
}

func ofKind(t *testing.T, m energy.Measurement, k energy.Kind) energy.KindMeasurement {
	t.Helper()
	sum, ok := m.OfKind(k)
	require.True(t, ok, "no %s in %+v", k, m.Kinds)
	return sum
}

// requireKind checks the energy of a kind against the truth.
func requireKind(t *testing.T, m energy.Measurement, k energy.Kind, truth float64) {
	t.Helper()
	sum := ofKind(t, m, k)
	require.True(t, sum.Valid, "%s: %v", k, sum.Reasons)
	assert.InEpsilon(t, truth, sum.Energy.Joules, 0.02, "%s", k)
	assert.LessOrEqual(t, sum.Energy.Low, truth, "%s", k)
	assert.GreaterOrEqual(t, sum.Energy.High, truth, "%s", k)
	assert.InEpsilon(t, sum.Energy.Joules/m.Duration.Seconds(), sum.Watts, 1e-9, "%s", k)
}

func requireNone(t *testing.T, m energy.Measurement, k energy.Kind, why energy.Reason) {
	t.Helper()
	sum := ofKind(t, m, k)
	assert.False(t, sum.Valid, "%s", k)
	assert.Zero(t, sum.Energy, "%s", k)
	assert.Condition(t, func() bool {
		for _, f := range sum.Reasons {
			if f.Reason == why && f.Withholds() {
				return true
			}
		}
		return false
	}, "%s: %v", k, sum.Reasons)
}

// TestJoin: one window is over all devices; what has no kind in its name is of the GPUs.
func TestJoin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost()
		m := h.run(t, h.gpus, h.processor())
		assert.Equal(t, "simulated+simulated#2", m.Source.Name)
		assert.True(t, m.Source.Simulated)
		require.Len(t, m.Devices, 2)
		gpus := h.gpus.TrueJoules(m.Start, m.End)
		cpu, dram := h.cpus.TrueJoules(m.Start, m.End, 0), h.cpus.TrueJoules(m.Start, m.End, 1)
		requireTruth(t, h.gpus, m, m.Start, m.End)
		requireKind(t, m, energy.GPU, gpus)
		requireKind(t, m, energy.CPU, cpu)
		requireKind(t, m, energy.DRAM, dram)
		requireKind(t, m, energy.AllKinds, gpus+cpu+dram)
		all := ofKind(t, m, energy.AllKinds)
		assert.Equal(t, []energy.Kind{energy.GPU, energy.CPU, energy.DRAM}, all.Of)
		assert.Equal(t, 4, all.Count)
		assert.Empty(t, m.Reasons)
		require.Len(t, m.AllDevices(), 4)
		assert.Equal(t, "simulated#2", m.AllDevices()[2].Device.Source)
		assert.InDelta(t, 100*time.Millisecond, m.Devices[0].Period, 1e6)
		assert.InDelta(t, 10*time.Millisecond, m.AllDevices()[2].Period, 1e6)
	})
}

// TestJoinOneFails: a source that hangs, that loses its devices, or whose counters are dead
// takes its own numbers and that of all, whichever it is; and nobody waits for it.
func TestJoinOneFails(t *testing.T) {
	hang := func(src energy.Source) (energy.Source, func()) { return energytest.Hang(src, 12) }
	lose := func(src energy.Source) (energy.Source, func()) {
		return energytest.Lose(energytest.Lose(src, 0, 12), 1, 12), func() {}
	}
	freeze := func(src energy.Source) (energy.Source, func()) { return energytest.Freeze(src, 12), func() {} }
	for name, tt := range map[string]struct {
		fault func(energy.Source) (energy.Source, func())
		want  energy.Reason
	}{
		"hangs":   {hang, energy.SourceStalled},
		"is lost": {lose, energy.DeviceLost},
		"is dead": {freeze, energy.CounterStale},
	} {
		t.Run("processor "+name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := newHost()
				cpus, release := tt.fault(h.processor())
				m := h.run(t, h.gpus, cpus)
				release()
				requireTruth(t, h.gpus, m, m.Start, m.End)
				assert.Empty(t, m.Reasons)
				requireNone(t, m, energy.CPU, tt.want)
				requireNone(t, m, energy.AllKinds, energy.PartialCohort)
				assert.Less(t, m.Waited, 1500*time.Millisecond, "longer than until it is given up")
			})
		})
		t.Run("GPU "+name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := newHost()
				gpus, release := tt.fault(h.gpus)
				m := h.run(t, gpus, h.processor())
				release()
				assert.False(t, m.Valid)
				assert.True(t, m.Has(tt.want), "%v", m.Reasons)
				requireKind(t, m, energy.CPU, h.cpus.TrueJoules(m.Start, m.End, 0))
				requireNone(t, m, energy.AllKinds, energy.PartialCohort)
			})
		})
	}
}

// TestJoinReadsEachByItself: calls that take longer than the others' refresh period do not
// make those worse.
func TestJoinReadsEachByItself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost()
		alone := ofKind(t, h.run(t, h.processor()), energy.CPU)
		beside := ofKind(t, h.run(t, energytest.Late(h.gpus, 80*time.Millisecond), h.processor()), energy.CPU)
		require.True(t, alone.Valid && beside.Valid, "%v %v", alone.Reasons, beside.Reasons)
		ofCPU := alone.Energy.HalfWidth()
		for _, d := range beside.Devices {
			assert.Less(t, d.Energy.HalfWidth(), 2*ofCPU)
		}
	})
}

// TestJoinOfOneThatIsMissing: what could not be opened is missing from the sum over all, with
// its reason, and from nothing else.
func TestJoinOfOneThatIsMissing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost()
		src, err := energy.Join(h.gpus, energy.Unavailable("rapl", fs.ErrPermission))
		require.NoError(t, err)
		assert.Equal(t, h.gpus.Info().Name, src.Info().Name, "the name is that of what is measured")
		assert.ErrorIs(t, energy.Missing(src), fs.ErrPermission)
		assert.ErrorContains(t, energy.Missing(src), "rapl: ")
		m := measure(t, src, func() { time.Sleep(time.Second) })
		requireTruth(t, h.gpus, m, m.Start, m.End)
		assert.Empty(t, m.Reasons)
		requireNone(t, m, energy.AllKinds, energy.SourceUnavailable)
		assert.Equal(t, "rapl", ofKind(t, m, energy.AllKinds).Reasons[0].Source)
		assert.NoError(t, energy.Missing(h.gpus))
	})
}

// TestJoinOfThePast: servers are asked for the same window, and one that fails takes its own.
func TestJoinOfThePast(t *testing.T) {
	for _, failure := range []error{nil, errors.New("no route")} {
		synctest.Test(t, func(t *testing.T) {
			one, other := newMemory(1), newMemory(2)
			one.waits, other.waits, other.err = 3*time.Second, 3*time.Second, failure
			cpus := energytest.Redescribe(other, func(d *energy.Device) { d.UUID, d.Kind = "CPU-"+d.UUID, energy.CPU })
			src, err := energy.Join(one, &renamed{other, cpus.Devices()}, energy.Unavailable("smi", fs.ErrNotExist))
			require.NoError(t, err)
			time.Sleep(10*time.Second + 300*time.Millisecond)
			start := time.Now()
			time.Sleep(20 * time.Second)
			m := energy.MeasurePast(t.Context(), src.(energy.HistorySource), energy.Span{Start: start, End: time.Now()})
			require.True(t, m.Valid, "%v", m.Reasons)
			assert.Equal(t, 3*time.Second, m.Waited, "they are asked at the same time")
			if failure != nil {
				requireNone(t, m, energy.CPU, energy.SourceStalled)
			} else {
				requireKind(t, m, energy.CPU, other.TrueJoules(m.Start, m.End))
			}
			requireNone(t, m, energy.AllKinds, energy.SourceUnavailable)
		})
	}
}

// renamed is a memory whose devices are others.
type renamed struct {
	*memory
	devices []energy.Device
}

func (r *renamed) Devices() []energy.Device { return r.devices }

func TestJoinRefuses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost()
		_, err := energy.Join(h.gpus, exact(3))
		require.ErrorIs(t, err, energy.ErrMalformed)
		assert.ErrorContains(t, err, "is a device of both simulated and simulated#2")
		_, err = energy.Join(h.processor(), newMemory(1))
		require.ErrorIs(t, err, energy.ErrMalformed)
		assert.ErrorContains(t, err, "simulated is read while a window is open, and memory is asked for it afterwards")
		_, err = energy.Join()
		require.ErrorIs(t, err, energy.ErrMalformed)
		alone, err := energy.Join(h.gpus)
		require.NoError(t, err)
		assert.Same(t, h.gpus, alone)
		inner, err := energy.Join(h.gpus, h.processor())
		require.NoError(t, err)
		outer, err := energy.Join(inner, energy.Unavailable("amd", fs.ErrNotExist))
		require.NoError(t, err)
		assert.Len(t, energy.Parts(outer), 3)
	})
}

// TestJoinRefusesOneTwice: two sources that name one device differently, by its vendor's
// UUID and by its place, count it once or not at all.
func TestJoinRefusesOneTwice(t *testing.T) {
	as := func(seed uint64, d energy.Device) energy.Source {
		src := simsource.New(simsource.Config{GPUs: 1, Seed: seed})
		t.Cleanup(func() { _ = src.Close() })
		return energytest.Redescribe(src, func(is *energy.Device) {
			is.UUID, is.PCI, is.Host, is.Kind = d.UUID, d.PCI, d.Host, d.Kind
		})
	}
	gpu := energy.Device{UUID: "GPU-1", PCI: "00000000:3B:00.0"}
	cpu := energy.Device{UUID: "CPU-package-0", Kind: energy.CPU}
	for _, tt := range []struct {
		a, b  energy.Device
		twice bool
	}{
		{gpu, energy.Device{UUID: "box/0000:3b:00.0", PCI: "0000:3b:00.0"}, true},
		{gpu, energy.Device{UUID: "localhost:4938/0000:3b:00.0", PCI: "0000:3b:00.0", Host: "localhost"}, true},
		{gpu, energy.Device{UUID: "[::1]:4938/3b:00.0", PCI: "3b:00.0", Host: "::1"}, true},
		{gpu, energy.Device{UUID: "box/0000:3c:00.0", PCI: "0000:3c:00.0"}, false},
		{gpu, energy.Device{UUID: "far:4938/0000:3b:00.0", PCI: "0000:3b:00.0", Host: "far"}, false},
		{gpu, energy.Device{UUID: "GPU-2", PCI: "0000:3b:00.0"}, false},
		{gpu, energy.Device{UUID: "box/gpu/0"}, false},
		{energy.Device{UUID: "a/0"}, energy.Device{UUID: "b/0"}, false},
		{cpu, energy.Device{UUID: "127.0.0.1:4938/cpu/0", Host: "127.0.0.1", Kind: energy.CPU}, true},
		{cpu, energy.Device{UUID: "far:4938/cpu/0", Host: "far", Kind: energy.CPU}, false},
		{cpu, energy.Device{UUID: "box/dram/0", Kind: energy.DRAM}, false},
		{energy.Device{UUID: "far/cpu/0", Host: "far", Kind: energy.CPU}, energy.Device{UUID: "far/cpu/1", Host: "far", Kind: energy.CPU}, false},
	} {
		for _, pair := range [][2]energy.Device{{tt.a, tt.b}, {tt.b, tt.a}} {
			_, err := energy.Join(as(1, pair[0]), as(2, pair[1]))
			if !tt.twice {
				assert.NoError(t, err, "%v", pair)
				continue
			}
			require.ErrorIs(t, err, energy.ErrMalformed, "%v", pair)
			assert.ErrorContains(t, err, pair[1].UUID+" is a device of both simulated and simulated#2, and would count twice")
		}
	}
}

// TestJoinSelected: only the devices that are selected are read and summed up.
func TestJoinSelected(t *testing.T) {
	for _, tt := range []struct {
		selectors []string
		gpus      int
		kinds     []energy.Kind
	}{
		{[]string{"1"}, 1, nil},
		{[]string{"0-1", "cpu"}, 2, []energy.Kind{energy.CPU, energy.AllKinds}},
		{[]string{"gpu:0", "dram:0"}, 1, []energy.Kind{energy.DRAM, energy.AllKinds}},
	} {
		synctest.Test(t, func(t *testing.T) {
			h := newHost()
			src, err := energy.Join(h.gpus, h.processor(), energy.Unavailable("amd", fs.ErrNotExist))
			require.NoError(t, err)
			r, err := energy.NewRecorderOf(src, energy.Selection{Devices: tt.selectors})
			require.NoError(t, err)
			w := r.Open()
			require.NoError(t, w.WaitTicks(t.Context(), 2))
			w.Resume()
			time.Sleep(time.Second)
			m := w.Measure(t.Context())
			require.True(t, m.Valid, "%v", m.Reasons)
			assert.Len(t, m.Devices, tt.gpus)
			var kinds []energy.Kind
			for _, k := range m.Kinds {
				assert.True(t, k.Valid, "%v", k.Reasons)
				kinds = append(kinds, k.Kind)
			}
			assert.Equal(t, tt.kinds, kinds)
		})
	}
}

// TestJoinRecorded: a recording of several sources measures the same again.
func TestJoinRecorded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost()
		src, err := energy.Join(h.gpus, h.processor())
		require.NoError(t, err)
		w := energy.NewRecorder(src).Open()
		w.Record()
		require.NoError(t, w.WaitTicks(t.Context(), 2))
		w.Resume()
		done := h.busy()
		time.Sleep(time.Second)
		done()
		m := w.Measure(t.Context())
		text, err := json.Marshal(w.Recording())
		require.NoError(t, err)
		var back energy.Recording
		require.NoError(t, json.Unmarshal(text, &back))
		again := energy.MeasurePast(t.Context(), replayed(t, back), energy.Span{Start: m.Start, End: m.End})
		require.Len(t, again.Kinds, len(m.Kinds))
		assert.InEpsilon(t, m.Energy.Joules, again.Energy.Joules, 0.01)
		for i, k := range m.Kinds {
			assert.Equal(t, k.Kind, again.Kinds[i].Kind)
			assert.Equal(t, k.Count, again.Kinds[i].Count)
			assert.InEpsilon(t, k.Energy.Joules, again.Kinds[i].Energy.Joules, 0.01)
		}
	})
}

// TestJoinInspects: the states are those of the sources that report them; one that hangs
// takes none of the others.
func TestJoinInspects(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost()
		slow := &inspected{Source: h.processor(), release: make(chan struct{})}
		src, err := energy.Join(h.gpus, slow)
		require.NoError(t, err)
		r := energy.NewRecorder(src)
		states := r.Inspect(t.Context())
		close(slow.release)
		require.Len(t, states, 4)
		for i, s := range states {
			assert.Equal(t, i < 2, !s.At.IsZero(), i)
		}
		states = r.Inspect(t.Context())
		assert.False(t, states[3].At.IsZero())
		assert.Equal(t, 3, states[3].Device)
	})
}
