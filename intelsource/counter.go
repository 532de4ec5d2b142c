package intelsource

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/joulebench/joulebench/internal/drm"
	"github.com/joulebench/joulebench/internal/sysfs"
	"github.com/joulebench/joulebench/powertest/energy"
)

// counter is one energy counter of a card.
type counter struct {
	file  *sysfs.File
	name  string // energy1_input
	label string // card, pkg, or nothing
	first uint64 // what it showed first, in µJ
	now   uint64 // what it showed last
}

// drivers are the kernel's, which name their monitors so.
var drivers = []string{"i915", "xe"}

// scopes are the labels of counters, the widest first. A counter without one is the only
// one that its driver has.
var scopes = []string{"card", "", "pkg"}

// counters opens the energy counters of a card whose scope is known, the widest first.
func counters(sensors string) (list []*counter, err error) {
	found, _ := filepath.Glob(filepath.Join(drm.Escaped(sensors), "energy*_input"))
	for _, path := range found {
		label := strings.ToLower(sysfs.Text(strings.TrimSuffix(path, "_input") + "_label"))
		if !slices.Contains(scopes, label) {
			continue
		}
		file, e := sysfs.OpenNumber(path)
		if e != nil {
			err = cmp.Or(err, e)
			continue
		}
		list = append(list, &counter{file: file, name: filepath.Base(path), label: label})
	}
	slices.SortStableFunc(list, func(a, b *counter) int {
		return cmp.Compare(slices.Index(scopes, a.label), slices.Index(scopes, b.label))
	})
	return list, err
}

// Read reads the microjoules.
func (c *counter) Read(r *energy.Reading) {
	uj, err := c.file.Number()
	if err != nil {
		r.Err = err
		return
	}
	r.Joules, r.HasJoules = float64(uj)/1e6, true
}

// Close closes the file.
func (c *counter) Close() error { return c.file.Close() }

// gained returns what the counter gained since it was first read, in µJ.
func (c *counter) gained() uint64 { return c.now - min(c.first, c.now) }

const (
	// alive is how long counters are compared when a card is opened.
	alive = 300 * time.Millisecond
	retry = 20 * time.Millisecond
	// within is how often a counter must be read, so that the driver sees each time that
	// its register comes round: that is after two minutes at 2 kW.
	within = 30 * time.Second
	// contains is how much of what its part gains a whole must gain, at least: their
	// refreshes do not coincide.
	contains = 0.9
)

// errFrozen says that no counter moves.
var errFrozen = fmt.Errorf("it %w: its counters stand still", energy.ErrNoEnergy)

// choose returns the widest counter that works, of some that are open, and closes the
// others. what says how it is read.
func choose(list []*counter) (best *counter, what string, err error) {
	defer func() {
		for _, c := range list {
			if c != best {
				_ = c.Close()
			}
		}
	}()
	if err := watch(list); err != nil {
		return nil, "", err
	}
	var doubt string
	for i, c := range list {
		least := uint64(0)
		for _, part := range list[i+1:] {
			least = max(least, part.gained())
		}
		switch {
		case c.gained() == 0:
			doubt = fmt.Sprintf(", since %s (%s) stands still", c.name, cmp.Or(c.label, "no label"))
		case float64(c.gained()) < contains*float64(least):
			doubt = fmt.Sprintf(", since %s (%s) counts less than its part", c.name, cmp.Or(c.label, "no label"))
		default:
			return c, fmt.Sprintf("hwmon %s (%s)%s", c.name, cmp.Or(c.label, "no label"), doubt), nil
		}
	}
	return nil, "", errFrozen
}

// watch reads the counters for long enough to see how fast they go, and a single one
// until it moves.
func watch(list []*counter) error {
	started := false
	for start := time.Now(); ; time.Sleep(retry) {
		for _, c := range list {
			n, err := c.file.Number()
			switch {
			case err == nil && !started:
				c.first, c.now = n, n
			case err == nil:
				c.now = n
			case !errors.Is(err, energy.ErrNoAnswer) || time.Since(start) > alive:
				return err
			}
		}
		started = true
		if time.Since(start) > alive || len(list) == 1 && list[0].gained() > 0 {
			return nil
		}
	}
}

// probe finds the counter of a card.
func probe(c drm.Card, d energy.Device) (drm.Meter, energy.Device, error) {
	name := fmt.Sprintf("GPU %d (%s, %s, %s)", d.Index, d.Name, d.UUID, d.PCI)
	sensors := c.Sensors(drivers...)
	if sensors == "" {
		return nil, d, fmt.Errorf("intel: %s %w\nif it is within a processor, measure that; choose other GPUs with POWERTEST_DEVICES or -devices", name, energy.ErrNoEnergy)
	}
	list, err := counters(sensors)
	if len(list) == 0 && err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, d, fmt.Errorf("intel: %s: %w", name, err)
	}
	if len(list) == 0 {
		return nil, d, fmt.Errorf("intel: %s %w\nchoose other GPUs, with POWERTEST_DEVICES or -devices", name, energy.ErrNoEnergy)
	}
	best, what, err := choose(list)
	if err != nil {
		return nil, d, fmt.Errorf("intel: %s: %w", name, err)
	}
	d.Method, d.Metric, d.ReadWithin = energy.Counter, what, within
	number := strings.TrimSuffix(strings.TrimPrefix(best.name, "energy"), "_input")
	d.PowerLimit = sysfs.Watts(filepath.Join(sensors, "power"+number+"_max"))
	return best, d, nil
}
