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
