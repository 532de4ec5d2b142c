package main

import (
	"testing"

	"github.com/joulebench/joulebench/powertest/energy"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestRoleFlag(t *testing.T) {
	var f roleFlag
	for _, s := range []string{"", "prefill", "=prefill", "0=", " = ", "0,,1=prefill"} {
		assert.Error(t, f.Set(s), s)
	}
	require.NoError(t, f.Set("0-1, 5 = prefill"))
	require.NoError(t, f.Set("GPU-ab=decode"))
	assert.Equal(t, "0-1,5=prefill GPU-ab=decode", f.String())
}

func TestSelects(t *testing.T) {
	d := energy.Device{UUID: "GPU-AB12", Index: 3, Host: "node-1"}
	for sel, want := range map[string]bool{
		"3": true, "2": false, "2-3": true, "4-9": false, "3-2": false, "node-1": true, "node-2": false, "node-1/3": true, "node-1/2": false, "node-2/3": false,
		"gpu-ab": true, "GPU-AB12": true, "GPU-CD": false,
	} {
		assert.Equal(t, want, selects(sel, d), sel)
	}
}

func TestRolesAssign(t *testing.T) {
	device := func(i int, joules float64, valid bool) energy.DeviceMeasurement {
		return energy.DeviceMeasurement{Device: energy.Device{UUID: string(rune('a' + i)), Index: i}, Valid: valid, Energy: energy.Estimate{Joules: joules, Low: joules - 1, High: joules + 2}, Watts: joules / 10}
	}
	m := energy.Measurement{Devices: []energy.DeviceMeasurement{device(0, 100, true), device(1, 200, true), device(2, 300, false), device(3, 1, true)}}
	require.NoError(t, roleFlag{{[]string{"0", "1"}, "prefill"}, {[]string{"2"}, "decode"}}.assign(&m))
	assert.Equal(t, []energy.RoleMeasurement{
		{Role: "decode", Devices: 1},
		{Role: "prefill", Devices: 2, Valid: true, Energy: energy.Estimate{Joules: 300, Low: 298, High: 304}, Watts: 30},
	}, m.Roles)
	assert.ErrorContains(t, roleFlag{{[]string{"7"}, "prefill"}}.assign(&m), "there is no such GPU")
	assert.EqualError(t, roleFlag{{[]string{"3-9"}, "prefill"}}.assign(&m), "-role 3-9=prefill: there is no GPU 4")
	assert.ErrorContains(t, roleFlag{{[]string{"3-2"}, "prefill"}}.assign(&m), "there is no such GPU")
	assert.ErrorContains(t, roleFlag{{[]string{"0"}, "decode"}}.assign(&m), "two roles")
	before := m.Roles
	require.NoError(t, roleFlag(nil).assign(&m))
	assert.Equal(t, before, m.Roles)
}
