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

const (
	// Energy is cumulative.
	Energy Kind = iota + 1
	// Power is of a moment.
	Power
	// About has no value of its own: its rows name devices, and describe them.
	About
)

// Metric is a metric that is read, or those of its rows that are. Its unit follows from
// its name alone: what HELP and TYPE say comes from a file that users of the exporter
// edit, and the name was changed when the unit was.
type Metric struct {
	// Name is the name without the _total at its end, which collectors of OpenTelemetry
	// append to counters, and others take away.
	Name string
	// Pattern is a regular expression of further names, of all of each; empty if there
	// are none.
	Pattern string
	Kind    Kind
	// Per is how many of its units make a joule, or a watt.
	Per float64
	// Step is the smallest step of a counter, in joules; 0 if it is not known.
	Step float64
	// From writes the metric.
	From *Exporter
	// Of is what kind of thing its devices are; empty means GPUs.
	Of energy.Kind
	// Reading is which power it is.
	Reading sensors.Reading
	// Where says which rows are those of a device, and not of a part of one, nor of
	// several; nil means all. Rows that no metric of the name wants are not read.
	Where func(Labels) bool
}

// Value returns the joules or watts that a raw value stands for. ok is false if
// it stands for none: absent is not zero.
func (m *Metric) Value(raw float64) (v float64, ok bool) {
	if math.IsNaN(raw) || math.IsInf(raw, 0) || raw < 0 || m.From.blank != nil && m.From.blank(m.Kind, raw) {
		return 0, false
	}
	return raw / m.Per, true
}

// Device returns what the labels of a row say of its device: see [Exporter.Device].
func (m *Metric) Device(get Labels) energy.Device {
	d := m.From.Device(get)
	d.Kind = m.Of
	return d
}

// Describe sets what the metric, which has the name on a page, says of a device that is
// read by it.
func (m *Metric) Describe(d *energy.Device, name string) {
	d.Metric, d.Hint, d.Period, d.Method = name, m.From.Hint, m.From.Period, energy.Gauge
	if m.Kind == Energy {
		d.Method, d.Resolution, d.Behind = energy.Counter, m.Step, m.From.Behind
		d.Fresh = m.From.Fresh
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

// UnknownPattern is a regular expression, as PromQL has them, of names of dcgm-exporter
// that look like energy. Those in [Table] are among them.
var UnknownPattern = "(?i).*" + regexp.QuoteMeta(DCGM.Mark) + ".*(energy|joule).*"

// LooksLikeEnergy reports whether the name looks like an energy metric of dcgm-exporter,
// whose names change with its versions and files, that is not in [Table], so that its unit
// is not known.
func LooksLikeEnergy(name string) bool {
	if Known.Find(name) != None {
		return false
	}
	name = strings.ToLower(name)
	return (strings.Contains(name, "energy") || strings.Contains(name, "joule")) && strings.Contains(name, DCGM.Mark)
}
