package amdsource

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/joulebench/joulebench/internal/drm/drmtest"
	"github.com/joulebench/joulebench/internal/hostid"
	"github.com/joulebench/joulebench/powertest/energy"
	"github.com/joulebench/joulebench/powertest/energy/energytest"
)

const tick = 20 * time.Millisecond

// TestConformance: a source on files does what every source must, by each way of reading.
func TestConformance(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := instinct(0, 3, 120, 400), instinct(1, 8, 3872, 400)
		root := drmtest.Write(t, a, b)
		defer run(t, root, tick, false, map[*drmtest.Card]float64{&a: 400, &b: 400})()
		opens := func(devices []string) (energy.Source, error) { return energy.Open("amd", "root="+root, devices) }
		assert.NoError(t, energytest.TestSource(func() (energy.Source, error) { return Open(Config{Root: root}) },
			energytest.ExpectWatts(399, 401), energytest.Opens(opens)))
	})
	for name, monitor := range map[string]map[string]string{
		"mean":   {"power1_average": "35000000\n"},
		"moment": {"power1_input": "35000000\n"},
		"table":  {},
	} {
		synctest.Test(t, func(t *testing.T) {
			c := radeon("0000:03:00.0", monitor)
			c.Files["gpu_metrics"] = string(blob(3, 120, fields{watts: 35, firmware: 1<<64 - 1}))
			root := drmtest.Write(t, c)
			opens := func(devices []string) (energy.Source, error) { return energy.Open("amd", "root="+root, devices) }
			assert.NoError(t, energytest.TestSource(func() (energy.Source, error) { return Open(Config{Root: root}) },
				energytest.Static(), energytest.ExpectWatts(34, 36), energytest.Opens(opens)), name)
		})
	}
}

// TestJoules: the recorder and the files together, at a constant power, beside its truth.
func TestJoules(t *testing.T) {
	for _, r := range revisions[3:10] {
		synctest.Test(t, func(t *testing.T) {
			c := instinct(0, r.content, r.size, 400)
			root := drmtest.Write(t, c)
			defer run(t, root, tick, false, map[*drmtest.Card]float64{&c: 400})()
			s, err := Open(Config{Root: root})
			require.NoError(t, err)
			defer s.Close()
			m := measure(t, s, 2*time.Second)
			require.True(t, m.Valid, "%v", m.Reasons)
			assert.LessOrEqual(t, m.Energy.Low, 800.0)
			assert.GreaterOrEqual(t, m.Energy.High, 800.0)
			assert.Less(t, m.Energy.ErrPercent(), 2.0)
			require.NotNil(t, m.Devices[0].Check)
			assert.InEpsilon(t, 1, m.Devices[0].Check.Ratio, 0.02)
		})
	}
}

// TestMilliseconds: a counter that is new at each read, as that of an Instinct is said to be,
// from a driver that takes its time.
func TestMilliseconds(t *testing.T) {
	for _, late := range []time.Duration{0, time.Millisecond, 5 * time.Millisecond} {
		synctest.Test(t, func(t *testing.T) {
			c := instinct(0, 8, 3872, 400)
			root := drmtest.Write(t, c)
			defer run(t, root, time.Millisecond, false, map[*drmtest.Card]float64{&c: 400})()
			s, err := Open(Config{Root: root})
			require.NoError(t, err)
			defer s.Close()
			m := measure(t, energytest.Late(s, late), time.Second)
			require.True(t, m.Valid, "%v: %v", late, m.Reasons)
			assert.LessOrEqual(t, m.Energy.Low, 400.0, "%v", late)
			assert.GreaterOrEqual(t, m.Energy.High, 400.0, "%v", late)
			assert.Less(t, m.Energy.ErrPercent(), 1.5, "%v", late)
		})
	}
}

// measure measures a time, once the ticks are known.
func measure(t *testing.T, s energy.Source, d time.Duration) energy.Measurement {
	t.Helper()
	w := energy.NewRecorder(s).Open()
	_ = w.WaitTicks(t.Context(), 2)
	w.Resume()
	time.Sleep(d)
	w.Pause()
	return w.Measure(t.Context())
}

// TestFaults: what goes wrong while a window is open withholds its number, and says why.
func TestFaults(t *testing.T) {
	for name, tt := range map[string]struct {
		fault func(energy.Source) energy.Source
		want  energy.Reason
	}{
		"frozen":       {func(s energy.Source) energy.Source { return energytest.Freeze(s, 30) }, energy.CounterStale},
		"reset":        {func(s energy.Source) energy.Source { return energytest.Reset(s, 0, 30) }, energy.CounterReset},
		"backwards":    {func(s energy.Source) energy.Source { return energytest.Backwards(s, 0, 30) }, energy.CounterReset},
		"jump":         {func(s energy.Source) energy.Source { return energytest.Jump(s, 0, 30, 1e5) }, energy.CounterJump},
		"lost":         {func(s energy.Source) energy.Source { return energytest.Lose(s, 0, 30) }, energy.DeviceLost},
		"another unit": {func(s energy.Source) energy.Source { return unitOf(s, 1.5) }, energy.CounterDisagrees},
	} {
		synctest.Test(t, func(t *testing.T) {
			c := instinct(0, 3, 120, 400)
			root := drmtest.Write(t, c)
			defer run(t, root, tick, false, map[*drmtest.Card]float64{&c: 400})()
			s, err := Open(Config{Root: root})
			require.NoError(t, err)
			defer s.Close()
			m := measure(t, tt.fault(s), 3*time.Second)
			assert.False(t, m.Valid, name)
			assert.True(t, m.Has(tt.want), "%s: %v", name, m.Reasons)
		})
	}
	synctest.Test(t, func(t *testing.T) { // as in a reset, in the middle: the counter goes on
		c := instinct(0, 3, 120, 400)
		root := drmtest.Write(t, c)
		defer run(t, root, tick, false, map[*drmtest.Card]float64{&c: 400})()
		s, err := Open(Config{Root: root})
		require.NoError(t, err)
		defer s.Close()
		m := measure(t, energytest.Error(s, 0, 30, 10, errNoEnergy), 3*time.Second)
		require.True(t, m.Valid, "%v", m.Reasons)
		assert.InEpsilon(t, 1200, m.Energy.Joules, 0.02)
	})
}

// scaled multiplies the joules of a source, and leaves its power.
type scaled struct {
	energy.Source
	factor float64
}

func unitOf(s energy.Source, factor float64) energy.Source { return scaled{s, factor} }

func (s scaled) Read(dst []energy.Reading) {
	s.Source.Read(dst)
	for i := range dst {
		dst[i].Joules *= s.factor
	}
}

// TestDevices: how GPUs are named, counted, limited and read.
func TestDevices(t *testing.T) {
	a, b := instinct(0, 3, 120, 400), radeon("0000:03:00.0", nil)
	other := drmtest.Card{PCI: "0000:00:02.0", Vendor: 0x8086, Model: 0x56a0, Driver: "i915"}
	root := drmtest.Write(t, other, a, b)
	require.NoError(t, os.MkdirAll(filepath.Join(root, "sys/module/amdgpu"), 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(root, "sys/module/amdgpu/version"), []byte("6.12.12\n"), 0o644))
	defer run(t, root, tick, true, map[*drmtest.Card]float64{&a: 400})()
	for below, host := range map[string]string{root: "@" + hostid.Of(root), filepath.Join(root, "sys"): ""} {
		s, err := Open(Config{Root: below})
		require.NoError(t, err)
		defer s.Close()
		assert.Equal(t, energy.Info{Name: "amd", Version: "amdgpu 6.12.12"}, s.Info())
		assert.Empty(t, s.LeftOut())
		assert.Equal(t, []energy.Device{{
			UUID: "PCI-0000:03:00.0" + host, Index: 0, Name: "AMD GPU 1002:73bf", PCI: "0000:03:00.0", Driver: "amdgpu", PowerLimit: 255,
			Method: energy.Gauge, Metric: "hwmon power1_average, a mean over an unknown time",
		}, {
			UUID: "GPU-c0ffee0000000000", Index: 1, Name: "AMD Instinct MI300X OAM", PCI: "0000:10:00.0", Driver: "amdgpu", VBIOS: "113-M3000100-102", PowerLimit: 750,
			Method: energy.Counter, Metric: "gpu_metrics energy_accumulator and socket power", Resolution: 1.0 / 65536,
		}}, s.Devices())
	}
}

// TestTemperature: that of the chip's edge, where there is one.
func TestTemperature(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := instinct(0, 3, 120, 400)
		root := drmtest.Write(t, a, radeon("0000:03:00.0", nil))
		defer run(t, root, tick, false, map[*drmtest.Card]float64{&a: 400})()
		s, err := Open(Config{Root: root})
		require.NoError(t, err)
		states := []energy.State{{Device: 1}, {Device: 0}, {Device: 2}}
		s.Inspect(states)
		assert.Equal(t, []energy.State{{Device: 1, At: states[0].At, Celsius: 41, HasCelsius: true}, {Device: 0, At: states[1].At}}, states[:2])
		assert.ErrorIs(t, states[2].Err, energy.ErrNoDevice)
		require.NoError(t, os.Remove(filepath.Join(a.MonitorDir(root), "temp1_input")))
		s.Inspect(states)
		assert.ErrorIs(t, states[0].Err, fs.ErrNotExist)
		require.NoError(t, s.Close())
		s.Inspect(states)
		assert.ErrorIs(t, states[0].Err, fs.ErrClosed)
	})
}

// TestAlike: GPUs that have one identity between them have their addresses.
func TestAlike(t *testing.T) {
	var cards []drmtest.Card
	for i, pci := range []string{"0000:03:00.0", "0000:04:00.0", "0000:05:00.0", "0000:06:00.0"} {
		c := radeon(pci, nil)
		c.Files["unique_id"] = []string{"0123456789abcdef\n", "0123456789abcdef\n", "0000000000000000\n", "fedcba9876543210\n"}[i]
		cards = append(cards, c)
	}
	s, err := Open(Config{Root: drmtest.Write(t, cards...)})
	require.NoError(t, err)
	defer s.Close()
	var names []string
	for _, d := range s.Devices() {
		name, _, _ := strings.Cut(d.UUID, "@")
		names = append(names, name)
	}
	assert.Equal(t, []string{"PCI-0000:03:00.0", "PCI-0000:04:00.0", "PCI-0000:05:00.0", "GPU-fedcba9876543210"}, names)
}

// TestWays: what a GPU lacks, or has and is not to be believed, leaves the next best way.
func TestWays(t *testing.T) {
	garbage := fields{watts: 9999, energy: 0xff, clock: 1, firmware: 1}
	believable := string(blob(3, 120, fields{watts: 40, energy: 1 << 30, firmware: 1}))
	for name, tt := range map[string]struct {
		table   string
		monitor map[string]string
		metric  string
		watts   float64
	}{
		"Vega 20":            {string(blob(0, 80, garbage)), map[string]string{"power1_average": "21000000\n"}, "hwmon power1_average, a mean over an unknown time", 21},
		"a counter frozen":   {believable, map[string]string{"power1_input": "41000000\n"}, "hwmon power1_input, the power of the moment (no counter: the counter stands still)", 41},
		"no table":           {"", map[string]string{"power1_input": "41500000\n"}, "hwmon power1_input, the power of the moment", 41.5},
		"a new table":        {string(blob(3, 128, fields{})), map[string]string{"power1_average": "5000000"}, "hwmon power1_average, a mean over an unknown time (no counter: no answer: the table of metrics cannot be understood)", 5},
		"6900 XT":            {string(capture(t, "rx6900xt")), map[string]string{"power1_average": "37000000\n"}, "hwmon power1_average, a mean over an unknown time", 37},
		"no monitor":         {string(capture(t, "rx7800xt")), nil, "gpu_metrics socket power, in whole watts", 32},
		"a monitor of zeros": {string(capture(t, "rx7800xt")), map[string]string{"power1_average": "0\n", "power1_input": "N/A\n"}, "gpu_metrics socket power, in whole watts", 32},
	} {
		synctest.Test(t, func(t *testing.T) {
			c := radeon("0000:03:00.0", tt.monitor)
			if tt.monitor == nil {
				c.Monitor = nil
			}
			if tt.table != "" {
				c.Files["gpu_metrics"] = tt.table
			}
			s, err := Open(Config{Root: drmtest.Write(t, c)})
			require.NoError(t, err, name)
			defer s.Close()
			r := []energy.Reading{{}}
			s.Read(r)
			assert.NoError(t, r[0].Err, name)
			assert.Equal(t, tt.metric, s.Devices()[0].Metric, name)
			assert.Equal(t, energy.Reading{Watts: tt.watts, HasWatts: true}, energy.Reading{Watts: r[0].Watts, HasWatts: r[0].HasWatts, HasJoules: r[0].HasJoules}, name)
		})
	}
}

// TestOneSocketOnce: a card of two dies counts once, and says so; a divided GPU is one; the
// power of an APU contains that of its processor.
func TestOneSocketOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b, c, d := instinct(0, 3, 120, 500), instinct(1, 3, 120, 0), instinct(2, 3, 120, 500), instinct(3, 3, 120, 0)
		for _, second := range []drmtest.Card{b, d} {
			second.Files["gpu_metrics"] = string(blob(3, 120, fields{firmware: 5}))
			second.Monitor["power1_average"] = "0\n"
		}
		root := drmtest.Write(t, a, b, c, d)
		defer run(t, root, tick, false, map[*drmtest.Card]float64{&a: 500, &c: 500})()
		s, err := Open(Config{Root: root})
		require.NoError(t, err)
		defer s.Close()
		require.Len(t, s.Devices(), 2)
		assert.Empty(t, s.LeftOut(), "the first dies count them")
		for _, dev := range s.Devices() {
			require.Len(t, dev.Marks, 1)
			assert.Equal(t, energy.MIGParentScope, dev.Marks[0].Reason, "it contains no CPU")
			assert.Contains(t, dev.Marks[0].Detail, "the second ones report nothing (0000:20:00.0, 0000:40:00.0)")
		}
		one, err := Open(Config{Root: root, Devices: []string{"2"}})
		require.NoError(t, err)
		defer one.Close()
		assert.Len(t, one.Devices()[0].Marks, 1, "that of a first die says so, too")
		_, err = Open(Config{Root: root, Devices: []string{"1"}})
		assert.ErrorIs(t, err, energy.ErrNoEnergy)
		assert.ErrorContains(t, err, "second die")
	})
	synctest.Test(t, func(t *testing.T) { // a lone one is named
		a, b := instinct(0, 3, 120, 0), radeon("0000:03:00.0", nil)
		a.Files["gpu_metrics"] = string(blob(3, 120, fields{firmware: 5}))
		s, err := Open(Config{Root: drmtest.Write(t, a, b)})
		require.NoError(t, err)
		defer s.Close()
		require.Len(t, s.LeftOut(), 1)
		assert.Contains(t, s.LeftOut()[0].String(), "GPU 1 (AMD Instinct MI300X OAM, GPU-c0ffee0000000000): its energy and its power are 0")
	})
	synctest.Test(t, func(t *testing.T) { // partitions
		a := instinct(0, 6, 1664, 500)
		a.Files["current_compute_partition"] = "CPX\n"
		cards := []drmtest.Card{a}
		for _, name := range []string{"amdgpu_xcp.0", "amdgpu_xcp.1"} {
			cards = append(cards, drmtest.Card{Platform: name, Files: map[string]string{"gpu_metrics": string(blob(6, 1664, fields{500, 1 << 40, 1, 1}))}})
		}
		root := drmtest.Write(t, cards...)
		defer run(t, root, tick, false, map[*drmtest.Card]float64{&a: 500})()
		s, err := Open(Config{Root: root})
		require.NoError(t, err)
		defer s.Close()
		require.Len(t, s.Devices(), 1)
		require.Len(t, s.Devices()[0].Marks, 1)
		assert.Equal(t, energy.MIGParentScope, s.Devices()[0].Marks[0].Reason)
		assert.Contains(t, s.Devices()[0].Marks[0].Detail, "(CPX; 2 beside the first are shown on this machine)")
		whole, err := Open(Config{Root: root, Devices: []string{"0"}})
		require.NoError(t, err)
		defer whole.Close()
		assert.Empty(t, whole.Devices()[0].Marks, "it was meant as a whole")
		require.NoError(t, os.WriteFile(filepath.Join(a.Dir(root), "current_compute_partition"), []byte("SPX\n"), 0o644))
		undivided, err := Open(Config{Root: root})
		require.NoError(t, err)
		defer undivided.Close()
		assert.Empty(t, undivided.Devices()[0].Marks)
	})
	synctest.Test(t, func(t *testing.T) { // processors with graphics
		for _, name := range []string{"phoenix", "strixpoint"} {
			c := radeon("0000:c3:00.0", map[string]string{"power1_input": "14000000\n"})
			c.Files["gpu_metrics"] = string(capture(t, name))
			s, err := Open(Config{Root: drmtest.Write(t, c)})
			require.NoError(t, err)
			defer s.Close()
			assert.Equal(t, energy.Module, s.Devices()[0].Kind)
			require.Len(t, s.Devices()[0].Marks, 1)
			assert.Equal(t, energy.ModuleScope, s.Devices()[0].Marks[0].Reason)
			assert.Equal(t, "the power is that of the whole APU, its CPU included", s.Devices()[0].Marks[0].Detail)
		}
		c := instinct(0, 8, 3872, 400)
		c.Model = 0x74a0 // an MI300A
		root := drmtest.Write(t, c)
		defer run(t, root, tick, false, map[*drmtest.Card]float64{&c: 400})()
		s, err := Open(Config{Root: root})
		require.NoError(t, err)
		defer s.Close()
		assert.Equal(t, energy.GPU, s.Devices()[0].Kind.OrGPU(), "it is an accelerator")
		require.Len(t, s.Devices()[0].Marks, 1)
		assert.Equal(t, "the energy is that of the whole APU, its CPU included", s.Devices()[0].Marks[0].Detail)
	})
}

// TestAPUBesideGPU: graphics within a processor are no GPU beside a Radeon, measured or not,
// so that what is said of GPUs is of that.
func TestAPUBesideGPU(t *testing.T) {
	apu := radeon("0000:c3:00.0", map[string]string{"power1_input": "14000000\n"})
	silent := radeon("0000:c4:00.0", nil)
	silent.Monitor = nil
	for _, c := range []drmtest.Card{apu, silent} {
		c.Files["gpu_metrics"] = string(capture(t, "phoenix"))
	}
	root := drmtest.Write(t, radeon("0000:03:00.0", nil), apu, silent)
	s, err := Open(Config{Root: root})
	require.NoError(t, err)
	defer s.Close()
	kinds := energy.KindsOf(s.Devices())
	assert.Equal(t, []energy.Kind{energy.GPU, energy.Module}, kinds)
	assert.Equal(t, []energy.Kind{energy.GPU}, energy.Leading(kinds))
	require.Len(t, s.LeftOut(), 1)
	assert.Equal(t, energy.Module, s.LeftOut()[0].Kind)
	for selector, want := range map[string]string{"0": "0000:03:00.0", "module:1": "0000:c3:00.0"} {
		one, err := Open(Config{Root: root, Devices: []string{selector}})
		require.NoError(t, err, selector)
		assert.Equal(t, want, one.Devices()[0].PCI)
		assert.NoError(t, one.Close())
	}
}

// TestErrors: what is not there, is not readable, or is not asked for rightly.
func TestErrors(t *testing.T) {
	_, err := energy.Open("amd", "host=/host", nil)
	assert.ErrorIs(t, err, energy.ErrMalformed)
	assert.ErrorContains(t, err, "write amd, or amd=root=DIR")
	_, err = energy.Open("amd", "root="+t.TempDir(), nil)
	assert.ErrorIs(t, err, fs.ErrNotExist)
	assert.ErrorContains(t, err, "mount the host's /sys")
	_, err = energy.Open("amd", "root="+drmtest.Write(t), nil)
	assert.ErrorIs(t, err, energy.ErrNoDevice)
	assert.ErrorContains(t, err, "the kernel shows no AMD GPU")

	bare := radeon("0000:03:00.0", nil)
	bare.Monitor = nil
	root := drmtest.Write(t, bare)
	_, err = Open(Config{Root: root})
	assert.ErrorIs(t, err, energy.ErrNoEnergy)
	assert.ErrorIs(t, err, errors.ErrUnsupported)
	s, err := Open(Config{Root: drmtest.Write(t, bare, radeon("0000:04:00.0", nil))})
	require.NoError(t, err)
	defer s.Close()
	require.Len(t, s.LeftOut(), 1)
	assert.Contains(t, s.LeftOut()[0].String(), "it reports neither energy nor power")
	_, err = Open(Config{Root: root, Devices: []string{"0", "GPU-1"}})
	assert.ErrorIs(t, err, energy.ErrNoDevice)
	_, err = Open(Config{Root: root, Devices: []string{"0,"}})
	assert.ErrorIs(t, err, energy.ErrMalformed)
}

// TestUnreadable: as another user, whose files they are not.
func TestUnreadable(t *testing.T) {
	a, b := instinct(0, 3, 120, 400), instinct(1, 3, 120, 400)
	root := drmtest.Write(t, a, b)
	for _, path := range []string{
		filepath.Join(a.Dir(root), "gpu_metrics"), filepath.Join(a.MonitorDir(root), "power1_average"), filepath.Join(b.Dir(root), "gpu_metrics"),
	} {
		require.NoError(t, os.Chmod(path, 0o600))
	}
	asOther(t, root, func() {
		_, err := Open(Config{Root: root, Devices: []string{"0"}})
		assert.ErrorIs(t, err, fs.ErrPermission)
		assert.ErrorContains(t, err, "gpu_metrics")
		assert.ErrorContains(t, err, "let this user read the files below "+root)
		_, err = Open(Config{Root: root})
		assert.ErrorIs(t, err, fs.ErrPermission, "it is not left out: it can be remedied")
		s, err := Open(Config{Root: root, Devices: []string{"1"}})
		if assert.NoError(t, err) {
			assert.Equal(t, energy.Gauge, s.Devices()[0].Method)
			assert.Contains(t, s.Devices()[0].Metric, "gpu_metrics: permission denied)", "and why it is no counter")
			assert.NoError(t, s.Close())
		}
	})
}

// asOther runs what opens files as a user who does not own them. Only the thread is
// another's, which ends with it.
func asOther(t *testing.T, root string, run func()) {
	t.Helper()
	for dir := root; strings.HasPrefix(dir, os.TempDir()+"/"); dir = filepath.Dir(dir) {
		require.NoError(t, os.Chmod(dir, 0o755))
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		if os.Geteuid() == 0 {
			runtime.LockOSThread()
			_ = unix.Setfsuid(65534)
		} else {
			for path, mode := range map[string]os.FileMode{"gpu_metrics": 0, "power1_average": 0} {
				_ = filepath.WalkDir(root, func(p string, d fs.DirEntry, _ error) error {
					if info, err := d.Info(); err == nil && d.Name() == path && info.Mode().Perm() == 0o600 {
						return os.Chmod(p, mode)
					}
					return nil
				})
			}
		}
		run()
	}()
	<-done
}

// TestVisible: what ROCm's variables leave is measured, where it is known which that is.
func TestVisible(t *testing.T) {
	devices := []energy.Device{{UUID: "GPU-aa", Index: 0}, {UUID: "GPU-bb", Index: 1}, {UUID: "GPU-cc", Index: 2}}
	for _, tt := range []struct {
		rocr, hip string
		want      []int
		says      string
	}{
		{"-", "-", []int{0, 1, 2}, ""},
		{"GPU-cc,GPU-aa", "-", []int{0, 2}, ""},
		{"GPU-cc,GPU-aa", "0,1", []int{0, 2}, ""},
		{"0,1,2", "-", []int{0, 1, 2}, ""},
		{"2,1,0", "GPU-bb", []int{1}, ""},
		{"-", "1", nil, "HIP_VISIBLE_DEVICES=\"1\" is ambiguous"},
		{"0,1", "-", nil, "ROCR_VISIBLE_DEVICES=\"0,1\" is ambiguous"},
		{"GPU-aa,GPU-bb", "0", nil, "is ambiguous"},
		{"", "-", nil, "hides every GPU"},
		{"-", "-1", nil, "hides every GPU"},
		{"GPU-dd", "-", nil, "hides every GPU"},
	} {
		env := func(name string) (string, bool) {
			v := map[string]string{"ROCR_VISIBLE_DEVICES": tt.rocr, "HIP_VISIBLE_DEVICES": tt.hip}[name]
			return v, v != "-"
		}
		at, byDefault, err := choose(devices, nil, env)
		if tt.says != "" {
			assert.ErrorIs(t, err, energy.ErrNoDevice, "%v", tt)
			assert.ErrorContains(t, err, tt.says)
			continue
		}
		require.NoError(t, err, "%v", tt)
		assert.True(t, byDefault)
		assert.Equal(t, tt.want, at, "%v", tt)
		at, byDefault, err = choose(devices, []string{"1"}, env)
		require.NoError(t, err)
		assert.False(t, byDefault)
		assert.Equal(t, []int{1}, at, "who names devices means them")
	}
}

// TestPlace: a reading is of when the driver got its table.
func TestPlace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		up := time.Hour
		m := &tableMeter{up: func() (time.Duration, bool) { return up + time.Since(start), true }}
		read := func(took, stampedAfter time.Duration) energy.Reading {
			r := energy.Reading{Before: time.Now()}
			stamp := up + time.Since(start) + stampedAfter
			time.Sleep(took)
			m.place(&r, quantity{uint64(stamp), true})
			return r
		}
		before := time.Now()
		r := read(8*time.Millisecond, 3*time.Millisecond)
		assert.Equal(t, before, r.Before)
		assert.Equal(t, before.Add(3*time.Millisecond), r.After, "what came after the stamp was copying")
		time.Sleep(time.Second)
		before = time.Now()
		r = read(time.Millisecond, -4*time.Millisecond)
		assert.Equal(t, before.Add(-4*time.Millisecond-making), r.Before, "it was made for another program")
		assert.Equal(t, time.Now(), r.After)
		before = time.Now()
		r = read(time.Millisecond, -5*time.Millisecond)
		assert.Equal(t, []time.Time{before, time.Now()}, []time.Time{r.Before, r.After}, "and says the same again")
		for name, stamp := range map[string]quantity{
			"unknown": {}, "zero": {0, true}, "old": {uint64(up / 2), true}, "the future": {uint64(2 * up), true}, "nonsense": {1 << 63, true},
		} {
			r := energy.Reading{Before: time.Now()}
			time.Sleep(time.Millisecond)
			m.place(&r, stamp)
			assert.Equal(t, time.Now(), r.After, name)
			assert.Equal(t, r.After.Add(-time.Millisecond), r.Before, name)
		}
	})
}
