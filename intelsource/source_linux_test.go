package intelsource

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/joulebench/joulebench/internal/drm"
	"github.com/joulebench/joulebench/internal/drm/drmtest"
	"github.com/joulebench/joulebench/internal/sysfs"
	"github.com/joulebench/joulebench/powertest"
	"github.com/joulebench/joulebench/powertest/doctor"
	"github.com/joulebench/joulebench/powertest/energy"
	"github.com/joulebench/joulebench/powertest/energy/energytest"
)

const tick = 20 * time.Millisecond

// arc is a card of one of Intel's drivers, with the files of its monitor.
func arc(pci, driver string, monitor map[string]string) drmtest.Card {
	if monitor != nil {
		monitor["name"] = driver + "\n"
	}
	return drmtest.Card{PCI: pci, Vendor: uint16(drm.Intel), Model: 0xe20b, Driver: driver, Monitor: monitor}
}

// Cards as others recorded them.
func a380i915() drmtest.Card {
	return arc("0000:03:00.0", "i915", map[string]string{"energy1_input": "25637161804\n", "power1_max": "55000000\n"})
}

func a380xe() drmtest.Card {
	return arc("0000:03:00.0", "xe", map[string]string{"energy2_input": "59540970520\n", "energy2_label": "pkg\n"})
}

func b580() drmtest.Card { // the card has counted less than its package, since it was read more seldom
	return arc("0000:04:00.0", "xe", map[string]string{
		"energy1_input": "11031745544\n", "energy1_label": "card\n", "energy2_input": "19014248107\n", "energy2_label": "pkg\n",
		"power1_max": "190000000\n", "power2_max": "220000000\n",
	})
}

// file is a counter of a card that uses a power.
type file struct {
	card  drmtest.Card
	name  string
	watts float64
}

// run makes counters count, with a tick, until the test ends. A file is overwritten by a
// text of the same length.
func run(t testing.TB, root string, list ...file) (stop func()) {
	t.Helper()
	var refresh []func(elapsed time.Duration)
	for _, f := range list {
		path := filepath.Join(f.card.MonitorDir(root), f.name)
		begin, err := sysfs.Number(path)
		require.NoError(t, err)
		file, err := os.OpenFile(path, os.O_WRONLY, 0)
		require.NoError(t, err)
		t.Cleanup(func() { file.Close() })
		refresh = append(refresh, func(elapsed time.Duration) {
			_, err := file.WriteAt(fmt.Appendf(nil, "%d\n", begin+uint64(math.Round(1e6*f.watts*elapsed.Seconds()))), 0)
			assert.NoError(t, err)
		})
	}
	return drmtest.Tick(tick, func(elapsed time.Duration) {
		for _, f := range refresh {
			f(elapsed)
		}
	})
}

// TestConformance: a source on files does what every source must.
func TestConformance(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := a380i915(), b580()
		root := drmtest.Write(t, a, b)
		defer run(t, root, file{a, "energy1_input", 60}, file{b, "energy1_input", 60}, file{b, "energy2_input", 50})()
		opens := func(devices []string) (energy.Source, error) {
			return energy.Open("intel", "root="+root, devices)
		}
		assert.NoError(t, energytest.TestSource(func() (energy.Source, error) { return Open(Config{Root: root}) },
			energytest.ExpectWatts(59, 61), energytest.Opens(opens)))
	})
}

// TestScopes: a card contains its package, and is read unless it cannot be right.
func TestScopes(t *testing.T) {
	for name, tt := range map[string]struct {
		card   drmtest.Card
		files  map[string]float64
		metric string
		limit  float64
		joules float64 // in 2 s
	}{
		"A380, i915":          {a380i915(), map[string]float64{"energy1_input": 40}, "hwmon energy1_input (no label)", 55, 80},
		"A380, xe":            {a380xe(), map[string]float64{"energy2_input": 40}, "hwmon energy2_input (pkg)", 0, 80},
		"B580":                {b580(), map[string]float64{"energy1_input": 100, "energy2_input": 80}, "hwmon energy1_input (card)", 190, 200},
		"B580, kernel 6.16":   {b580(), map[string]float64{"energy2_input": 80}, "hwmon energy2_input (pkg), since energy1_input (card) stands still", 220, 160},
		"less than its part":  {b580(), map[string]float64{"energy1_input": 40, "energy2_input": 80}, "hwmon energy2_input (pkg), since energy1_input (card) counts less than its part", 220, 160},
		"package stands, too": {b580(), map[string]float64{"energy1_input": 100}, "hwmon energy1_input (card)", 190, 200},
	} {
		synctest.Test(t, func(t *testing.T) {
			root := drmtest.Write(t, tt.card)
			var files []file
			for n, watts := range tt.files {
				files = append(files, file{tt.card, n, watts})
			}
			defer run(t, root, files...)()
			s, err := Open(Config{Root: root})
			require.NoError(t, err, name)
			defer s.Close()
			require.Len(t, s.Devices(), 1)
			d := s.Devices()[0]
			assert.Equal(t, tt.metric, d.Metric, name)
			assert.Equal(t, tt.limit, d.PowerLimit, name)
			assert.Equal(t, 30*time.Second, d.ReadWithin, name)
			w := energy.NewRecorder(s).Open()
			_ = w.WaitTicks(t.Context(), 2)
			w.Resume()
			time.Sleep(2 * time.Second)
			w.Pause()
			m := w.Measure(t.Context())
			require.True(t, m.Valid, "%s: %v", name, m.Reasons)
			assert.LessOrEqual(t, m.Energy.Low, tt.joules, name)
			assert.GreaterOrEqual(t, m.Energy.High, tt.joules, name)
			assert.Less(t, m.Energy.ErrPercent(), 2.0, name)
		})
	}
}

// TestErrors: what is not there, is no card, or says nothing.
func TestErrors(t *testing.T) {
	_, err := energy.Open("intel", "root=", nil)
	assert.ErrorIs(t, err, energy.ErrMalformed)
	_, err = energy.Open("intel", "root="+t.TempDir(), nil)
	assert.ErrorIs(t, err, fs.ErrNotExist)
	_, err = energy.Open("intel", "root="+drmtest.Write(t), nil)
	assert.ErrorIs(t, err, energy.ErrNoDevice)

	graphics := arc("0000:00:02.0", "i915", nil)
	_, err = Open(Config{Root: drmtest.Write(t, graphics)})
	assert.ErrorIs(t, err, errors.ErrUnsupported)
	assert.ErrorContains(t, err, "if it is within a processor, measure that")
	other := arc("0000:03:00.0", "xe", map[string]string{"energy3_input": "5\n", "energy3_label": "vram\n"})
	_, err = Open(Config{Root: drmtest.Write(t, other)})
	assert.ErrorIs(t, err, energy.ErrNoEnergy, "a part of unknown extent is no card")
	tile := arc("0000:03:00.0", "xe", map[string]string{"energy1_input": "5\n"})
	tile.Monitor["name"] = "i915_gt0\n"
	_, err = Open(Config{Root: drmtest.Write(t, tile)})
	assert.ErrorIs(t, err, energy.ErrNoEnergy, "nor is a part of one")

	synctest.Test(t, func(t *testing.T) {
		c := b580()
		root := drmtest.Write(t, graphics, c)
		_, err := Open(Config{Root: root})
		assert.ErrorIs(t, err, energy.ErrNoEnergy, "its counters stand still")
		defer run(t, root, file{c, "energy1_input", 100})()
		s, err := Open(Config{Root: root})
		require.NoError(t, err)
		defer s.Close()
		require.Len(t, s.LeftOut(), 1)
		assert.Contains(t, s.LeftOut()[0].String(), "GPU 0 (Intel GPU 8086:e20b, PCI-0000:00:02.0@")
		_, err = Open(Config{Root: root, Devices: []string{"all"}})
		assert.ErrorIs(t, err, energy.ErrNoEnergy)
		_, err = Open(Config{Root: root, Devices: []string{"2"}})
		assert.ErrorIs(t, err, energy.ErrNoDevice)
		require.NoError(t, os.WriteFile(filepath.Join(c.MonitorDir(root), "energy2_input"), []byte("N/A\n"), 0o644))
		_, err = Open(Config{Root: root, Devices: []string{"1"}})
		assert.ErrorIs(t, err, energy.ErrNoAnswer)
	})
}

// BenchmarkSleep is what TestOutput runs.
func BenchmarkSleep(tb *testing.B) {
	b := powertest.Wrap(tb)
	for b.Loop() {
		time.Sleep(time.Millisecond)
		b.AddTokens(10, 2)
	}
}

// TestOutput: a benchmark on a card whose files are made up, as a user runs it, on the
// real clock.
func TestOutput(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("measures on the real clock")
	}
	c := b580()
	root := drmtest.Write(t, c)
	defer run(t, root, file{c, "energy1_input", 150}, file{c, "energy2_input", 120})()
	r := drmtest.Bench(t, "BenchmarkSleep", "intel=root="+root)
	drmtest.RequireWatts(t, 150, r)
	for key, want := range map[string]string{"energy-source": "intel", "gpu": "Intel GPU 8086:e20b", "gpus": "1", "power-limit": "190W"} {
		assert.Equal(t, want, r.GetConfig(key), key)
	}
}

// TestDoctor: what powertest doctor says of a card.
func TestDoctor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := b580()
		root := drmtest.Write(t, c)
		defer run(t, root, file{c, "energy1_input", 100}, file{c, "energy2_input", 80})()
		s, err := Open(Config{Root: root})
		require.NoError(t, err)
		defer s.Close()
		report, err := doctor.Examine(t.Context(), s, doctor.Options{Watch: 3 * time.Second})
		require.NoError(t, err)
		var out bytes.Buffer
		require.NoError(t, report.WriteText(&out))
		assert.Contains(t, out.String(), "joules can be measured: 1 GPU by intel, refreshed every 20 ms")
		assert.Contains(t, out.String(), "read by hwmon energy1_input (card)")
		t.Log(out.String())
	})
}
