package energy

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

// knownDevices returns a measurement of devices with 100 ± 1 J each, behind endpoints.
func knownDevices(endpoints ...string) *Measurement {
	m := &Measurement{Duration: time.Second}
	for _, e := range endpoints {
		m.Devices = append(m.Devices, DeviceMeasurement{
			Device: Device{Endpoint: e, Role: "role-" + e}, Valid: true,
			Energy: Estimate{Joules: 100, Low: 99, High: 101}, HasBefore: true, BeforeWatts: 10,
		})
	}
	return m
}

// Errors of devices that tick together add up; those of others partly cancel.
func TestTotalOfErrors(t *testing.T) {
	half := func(endpoints ...string) float64 {
		m := knownDevices(endpoints...)
		m.total()
		assert.True(t, m.Valid)
		assert.Equal(t, 100*float64(len(endpoints)), m.Energy.Joules)
		assert.Equal(t, 10*float64(len(endpoints)), m.BeforeWatts)
		return m.Energy.HalfWidth()
	}
	apart := func(n float64) float64 { return math.Sqrt((1-correlated)*n + correlated*n*n) }
	assert.InDelta(t, 1, half(""), 1e-9)
	assert.InDelta(t, apart(2), half("", ""), 1e-9)
	assert.InDelta(t, 2, half("a", "a"), 1e-9)
	assert.InDelta(t, 2*apart(2), half("a", "b", "a", "b"), 1e-9)
}

func TestTotalOfRoles(t *testing.T) {
	m := knownDevices("a", "a", "b")
	m.Devices[2].withdraw()
	m.total()
	assert.False(t, m.Valid)
	assert.True(t, has(m.Reasons, PartialCohort))
	assert.Equal(t, []RoleMeasurement{
		{Role: "role-a", Devices: 2, Valid: true, Energy: Estimate{Joules: 200, Low: 198, High: 202}, Watts: 200},
		{Role: "role-b", Devices: 1},
	}, m.Roles)
}

// A finding about a device concerns its role and the whole; one about all, all;
// one about the sum, the sum.
func TestAddFindings(t *testing.T) {
	add := func(f Finding) *Measurement {
		m := knownDevices("a", "b")
		m.Devices[0].Device.UUID, m.Devices[1].Device.UUID = "A", "B"
		m.total()
		m.Add(f)
		return m
	}
	valid := func(m *Measurement) [5]bool {
		return [5]bool{m.Valid, m.Devices[0].Valid, m.Devices[1].Valid, m.Roles[0].Valid, m.Roles[1].Valid}
	}
	assert.Equal(t, [5]bool{false, false, true, false, true}, valid(add(Finding{Reason: CounterReset, Device: "A"})))
	assert.Equal(t, [5]bool{}, valid(add(Finding{Reason: ClockStep})))
	assert.Equal(t, [5]bool{false, true, true, false, false}, valid(add(Finding{Reason: ExpectedGPUCountMismatch})))
	assert.Equal(t, [5]bool{true, true, true, true, true}, valid(add(Finding{Reason: SharedGPU, Device: "A"})))
	assert.Zero(t, add(Finding{Reason: ClockStep}).Devices[0].Energy)
}

// kinds returns a measurement of devices with 100 ± 1 J each, of one source for each kind.
func kinds(list ...Kind) *Measurement {
	m := knownDevices(make([]string, len(list))...)
	for i, k := range list {
		d := &m.Devices[i].Device
		d.UUID, d.Kind, d.Source, d.Role = string(k)+string(rune('0'+i)), k, "of "+string(k), ""
	}
	return m
}

// sums are the numbers of the whole and of the kinds, where they have one.
func sums(m *Measurement) map[string]float64 {
	list := map[string]float64{}
	if m.Valid {
		list["whole"] = m.Energy.Joules
	}
	for _, k := range m.Kinds {
		if k.Valid {
			list[string(k.Kind)] = k.Energy.Joules
		}
	}
	return list
}

// TestTotalOfKinds: what contains others is never added to them, and named.
func TestTotalOfKinds(t *testing.T) {
	for _, tt := range []struct {
		of     []Kind
		want   map[string]float64
		nested bool
	}{
		{[]Kind{GPU, ""}, map[string]float64{"whole": 200}, false},
		{[]Kind{GPU, CPU, CPU, DRAM}, map[string]float64{"whole": 100, "cpu": 200, "dram": 100, "all": 400}, false},
		{[]Kind{CPU, DRAM}, map[string]float64{"whole": 200, "cpu": 100, "dram": 100}, false},
		{[]Kind{CPU}, map[string]float64{"whole": 100}, false},
		{[]Kind{DRAM}, map[string]float64{"whole": 100}, false},
		{[]Kind{GPU, Module}, map[string]float64{"whole": 100, "module": 100}, true},
		{[]Kind{GPU, CPU, Node}, map[string]float64{"whole": 100, "cpu": 100, "node": 100, "all": 200}, true},
		{[]Kind{CPU, DRAM, Node}, map[string]float64{"whole": 200, "cpu": 100, "dram": 100, "node": 100}, true},
		{[]Kind{Module, CPU}, map[string]float64{"whole": 100, "cpu": 100}, true},
		{[]Kind{Node, Node}, map[string]float64{"whole": 200}, false},
	} {
		m := kinds(tt.of...)
		m.total()
		assert.Equal(t, tt.want, sums(m), "%v", tt.of)
		nested := false
		for _, k := range m.Kinds {
			nested = nested || has(k.Reasons, NestedScope)
		}
		assert.Equal(t, tt.nested, nested, "%v", tt.of)
		assert.Len(t, m.AllDevices(), len(tt.of))
	}
	m := kinds(GPU, CPU)
	m.Devices[0].Device.Marks = []Finding{{Reason: ModuleScope}}
	m.total()
	assert.Equal(t, map[string]float64{"whole": 100, "cpu": 100}, sums(m), "a GPU whose counter is the module's contains the CPU")
}

// TestMemoryAlone: what only memory used is not the energy of a processor.
func TestMemoryAlone(t *testing.T) {
	m := kinds(DRAM)
	m.total()
	assert.Equal(t, DRAM, m.Kind)
	dram, ok := m.OfKind(DRAM)
	assert.True(t, ok)
	assert.InDelta(t, 100, dram.Energy.Joules, 1e-9)
	_, ok = m.OfKind(CPU)
	assert.False(t, ok)
}

// TestErrorsOfSources are independent.
func TestErrorsOfSources(t *testing.T) {
	m := kinds(GPU, CPU, CPU)
	m.total()
	all, _ := m.OfKind(AllKinds)
	cpus := math.Sqrt((1-correlated)*2 + correlated*4)
	cpu, _ := m.OfKind(CPU)
	assert.InDelta(t, cpus, cpu.Energy.HalfWidth(), 1e-9)
	assert.InDelta(t, math.Hypot(1, cpus), all.Energy.HalfWidth(), 1e-9)
}

// TestAddToKinds: a finding takes back what it concerns, and no more.
func TestAddToKinds(t *testing.T) {
	for _, tt := range []struct {
		f     Finding
		want  map[string]float64
		ofAll bool // it is among the reasons of the whole
	}{
		{Finding{Reason: SourceStalled, Device: "cpu1"}, map[string]float64{"whole": 100, "dram": 100}, false},
		{Finding{Reason: SourceStalled, Source: "of cpu"}, map[string]float64{"whole": 100, "dram": 100}, false},
		{Finding{Reason: SourceStalled, Device: "gpu0"}, map[string]float64{"cpu": 100, "dram": 100}, true},
		{Finding{Reason: SourceStalled, Device: "another"}, map[string]float64{"cpu": 100, "dram": 100}, true},
		{Finding{Reason: ExpectedGPUCountMismatch}, map[string]float64{"cpu": 100, "dram": 100}, true},
		{Finding{Reason: WindowMismatch}, map[string]float64{}, true},
		{Finding{Reason: SourceUnavailable, Source: "amd"}, map[string]float64{"whole": 100, "cpu": 100, "dram": 100}, false},
		{Finding{Reason: SharedGPU, Device: "cpu1"}, map[string]float64{"whole": 100, "cpu": 100, "dram": 100, "all": 300}, false},
	} {
		m := kinds(GPU, CPU, DRAM)
		m.total()
		m.Add(tt.f)
		assert.Equal(t, tt.want, sums(m), "%v", tt.f)
		assert.Equal(t, tt.ofAll, has(m.Reasons, tt.f.Reason), "%v", tt.f)
		all, _ := m.OfKind(AllKinds)
		assert.Equal(t, !all.Valid, withheld(all.Reasons), "%v: %v", tt.f, all.Reasons)
	}
}
