package energy

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
)

// correlated is the fraction of the variance of a device's energy that is correlated between
// all devices, and does not average out over them: the same load starts and ends on all of
// them, and the same model divides the energy at their edges. Histories were mostly scraped and
// collected at the same intervals, so that their ticks are late by the same.
const correlated = 0.5

// total sums the devices up: all of them, and those of each role and of each kind. One
// device without a number means no total.
func (m *Measurement) total() {
	m.split()
	for _, d := range m.Devices {
		m.Reasons = append(m.Reasons, d.Reasons...)
	}
	all := refs(m.Devices)
	missing := missing(all)
	if missing > 0 && len(m.Devices) > 1 {
		m.Reasons = append(m.Reasons, partial(missing, len(m.Devices)))
	}
	if len(m.Devices) == 0 {
		m.Reasons = append(m.Reasons, Finding{Reason: ExpectedGPUCountMismatch, Detail: "there are no devices"})
	}
	m.roles()
	m.totalIdle(all)
	m.Valid = len(m.Devices) > 0 && missing == 0
	if m.Valid {
		m.Energy = sum(all)
		m.Watts = m.Energy.Joules / m.Duration.Seconds()
		m.totalBefore()
	}
	m.totalKinds()
}

// partial says that a sum lacks devices.
func partial(missing, of int) Finding {
	detail := fmt.Sprintf("%d of %d devices have no number, so there is no total", missing, of)
	if missing < of {
		detail += "\nto measure the others alone, select them with POWERTEST_DEVICES or -devices"
	}
	return Finding{Reason: PartialCohort, Detail: detail}
}

// totalBefore sums up the power before the window, where it is known of all devices.
func (m *Measurement) totalBefore() {
	m.HasBefore = true
	for _, d := range m.Devices {
		m.BeforeWatts += d.BeforeWatts
		m.HasBefore = m.HasBefore && d.HasBefore
	}
	if !m.HasBefore {
		m.BeforeWatts = 0
	}
}

// refs returns pointers to the elements.
func refs(devices []DeviceMeasurement) []*DeviceMeasurement {
	list := make([]*DeviceMeasurement, len(devices))
	for i := range devices {
		list[i] = &devices[i]
	}
	return list
}

// totalIdle sums up the idle power, where it is known of all devices.
func (m *Measurement) totalIdle(all []*DeviceMeasurement) {
	for _, d := range m.Devices {
		if !d.HasIdle {
			return
		}
	}
	if m.HasIdle = len(all) > 0; m.HasIdle {
		e := sumOf(all, correlated, func(d *DeviceMeasurement) (Estimate, float64) {
			return Estimate{d.Idle.Watts, d.Idle.Low, d.Idle.High}, d.Device.Calibration.ofIdle(d.Idle)
		})
		m.Idle = PowerEstimate{Watts: e.Joules, Low: e.Low, High: e.High}
	}
}

// roles sums up the devices of each role.
func (m *Measurement) roles() {
	members := map[string][]*DeviceMeasurement{}
	for _, d := range refs(m.Devices) {
		if role := d.Device.Role; role != "" {
			members[role] = append(members[role], d)
		}
	}
	for role, list := range members {
		r := RoleMeasurement{Role: role, Devices: len(list), Valid: missing(list) == 0}
		if r.Valid {
			r.Energy = sum(list)
			r.Watts = r.Energy.Joules / m.Duration.Seconds()
		}
		m.Roles = append(m.Roles, r)
	}
	slices.SortFunc(m.Roles, func(a, b RoleMeasurement) int { return cmp.Compare(a.Role, b.Role) })
}

func missing(list []*DeviceMeasurement) int {
	n := 0
	for _, d := range list {
		if !d.Valid {
			n++
		}
	}
	return n
}

// sum adds up the energies of some devices. Their errors are the same where they
// tick together, since then the same part of the load falls into their
// straddling intervals; otherwise they are independent but for the correlated
// fraction of their variance. Those of different sources are independent.
func sum(list []*DeviceMeasurement) Estimate {
	alike := correlated
	for _, d := range list {
		if d.coarse {
			alike = 1 // the same part of the load was passed over on all
		}
	}
	return sumOf(list, alike, func(d *DeviceMeasurement) (Estimate, float64) { return d.Energy, d.CalibrationJoules })
}

// sumOf adds up a quantity of some devices, as sum does. common is the part of its
// half-width that is the device's calibration: those of different devices are independent,
// whatever their ticks.
func sumOf(list []*DeviceMeasurement, alike float64, of func(*DeviceMeasurement) (e Estimate, common float64)) Estimate {
	bySource := map[string][]*DeviceMeasurement{}
	for _, d := range list {
		bySource[d.Device.Source] = append(bySource[d.Device.Source], d)
	}
	var e Estimate
	below, above := 0.0, 0.0
	for _, source := range slices.Sorted(maps.Keys(bySource)) {
		one := sumOfOne(bySource[source], alike, of)
		e.Joules += one.Joules
		below, above = math.Hypot(below, one.Joules-one.Low), math.Hypot(above, one.High-one.Joules)
	}
	e.Low, e.High = e.Joules-below, e.Joules+above
	return e
}

// sumOfOne is sumOf for devices of one source.
func sumOfOne(list []*DeviceMeasurement, alike float64, of func(*DeviceMeasurement) (e Estimate, common float64)) Estimate {
	devices := make([]Device, len(list))
	for k, d := range list {
		devices[k] = d.Device
	}
	g := newGroups(devices)
	down, up := make([]float64, g.n), make([]float64, g.n)
	var e Estimate
	calibrations := 0.0
	for k, ref := range list {
		d, common := of(ref)
		e.Joules += d.Joules
		down[g.of[k]] += besides(d.Joules-d.Low, common)
		up[g.of[k]] += besides(d.High-d.Joules, common)
		calibrations = math.Hypot(calibrations, common)
	}
	e.Low = e.Joules - math.Hypot(together(down, alike), calibrations)
	e.High = e.Joules + math.Hypot(together(up, alike), calibrations)
	return e
}

// together joins half-widths of groups, a fraction of whose variance is correlated, into
// that of their sum.
func together(parts []float64, alike float64) float64 {
	sum, squares := 0.0, 0.0
	for _, x := range parts {
		sum += x
		squares += x * x
	}
	return math.Sqrt((1-alike)*squares + alike*(sum*sum))
}
