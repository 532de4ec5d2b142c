package energy

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func oneHost(n int) []Device {
	var list []Device
	for i := range n {
		list = append(list, Device{UUID: fmt.Sprintf("GPU-%d%d%dabcde-1234", i, i, i), Index: i, PCI: fmt.Sprintf("00000000:%02X:00.0", 0x3a+i)})
	}
	return list
}

func twoHosts() []Device {
	var list []Device
	for _, host := range []string{"node-a", "node-b"} {
		for i := range 4 {
			list = append(list, Device{UUID: fmt.Sprintf("GPU-%s-%d", host, i), Index: i, Host: host})
		}
	}
	return list
}

func TestSelect(t *testing.T) {
	for _, tt := range []struct {
		devices   []Device
		selectors []string
		want      []int
	}{
		{oneHost(3), nil, []int{0, 1, 2}},
		{oneHost(3), []string{"", " "}, []int{0, 1, 2}},
		{oneHost(3), []string{"ALL"}, []int{0, 1, 2}},
		{oneHost(3), []string{"2"}, []int{2}},
		{oneHost(3), []string{"2", "0,2"}, []int{2, 0}},
		{oneHost(4), []string{"1-3"}, []int{1, 2, 3}},
		{oneHost(4), []string{"gpu-111ABCDE-1234"}, []int{1}},
		{oneHost(4), []string{"GPU-1"}, []int{1}},
		{oneHost(4), []string{"111ab"}, []int{1}},
		{oneHost(4), []string{"0000:3b:00.0"}, []int{1}},
		{oneHost(4), []string{"3b:00"}, []int{1}},
		{oneHost(4), []string{"3B:00.0"}, []int{1}},
		{twoHosts(), []string{"NODE-B"}, []int{4, 5, 6, 7}},
		{twoHosts(), []string{"node-b/2"}, []int{6}},
		{twoHosts(), []string{"node-a/0-1"}, []int{0, 1}},
		{twoHosts(), []string{"all"}, []int{0, 1, 2, 3, 4, 5, 6, 7}},
		{[]Device{{UUID: "1234567890", Index: 7}}, []string{"1234"}, []int{0}},
	} {
		got, err := Select(tt.devices, tt.selectors...)
		require.NoError(t, err, "%q", tt.selectors)
		assert.Equal(t, tt.want, got, "%q", tt.selectors)
	}
}

// What fits nothing, or more than one thing, is an error that says what there is.
func TestSelectRefuses(t *testing.T) {
	for _, tt := range []struct {
		devices  []Device
		selector string
		says     string
	}{
		{oneHost(2), "5", `no such device: nothing is named "5"; there are 0 (GPU-000abcde-1234), 1 (GPU-111abcde-1234)`},
		{oneHost(2), "G", "nothing is named"},
		{oneHost(2), "GPU-", "nothing is named"},
		{oneHost(2), "-1", "nothing is named"},
		{oneHost(2), "1-0", "nothing is named"},
		{oneHost(2), "0-2", `no device has the index 2 of "0-2"`},
		{oneHost(2), "11:22:33", "nothing is named"},
		{twoHosts(), "0", "several hosts (node-a, node-b)\nwrite HOST/0"},
		{twoHosts(), "0-1", "write HOST/0-1"},
		{twoHosts(), "GPU-node", `"GPU-node" is ambiguous, it fits node-a/0 (GPU-node-a-0)`},
		{twoHosts(), "node-c", "there are node-a/0"},
		{twoHosts(), "node-a/9", "nothing is named"},
		{twoHosts(), "node-a/2-9", "no device has the index 4"},
		{[]Device{{UUID: "GPU-a", Index: 1}, {UUID: "GPU-b", Index: 1}}, "1", "ambiguous"},
		{[]Device{{UUID: "GPU-a", Index: 0, Host: "1"}, {UUID: "GPU-b", Index: 1, Host: "1"}}, "1", "ambiguous"},
		{nil, "0", "there are no devices"},
	} {
		_, err := Select(tt.devices, tt.selector)
		require.ErrorIs(t, err, ErrNoDevice, tt.selector)
		assert.ErrorContains(t, err, tt.says)
	}
}

func TestNamesOfAFleet(t *testing.T) {
	assert.Contains(t, Names(oneHost(20)), "and 4 more")
}

func TestSelectionRoles(t *testing.T) {
	_, devices, err := Selection{Devices: []string{"0-2"}, Roles: []Role{{"prefill", []string{"0-1"}}, {"decode", []string{"2"}}}}.Choose(oneHost(4))
	require.NoError(t, err)
	assert.Equal(t, []string{"prefill", "prefill", "decode"}, []string{devices[0].Role, devices[1].Role, devices[2].Role})

	for says, roles := range map[string][]Role{
		"nothing is named": {{"prefill", []string{"3"}}}, // which is not selected
		"it names no":      {{"prefill", nil}},
		"has no spaces":    {{"a role", []string{"0"}}},
		"has two roles":    {{"prefill", []string{"all"}}, {"decode", []string{"2"}}},
	} {
		_, _, err := Selection{Devices: []string{"0-2"}, Roles: roles}.Choose(oneHost(4))
		assert.ErrorContains(t, err, says)
	}
}

// An empty element of a list is an error, for a script that lost a device; a list that
// is empty asks for none.
func TestSelectRefusesEmptyElements(t *testing.T) {
	for _, list := range []string{",", " , ", "0,,1", "0,"} {
		_, err := Select(oneHost(2), list)
		require.ErrorIs(t, err, ErrMalformed, "%q", list)
		_, _, err = Selection{Roles: []Role{{Name: "prefill", Devices: []string{list}}}}.Choose(oneHost(2))
		require.ErrorIs(t, err, ErrMalformed, "%q", list)
	}
}

// TestSelectKinds: an index is that of a GPU where there are GPUs.
func TestSelectKinds(t *testing.T) {
	cpus := []Device{{UUID: "CPU-aaaa", Kind: CPU}, {UUID: "CPU-bbbb", Kind: CPU, Index: 1}, {UUID: "DRAM-aaaa", Kind: DRAM}}
	beside := append(oneHost(2), cpus...)
	remote := append(twoHosts(), cpus...)
	for _, tt := range []struct {
		devices  []Device
		selector string
		want     []int
	}{
		{beside, "0", []int{0}},
		{beside, "0-1", []int{0, 1}},
		{beside, "cpu", []int{2, 3}},
		{beside, "0,CPU:1,dram", []int{0, 3, 4}},
		{beside, "gpu", []int{0, 1}},
		{beside, "gpu:0-1", []int{0, 1}},
		{beside, "cpu:0-1", []int{2, 3}},
		{beside, "DRAM-aaaa", []int{4}},
		{cpus, "0", []int{0, 2}},
		{cpus, "1", []int{1}},
		{remote, "cpu:1", []int{9}},
		{remote, "node-b/1,cpu", []int{5, 8, 9}},
	} {
		got, err := Select(tt.devices, tt.selector)
		require.NoError(t, err, "%q", tt.selector)
		assert.Equal(t, tt.want, got, "%q", tt.selector)
	}
	for selector, want := range map[string]string{
		"cpu:2":  `nothing is named "cpu:2"; there are 0 (GPU-000abcde-1234), 1 (GPU-111abcde-1234), cpu:0 (CPU-aaaa)`,
		"module": `nothing is named "module"`,
		"2":      `nothing is named "2"`,
		"gpu:x":  `nothing is named "gpu:x"`,
	} {
		_, err := Select(beside, selector)
		require.ErrorIs(t, err, ErrNoDevice)
		assert.ErrorContains(t, err, want)
	}
}

// TestParseRole: selectors, an equals sign and a role.
func TestParseRole(t *testing.T) {
	for _, s := range []string{"", "prefill", "=prefill", "0=", " = "} {
		_, err := ParseRole(s)
		assert.Error(t, err, s)
	}
	role, err := ParseRole("0-1, 5 = prefill")
	require.NoError(t, err)
	assert.Equal(t, "prefill", role.Name)
	assert.Equal(t, []string{"0-1, 5 "}, role.Devices)
}
