package energy

import (
	"cmp"
	"fmt"
	"math"
	"slices"
)

// correlated is the fraction of the variance of a device's energy that is correlated between
// all devices, and does not average out over them: the same load starts and ends on all of
// them, and the same model divides the energy at their edges. Histories were mostly scraped and
// collected at the same intervals, so that their ticks are late by the same.
const correlated = 0.5

// total sums the devices up: all of them, and those of each role. One device without
// a number means no total.
func (m *Measurement) total() {
	for _, d := range m.Devices {
		m.Reasons = append(m.Reasons, d.Reasons...)
	}
	all := make([]int, len(m.Devices))
	for i := range all {
		all[i] = i
	}
	missing := m.missing(all)
	if missing > 0 && len(m.Devices) > 1 {
		detail := fmt.Sprintf("%d of %d devices have no number, so there is no total", missing, len(m.Devices))
		if missing < len(m.Devices) {
			detail += "\nto measure the others alone, select them with POWERTEST_DEVICES or -devices"
		}
		m.Reasons = append(m.Reasons, Finding{Reason: PartialCohort, Detail: detail})
	}
	if len(m.Devices) == 0 {
		m.Reasons = append(m.Reasons, Finding{Reason: ExpectedGPUCountMismatch, Detail: "there are no devices"})
	}
	m.roles()
	m.totalIdle(all)
	if m.Valid = len(m.Devices) > 0 && missing == 0; !m.Valid {
		return
	}
	m.Energy = m.sum(all)
	m.Watts = m.Energy.Joules / m.Duration.Seconds()
	m.HasBefore = true
	for _, d := range m.Devices {
		m.BeforeWatts += d.BeforeWatts
		m.HasBefore = m.HasBefore && d.HasBefore
	}
	if !m.HasBefore {
		m.BeforeWatts = 0
	}
}

// totalIdle sums up the idle power, where it is known of all devices.
func (m *Measurement) totalIdle(all []int) {
	for _, d := range m.Devices {
		if !d.HasIdle {
			return
		}
	}
	if m.HasIdle = len(all) > 0; m.HasIdle {
		e := m.sumOf(all, correlated, func(d *DeviceMeasurement) (Estimate, float64) {
			return Estimate{d.Idle.Watts, d.Idle.Low, d.Idle.High}, d.Device.Calibration.ofIdle(d.Idle)
		})
		m.Idle = PowerEstimate{Watts: e.Joules, Low: e.Low, High: e.High}
	}
}

// roles sums up the devices of each role.
func (m *Measurement) roles() {
	members := map[string][]int{}
	for i, d := range m.Devices {
		if d.Device.Role != "" {
			members[d.Device.Role] = append(members[d.Device.Role], i)
		}
	}
	for role, list := range members {
		r := RoleMeasurement{Role: role, Devices: len(list), Valid: m.missing(list) == 0}
		if r.Valid {
			r.Energy = m.sum(list)
			r.Watts = r.Energy.Joules / m.Duration.Seconds()
		}
		m.Roles = append(m.Roles, r)
	}
	slices.SortFunc(m.Roles, func(a, b RoleMeasurement) int { return cmp.Compare(a.Role, b.Role) })
}

func (m *Measurement) missing(list []int) int {
	n := 0
	for _, i := range list {
		if !m.Devices[i].Valid {
			n++
		}
	}
	return n
}

// sum adds up the energies of some devices. Their errors are the same where they
// tick together, since then the same part of the load falls into their
// straddling intervals; otherwise they are independent but for the correlated
// fraction of their variance.
func (m *Measurement) sum(list []int) Estimate {
	alike := correlated
	for _, i := range list {
		if m.Devices[i].coarse {
			alike = 1 // the same part of the load was passed over on all
		}
	}
	return m.sumOf(list, alike, func(d *DeviceMeasurement) (Estimate, float64) { return d.Energy, d.CalibrationJoules })
}

// sumOf adds up a quantity of some devices, as sum does. common is the part of its
// half-width that is the device's calibration: those of different devices are independent,
// whatever their ticks.
func (m *Measurement) sumOf(list []int, alike float64, of func(*DeviceMeasurement) (e Estimate, common float64)) Estimate {
	devices := make([]Device, len(list))
	for k, i := range list {
		devices[k] = m.Devices[i].Device
	}
	g := newGroups(devices)
	down, up := make([]float64, g.n), make([]float64, g.n)
	var e Estimate
	calibrations := 0.0
	for k, i := range list {
		d, common := of(&m.Devices[i])
		e.Joules += d.Joules
		down[g.of[k]] += besides(d.Joules-d.Low, common)
		up[g.of[k]] += besides(d.High-d.Joules, common)
		calibrations = math.Hypot(calibrations, common)
	}
	e.Low = e.Joules - math.Hypot(joined(down, alike), calibrations)
	e.High = e.Joules + math.Hypot(joined(up, alike), calibrations)
	return e
}

// joined joins half-widths of groups, a fraction of whose variance is correlated, into
// that of their sum.
func joined(parts []float64, alike float64) float64 {
	sum, squares := 0.0, 0.0
	for _, x := range parts {
		sum += x
		squares += x * x
	}
	return math.Sqrt((1-alike)*squares + alike*(sum*sum))
}

// Add adds a finding about a device, or about all if it names none. One that
// withholds takes the numbers back that it concerns: of the device, its role and
// the whole, or of all.
func (m *Measurement) Add(f Finding) { m.addAll([]Finding{f}) }

// addAll adds findings, of which there may be one for each device of a fleet.
func (m *Measurement) addAll(list []Finding) {
	at := map[string]int{}
	for i := range m.Devices {
		at[m.Devices[i].Device.UUID] = i
	}
	withdrawn := map[string]bool{} // roles
	for _, f := range list {
		m.Reasons = append(m.Reasons, f)
		concerned := m.Devices
		if f.Device != "" {
			i, ours := at[f.Device]
			if concerned = nil; ours {
				concerned = m.Devices[i : i+1]
				concerned[0].Reasons = append(concerned[0].Reasons, f)
			}
		}
		if !f.Withholds() {
			continue
		}
		m.Valid, m.Energy, m.Watts = false, Estimate{}, 0
		for i := range concerned {
			d := &concerned[i]
			withdrawn[d.Device.Role] = true
			if f.Reason != ExpectedGPUCountMismatch && f.Reason != PartialCohort { // these are about sums
				d.withdraw()
			}
		}
	}
	for i := range m.Roles {
		if r := &m.Roles[i]; withdrawn[r.Role] {
			r.Valid, r.Energy, r.Watts = false, Estimate{}, 0
		}
	}
}
