// Package metricname says which exported metric is what: energy or power, in which
// unit, and of which device. What is known of metrics and exporters is in [Table]
// and in the exporters that it names, and nowhere else: another exporter is another
// [Exporter] and its rows in the table.
package metricname

import (
	"errors"
	"math"
	"regexp"
	"slices"
	"strings"

	"github.com/joulebench/joulebench/internal/sensors"
	"github.com/joulebench/joulebench/powertest/energy"
)

// Kind is what a metric reports.
type Kind uint8

// Energy is cumulative; power is of a moment.
const (
	Energy Kind = iota + 1
	Power
)

// Metric is a metric that is read. Its unit follows from its name alone: what HELP
// and TYPE say comes from a file that users of the exporter edit, and the name was
// changed when the unit was.
type Metric struct {
	Name string
	Kind Kind
	// Per is how many of its units make a joule, or a watt.
	Per float64
	// From writes the metric.
	From *Exporter
	// Reading is which power it is.
	Reading sensors.Reading
}

// Table is all metrics that are read. Where a device has several of a kind, the
// first is taken: the finer unit.
var Table = []Metric{
	{"DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION", Energy, 1000, &DCGM, sensors.Unknown},
	{"dcgm_total_energy_consumption", Energy, 1000, &DCGM, sensors.Unknown},
	// OpenTelemetry collectors append _total to what does not end in it in these letters.
	{"DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION_total", Energy, 1000, &DCGM, sensors.Unknown},
	{"dcgm_total_energy_consumption_total", Energy, 1000, &DCGM, sensors.Unknown},
	{"DCGM_FI_DEV_GPU_ENERGY_JOULES_TOTAL", Energy, 1, &DCGM, sensors.Unknown}, // from 4.9.0
	{"DCGM_FI_DEV_GPU_ENERGY_JOULES_TOTAL_total", Energy, 1, &DCGM, sensors.Unknown},
	{"DCGM_FI_DEV_POWER_USAGE", Power, 1, &DCGM, sensors.Draw},
	{"DCGM_FI_DEV_BOARD_POWER_WATTS", Power, 1, &DCGM, sensors.Draw}, // from 4.9.0
	{"dcgm_power_usage", Power, 1, &DCGM, sensors.Draw},
}

// exporters are those of the table.
var exporters = []*Exporter{&DCGM}

// None is the position of a metric that is not in the table.
const None = -1

// Find returns the position in [Table] of the metric of the name; [None] if it is
// not one that is read.
func Find(name string) int {
	return slices.IndexFunc(Table, func(m Metric) bool { return m.Name == name })
}

// initial says with which bytes names begin.
var initial = func() (first [256]bool) {
	for _, m := range Table {
		first[m.Name[0]] = true
	}
	return first
}()

// Begins returns the position in [Table] of the metric with whose name the line of a
// page begins; [None] if it is none.
func Begins(line []byte) int {
	if len(line) == 0 || !initial[line[0]] {
		return None
	}
	for i := range Table {
		name := Table[i].Name
		if len(line) > len(name) && string(line[:len(name)]) == name {
			switch line[len(name)] {
			case '{', ' ', '\t':
				return i
			}
		}
	}
	return None
}

// Names returns the names of all metrics that are read.
func Names() []string {
	names := make([]string, len(Table))
	for i, m := range Table {
		names[i] = m.Name
	}
	return names
}

// Value returns the joules or watts that a raw value stands for. ok is false if
// it stands for none: absent is not zero.
func (m *Metric) Value(raw float64) (v float64, ok bool) {
	if math.IsNaN(raw) || math.IsInf(raw, 0) || raw < 0 || m.From.blank(m.Kind, raw) {
		return 0, false
	}
	return raw / m.Per, true
}

// Describe sets what the metric says of a device that is read by it.
func (m *Metric) Describe(d *energy.Device) {
	d.Metric, d.Hint, d.Method = m.Name, m.From.Hint, energy.Gauge
	if m.Kind == Energy {
		d.Method, d.Resolution, d.Behind = energy.Counter, 1/m.Per, m.From.Behind
		return
	}
	// The exporter takes over what the board's own sensor has been holding.
	d.Sensor = sensors.Of(m.Reading, d.Name)
	d.Sensor.Kernels = slices.Clone(d.Sensor.Kernels)
	for i := range d.Sensor.Kernels {
		d.Sensor.Kernels[i].Latest += d.Sensor.Refresh
	}
	d.Sensor.Refresh = 0
}

// ErrUnknown says that there is a metric that looks like energy, but whose unit is
// not known.
var ErrUnknown = errors.New("energy metric of unknown unit")

// UnknownPattern is a regular expression, as PromQL has them, of names that look
// like energy. Those in [Table] are among them.
var UnknownPattern = func() string {
	var marks []string
	for _, x := range exporters {
		marks = append(marks, regexp.QuoteMeta(x.Mark))
	}
	mark := strings.Join(marks, "|")
	if len(marks) > 1 {
		mark = "(" + mark + ")"
	}
	return "(?i).*" + mark + ".*(energy|joule).*"
}()

// LooksLikeEnergy reports whether the name looks like an energy metric of one of the
// exporters that is not in [Table], so that its unit is not known.
func LooksLikeEnergy(name string) bool {
	if Find(name) != None {
		return false
	}
	name = strings.ToLower(name)
	return (strings.Contains(name, "energy") || strings.Contains(name, "joule")) &&
		slices.ContainsFunc(exporters, func(x *Exporter) bool { return strings.Contains(name, x.Mark) })
}
