package amdsource

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"
	"time"

	"github.com/joulebench/joulebench/internal/drm"
	"github.com/joulebench/joulebench/internal/metricname"
	"github.com/joulebench/joulebench/internal/sysfs"
	"github.com/joulebench/joulebench/powertest/energy"
)

// gpu is a GPU, as far as it is known before it is measured.
type gpu struct {
	drm.Card
	device   energy.Device
	table    table // if tableErr is nil
	tableErr error
	sensors  string // the folder of its hardware monitor; empty if there is none
}

// inventory describes GPUs, and reads the table of metrics of each.
func inventory(cards []drm.Card) []gpu {
	gpus := make([]gpu, len(cards))
	for i, c := range cards {
		g := gpu{Card: c, sensors: c.Sensors("amdgpu")}
		uuid := sysfs.Text(filepath.Join(c.Dir, "unique_id"))
		if uuid != "" && strings.Trim(uuid, "0") != "" {
			uuid = "GPU-" + uuid // as ROCm names it
		} else {
			uuid = ""
		}
		name := cmp.Or(sysfs.Text(filepath.Join(c.Dir, "product_name")), fmt.Sprintf("AMD GPU %04x:%04x", uint16(drm.AMD), c.Model))
		g.device = c.Device(i, uuid, name)
		g.device.PowerLimit = sysfs.Watts(filepath.Join(g.sensors, "power1_cap"))
		if g.table, g.tableErr = tableOf(c); g.apu() {
			g.device.Kind = energy.Module
		}
		gpus[i] = g
	}
	nameAlike(gpus)
	return gpus
}

// nameAlike names GPUs that have one unique_id between them by their addresses: it is
// no identity, and each must count.
func nameAlike(gpus []gpu) {
	with := map[string]int{}
	for _, g := range gpus {
		with[g.device.UUID]++
	}
	for i := range gpus {
		if d := &gpus[i].device; with[d.UUID] > 1 {
			d.UUID = gpus[i].Device(i, "", "").UUID
		}
	}
}

// String names the GPU in messages.
func (g gpu) String() string {
	return fmt.Sprintf("GPU %d (%s, %s, %s)", g.device.Index, g.device.Name, g.device.UUID, g.PCI)
}

// tableOf reads the table of a GPU, which may be just waking up.
func tableOf(c drm.Card) (t table, err error) {
	m, err := openTable(c, true)
	if err != nil {
		return t, err
	}
	defer m.Close()
	for start := time.Now(); ; time.Sleep(retry) {
		t, err = m.read()
		if !errors.Is(err, energy.ErrNoAnswer) || errors.Is(err, errGarbled) || time.Since(start) > alive {
			return t, err
		}
	}
}

func openTable(c drm.Card, counter bool) (*tableMeter, error) {
	f, err := sysfs.OpenFile(filepath.Join(c.Dir, "gpu_metrics"), longest)
	if err != nil {
		return nil, err
	}
	return &tableMeter{file: f, counter: counter, up: bootTime}, nil
}

// way is a way in which a GPU may report its energy.
type way struct {
	metric string
	method energy.Method
	open   func(gpu) (drm.Meter, error)
}

// ways are all of them, best first. What is behind a power, nobody has seen yet: its
// device has no Sensor. A mean leaves less out than a power of the moment.
var ways = []way{
	{"gpu_metrics energy_accumulator and socket power", energy.Counter, func(g gpu) (drm.Meter, error) {
		switch _, counts := g.table.joules(); {
		case g.tableErr != nil:
			return nil, g.tableErr
		case !counts:
			return nil, energy.ErrNoEnergy
		case g.table.secondDie():
			return nil, errSecondDie
		}
		return openTable(g.Card, true)
	}},
	{"hwmon power1_average, a mean over an unknown time", energy.Gauge, func(g gpu) (drm.Meter, error) { return openGauge(g, "power1_average") }},
	{"hwmon power1_input, the power of the moment", energy.Gauge, func(g gpu) (drm.Meter, error) { return openGauge(g, "power1_input") }},
	{"gpu_metrics socket power, in whole watts", energy.Gauge, func(g gpu) (drm.Meter, error) {
		if _, has := g.table.power(); g.tableErr != nil || !has {
			return nil, cmp.Or(g.tableErr, energy.ErrNoEnergy)
		}
		return openTable(g.Card, false)
	}},
}

func openGauge(g gpu, name string) (drm.Meter, error) {
	if g.sensors == "" {
		return nil, energy.ErrNoEnergy
	}
	f, err := sysfs.OpenNumber(filepath.Join(g.sensors, name))
	if err != nil {
		return nil, err
	}
	return &gaugeMeter{f}, nil
}

// probe finds the best way to read the GPU. If there is none, it fails with the first
// failure that can be remedied, if there is one.
func (g gpu) probe() (drm.Meter, energy.Device, error) {
	dev := g.device
	var failure, uncounted error
	for _, w := range ways {
		m, err := w.open(g)
		if err == nil {
			if err = try(m); err != nil {
				_ = m.Close()
			}
		}
		switch {
		case err == nil:
			dev.Metric, dev.Method = w.metric, w.method
			if w.method == energy.Counter {
				dev.Resolution = unit
			} else if uncounted != nil {
				dev.Metric += fmt.Sprintf(" (no counter: %v)", uncounted)
			}
			dev.Marks = g.marks(w.method)
			return m, dev, nil
		case errors.Is(err, errSecondDie):
			return nil, dev, fmt.Errorf("amd: %s: %w\nchoose the first die", g, err)
		case errors.Is(err, energy.ErrDeviceLost):
			return nil, dev, fmt.Errorf("amd: %s: %w", g, err)
		case failure == nil && !absent(err):
			failure = fmt.Errorf("%s: %w", w.metric, err)
		}
		if w.method == energy.Counter && err != energy.ErrNoEnergy && !errors.Is(err, fs.ErrNotExist) {
			uncounted = err
		}
	}
	if failure == nil {
		return nil, dev, fmt.Errorf("amd: %s %w\nchoose other GPUs, with POWERTEST_DEVICES or -devices", g, energy.ErrNoEnergy)
	}
	advice := "choose other GPUs, with POWERTEST_DEVICES or -devices"
	switch {
	case errors.Is(failure, fs.ErrPermission):
		advice = "let this user read the files below " + g.Dir
	case errors.Is(failure, energy.ErrNoAnswer):
		advice = "if it is suspended, let a program use it first, or write on to " + filepath.Join(g.Dir, "power", "control")
	}
	return nil, dev, fmt.Errorf("amd: %s has neither energy nor power that can be read: %w\n%s", g, failure, advice)
}

// absent reports whether the error of a way says that the GPU does not have it, which
// cannot be remedied.
func absent(err error) bool {
	for _, e := range []error{fs.ErrNotExist, energy.ErrNoEnergy, errGarbled, errNoEnergy, errNoPower, errFrozen, errZero} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

// apu reports whether it is graphics within a processor, by its table. An MI300A has that
// of an accelerator, and is one.
func (g gpu) apu() bool { return g.tableErr == nil && g.table.apu() }

// marks returns the findings that hold for every measurement of the GPU, by how it is
// measured.
func (g gpu) marks(by energy.Method) []energy.Finding {
	if !g.apu() && !metricname.AMDCountsModule(g.Model) && !metricname.CountsModule(g.device.Name) {
		return nil
	}
	what := "power"
	if by == energy.Counter {
		what = "energy"
	}
	return []energy.Finding{{Reason: energy.ModuleScope, Device: g.device.UUID, Detail: "the " + what + " is that of the whole APU, its CPU included"}}
}

// partition says how the GPU is divided for programs; empty if it is not, or if that is
// not known.
func (g gpu) partition() string {
	mode := sysfs.Text(filepath.Join(g.Dir, "current_compute_partition"))
	if mode == "SPX" {
		return ""
	}
	return mode
}
