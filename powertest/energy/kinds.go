package energy

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// AllKinds is the kind of a [KindMeasurement] that is a sum over devices of several kinds:
// GPUs, processors and their memory. No device is of it.
const AllKinds Kind = "all"

// KindMeasurement is the energy that the devices of one kind used during a window, or
// those of all kinds. What fails takes only its own kind's number, and that of all.
type KindMeasurement struct {
	Kind Kind `json:"kind"`
	// Of are the kinds that AllKinds adds up; otherwise nil.
	Of []Kind `json:"of,omitempty"`
	// Count is how many devices there are.
	Count int `json:"count"`
	// Valid reports whether all of them have a number; if not, Energy and Watts are 0.
	Valid  bool     `json:"valid"`
	Energy Estimate `json:"energy"`
	// Watts is the mean power of these devices over the window.
	Watts float64 `json:"watts"`
	// Devices are the measurements of the devices, unless [Measurement.Devices] has them.
	Devices []DeviceMeasurement `json:"devices,omitempty"`
	// Reasons are the findings about these devices and their sum.
	Reasons []Finding `json:"reasons,omitempty"`
}

// OfKind returns the sum over the devices of a kind, or of [AllKinds]: of those that the
// measurement itself is of, too. ok is false if there are none.
func (m Measurement) OfKind(k Kind) (sum KindMeasurement, ok bool) {
	for _, one := range m.Kinds {
		if one.Kind == k {
			return one, true
		}
	}
	if len(m.Devices) == 0 || m.Kind.OrGPU() != k {
		return KindMeasurement{}, false
	}
	return KindMeasurement{Kind: k, Count: len(m.Devices), Valid: m.Valid, Energy: m.Energy, Watts: m.Watts, Reasons: m.Reasons}, true
}

// AllDevices returns the measurements of all devices, of whatever kind.
func (m Measurement) AllDevices() []DeviceMeasurement {
	list := slices.Clip(m.Devices)
	for _, k := range m.Kinds {
		list = append(list, k.Devices...)
	}
	return list
}

// leading are the kinds of devices that a measurement is of, in the order in which they are
// looked for: of GPUs wherever there are some, as others define the same metrics.
var leading = [][]Kind{{GPU}, {Module}, {CPU, DRAM}, {Node}}

// Leading returns those of some kinds that the metrics without a kind in their name, such
// as J/op, are of: GPU wherever it is among them, else Module, else CPU and DRAM, else Node.
func Leading(kinds []Kind) []Kind {
	for _, group := range leading {
		found := slices.DeleteFunc(slices.Clone(group), func(k Kind) bool { return !slices.Contains(kinds, k) })
		if len(found) > 0 {
			return found
		}
	}
	return kinds[:min(len(kinds), 1)]
}

// KindsOf returns the kinds of devices, each once, in the order in which they are reported.
func KindsOf(devices []Device) []Kind {
	var list []Kind
	for _, d := range devices {
		if k := d.Kind.OrGPU(); !slices.Contains(list, k) {
			list = append(list, k)
		}
	}
	order := []Kind{GPU, CPU, DRAM, Module, Node}
	slices.SortFunc(list, func(a, b Kind) int {
		at := func(k Kind) uint { return uint(slices.Index(order, k)) } // others, of -1, come last
		return cmp.Or(cmp.Compare(at(a), at(b)), cmp.Compare(a, b))
	})
	return list
}

// adds reports whether energy of the kind can be added to that of others: nothing else
// that is measured contains it, or is contained in it.
func (k Kind) adds() bool { return k == GPU || k == CPU || k == DRAM }

// split moves the devices of all but the leading kinds to sums of their own.
func (m *Measurement) split() {
	kinds := KindsOf(described(m.Devices))
	lead := Leading(kinds)
	if len(lead) > 0 && lead[0] != GPU {
		m.Kind = lead[0]
	}
	all := m.Devices
	for _, k := range kinds {
		if slices.Contains(lead, k) && len(lead) == 1 {
			continue
		}
		sum := KindMeasurement{Kind: k}
		for _, d := range all {
			if d.Device.Kind.OrGPU() != k {
				continue
			}
			if sum.Count++; !slices.Contains(lead, k) {
				sum.Devices = append(sum.Devices, d)
			}
		}
		m.Kinds = append(m.Kinds, sum)
	}
	if len(kinds) > len(lead) {
		m.Devices = slices.DeleteFunc(slices.Clone(all), func(d DeviceMeasurement) bool { return !slices.Contains(lead, d.Device.Kind.OrGPU()) })
	}
}

// members returns the devices of a sum.
func (m *Measurement) members(k *KindMeasurement) []*DeviceMeasurement {
	var list []*DeviceMeasurement
	in := func(d *DeviceMeasurement) bool {
		kind := d.Device.Kind.OrGPU()
		return kind == k.Kind || slices.Contains(k.Of, kind)
	}
	for i := range m.Devices {
		if in(&m.Devices[i]) {
			list = append(list, &m.Devices[i])
		}
	}
	for i := range m.Kinds {
		for n := range m.Kinds[i].Devices {
			if d := &m.Kinds[i].Devices[n]; in(d) {
				list = append(list, d)
			}
		}
	}
	return list
}

// totalKinds sums up the devices of each kind, and of all.
func (m *Measurement) totalKinds() {
	for i := range m.Kinds {
		k := &m.Kinds[i]
		list := m.members(k)
		for _, d := range list {
			k.Reasons = append(k.Reasons, d.Reasons...)
		}
		if !k.Kind.adds() {
			k.Reasons = append(k.Reasons, Finding{Reason: NestedScope, Detail: fmt.Sprintf("the energy of a %s contains that of others that are measured here: it is beside them, and not added", k.Kind)})
		}
		m.totalOf(k, list)
	}
	if others := m.others(); len(others) > 0 {
		m.totalAll(others)
	}
}

// totalOf sums up the devices of one kind, unless something is withheld.
func (m *Measurement) totalOf(k *KindMeasurement, list []*DeviceMeasurement) {
	missing := missing(list)
	if missing > 0 && len(list) > 1 {
		k.Reasons = append(k.Reasons, partial(missing, len(list)))
	}
	if k.Valid = len(list) > 0 && missing == 0 && !withheld(k.Reasons); k.Valid {
		k.Energy = sum(list)
		k.Watts = k.Energy.Joules / m.Duration.Seconds()
	}
}

// others returns the kinds beside those that the measurement is of whose energy is added to
// its own.
func (m *Measurement) others() []Kind {
	var list []Kind
	for _, k := range m.Kinds {
		if k.Kind.adds() && len(k.Devices) > 0 {
			list = append(list, k.Kind)
		}
	}
	return list
}

// totalAll adds the sum over devices of all kinds.
func (m *Measurement) totalAll(others []Kind) {
	all := KindMeasurement{Kind: AllKinds, Of: append([]Kind{m.Kind.OrGPU()}, others...)}
	list := m.members(&all)
	all.Count = len(list)
	if kind := m.widest(); kind != "" {
		all.Reasons = append(all.Reasons, Finding{Reason: NestedScope, Withheld: true,
			Detail: fmt.Sprintf("the energy of a %s can contain that of the %s: it is not added", kind, names(others))})
	}
	m.totalOf(&all, list)
	m.Kinds = append(m.Kinds, all)
}

// widest returns the kind of the leading devices if their energy can contain that of
// processors.
func (m *Measurement) widest() Kind {
	for _, d := range m.Devices {
		if kind := d.Device.Kind.OrGPU(); !kind.adds() {
			return kind
		}
		if slices.ContainsFunc(d.Device.Marks, func(f Finding) bool { return f.Reason == ModuleScope }) {
			return Module
		}
	}
	return ""
}

// names returns kinds as a list for people.
func names(kinds []Kind) string {
	var list []string
	for _, k := range kinds {
		list = append(list, string(k))
	}
	return strings.Join(list, " and ")
}

// Add adds a finding about a device, about those of a source, or about all if it names
// none. One that withholds takes the numbers back that it concerns: of the device, and of
// the sums that it is in; or of all. What concerns none of the devices, such as a source
// that could not be opened, takes back the sum over all kinds.
func (m *Measurement) Add(f Finding) { m.addAll([]Finding{f}) }

// addAll adds findings, of which there may be one for each device of a fleet.
func (m *Measurement) addAll(list []Finding) {
	type place struct {
		*DeviceMeasurement
		lead bool
	}
	var devices []*DeviceMeasurement
	at := map[string]place{}
	add := func(list []DeviceMeasurement, lead bool) {
		for _, d := range refs(list) {
			devices, at[d.Device.UUID] = append(devices, d), place{d, lead}
		}
	}
	add(m.Devices, true)
	for _, k := range m.Kinds {
		add(k.Devices, false)
	}
	lead := devices[:len(m.Devices)]
	for _, f := range list {
		d, ours := at[f.Device]
		switch {
		case ours:
			d.Reasons = append(d.Reasons, f)
			m.addOne(f, []*DeviceMeasurement{d.DeviceMeasurement}, d.lead)
		case f.Device != "":
			m.addOne(f, nil, true)
		case f.Source != "":
			concerned := slices.DeleteFunc(slices.Clone(devices), func(d *DeviceMeasurement) bool { return d.Device.Source != f.Source })
			m.addOne(f, concerned, slices.ContainsFunc(concerned, func(d *DeviceMeasurement) bool { return at[d.Device.UUID].lead }))
		case f.Reason == ExpectedGPUCountMismatch:
			m.addOne(f, lead, true)
		default:
			m.addOne(f, devices, true)
		}
	}
}

// addOne adds a finding to what is a sum over the devices that it concerns: to the whole, if
// it concerns that, and to kinds.
func (m *Measurement) addOne(f Finding, concerned []*DeviceMeasurement, whole bool) {
	if whole {
		m.Reasons = append(m.Reasons, f)
	}
	if len(concerned) == 0 && !whole {
		m.addMissing(f)
		return
	}
	about := func(k Kind) bool {
		return slices.ContainsFunc(concerned, func(d *DeviceMeasurement) bool { return d.Device.Kind.OrGPU() == k })
	}
	for i := range m.Kinds {
		switch k := &m.Kinds[i]; {
		case about(k.Kind):
			k.Reasons = append(k.Reasons, f)
			if f.Withholds() {
				k.withdraw()
			}
		case f.Withholds() && (whole && k.Kind == AllKinds || slices.ContainsFunc(k.Of, about)):
			k.withdraw()
			if !has(k.Reasons, PartialCohort) {
				k.Reasons = append(k.Reasons, Finding{Reason: PartialCohort, Detail: fmt.Sprintf("a number of the %s is withheld, so there is no total", names(k.Of))})
			}
		}
	}
	if f.Withholds() {
		m.withdraw(f, concerned, whole)
	}
}

// addMissing adds a finding about a source that has no devices.
func (m *Measurement) addMissing(f Finding) {
	at := slices.IndexFunc(m.Kinds, func(k KindMeasurement) bool { return k.Kind == AllKinds })
	if at < 0 {
		at = len(m.Kinds)
		devices := m.AllDevices()
		m.Kinds = append(m.Kinds, KindMeasurement{Kind: AllKinds, Of: KindsOf(described(devices)), Count: len(devices)})
	}
	all := &m.Kinds[at]
	all.Reasons = append(all.Reasons, f)
	if f.Withholds() {
		all.withdraw()
	}
}

func (k *KindMeasurement) withdraw() { k.Valid, k.Energy, k.Watts = false, Estimate{}, 0 }

// withdraw takes back the numbers of devices and their roles, and that of the whole.
func (m *Measurement) withdraw(f Finding, concerned []*DeviceMeasurement, whole bool) {
	if whole {
		m.Valid, m.Energy, m.Watts = false, Estimate{}, 0
	}
	for _, d := range concerned {
		for i := range m.Roles {
			if r := &m.Roles[i]; r.Role == d.Device.Role {
				r.Valid, r.Energy, r.Watts = false, Estimate{}, 0
			}
		}
		if f.Reason != ExpectedGPUCountMismatch && f.Reason != PartialCohort { // these are about sums
			d.withdraw()
		}
	}
}

// described returns the devices of measurements.
func described(list []DeviceMeasurement) []Device {
	devices := make([]Device, len(list))
	for i, d := range list {
		devices[i] = d.Device
	}
	return devices
}
