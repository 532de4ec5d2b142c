package dcgmsource

import (
	"math"
	"slices"
	"strings"
)

// kind is what a metric tells.
type kind uint8

const (
	energyKind kind = iota + 1 // cumulative energy
	powerKind                  // power
)

// metric is a metric that is read. Its unit follows from its name alone: what
// HELP and TYPE say comes from a file that its users edit, and the name was
// changed when the unit was.
type metric struct {
	name string
	kind kind
	// per is how many of its units make a joule, or a watt.
	per float64
}

// metrics are all metrics that are read. Where a GPU has several of a kind, the
// first is taken: millijoules before joules.
var metrics = [...]metric{
	{"DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION", energyKind, 1000},
	{"dcgm_total_energy_consumption", energyKind, 1000},
	{"DCGM_FI_DEV_GPU_ENERGY_JOULES_TOTAL", energyKind, 1}, // from 4.9.0
	{"DCGM_FI_DEV_POWER_USAGE", powerKind, 1},
	{"DCGM_FI_DEV_BOARD_POWER_WATTS", powerKind, 1}, // from 4.9.0
	{"dcgm_power_usage", powerKind, 1},
}

// metricNamed returns the position in metrics of the metric of the name; -1 if
// it is not one that is read.
func metricNamed(name string) int {
	return slices.IndexFunc(metrics[:], func(m metric) bool { return m.name == name })
}

// resolution is the smallest step of an energy metric, in joules.
func (m metric) resolution() float64 { return 1 / m.per }

// DCGM marks a value that it does not have by a number that is out of range.
// The exporter leaves such rows out since 2.4; older ones print the number.
const (
	blankInt      = float64(0x7ffffffffffffff0)
	blankDouble   = float64(1 << 47)
	blankDoubleTo = blankDouble + 3
)

// value returns the joules or watts that a raw value stands for. ok is false if
// it stands for none: absent is not zero.
func (m metric) value(raw float64) (v float64, ok bool) {
	switch {
	case math.IsNaN(raw) || math.IsInf(raw, 0) || raw < 0 || raw >= blankInt:
		return 0, false
	case m.kind == powerKind && raw >= blankDouble && raw <= blankDoubleTo:
		return 0, false
	}
	return raw / m.per, true
}

// energyLike reports whether the name looks like an energy metric of DCGM's
// that this package does not know, and so does not know the unit of.
func energyLike(name string) bool {
	if metricNamed(name) >= 0 {
		return false
	}
	name = strings.ToLower(name)
	return strings.Contains(name, "dcgm") && (strings.Contains(name, "energy") || strings.Contains(name, "joule"))
}
