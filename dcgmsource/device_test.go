package dcgmsource

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/joulebench/joulebench/powertest/energy"
)

func of(pairs map[string]string) labels { return func(name string) string { return pairs[name] } }

func TestDeviceOf(t *testing.T) {
	want := energy.Device{UUID: "GPU-1", Index: 3, Name: "NVIDIA H200", PCI: "00000000:18:00.0", Host: "n1"}
	upper := map[string]string{"UUID": "GPU-1", "gpu": "3", "modelName": "NVIDIA H200", "pci_bus_id": "00000000:18:00.0", "Hostname": "n1"}
	lower := map[string]string{"uuid": "GPU-1", "gpu": "3", "modelName": "NVIDIA H200", "pci_bus_id": "00000000:18:00.0", "hostname": "n1", "gpu_uuid": "GPU-2"}
	assert.Equal(t, want, deviceOf(of(upper)))
	assert.Equal(t, want, deviceOf(of(lower)))
	assert.Equal(t, energy.Device{Index: unknownIndex}, deviceOf(of(map[string]string{"gpu_uuid": "GPU-2", "gpu": "-4"})))
	assert.Equal(t, "570", driverOf(of(map[string]string{"DCGM_FI_DRIVER_VERSION": "570"})))
	assert.Equal(t, "580", driverOf(of(map[string]string{"DCGM_FI_SYSTEM_DRIVER_VERSION": "580"})))
}

func TestDuplicates(t *testing.T) {
	row := func(pairs ...string) map[string]string {
		m := map[string]string{}
		for i := 0; i < len(pairs); i += 2 {
			m[pairs[i]] = pairs[i+1]
		}
		return m
	}
	for name, c := range map[string]struct {
		rows []map[string]string
		want []energy.Reason
	}{
		"one row":               {[]map[string]string{row()}, nil},
		"one pod":               {[]map[string]string{row("pod", "a"), row()}, nil},
		"the same pod twice":    {[]map[string]string{row("pod", "a"), row("pod", "a")}, nil},
		"two pods":              {[]map[string]string{row("pod", "a"), row("pod", "b")}, []energy.Reason{energy.SharedGPU}},
		"pods of one name":      {[]map[string]string{row("pod", "a", "namespace", "x"), row("pod", "a", "namespace", "y")}, []energy.Reason{energy.SharedGPU}},
		"two exported pods":     {[]map[string]string{row("pod", "e", "exported_pod", "a"), row("pod", "e", "exported_pod", "b")}, []energy.Reason{energy.SharedGPU}},
		"two jobs":              {[]map[string]string{row("hpc_job", "1"), row("hpc_job", "2")}, []energy.Reason{energy.SharedGPU}},
		"two claims":            {[]map[string]string{row("dra_claim_name", "1"), row("dra_claim_name", "2")}, []energy.Reason{energy.SharedGPU}},
		"two virtual":           {[]map[string]string{row("vgpu", "0"), row("vgpu", "1")}, []energy.Reason{energy.SharedGPU}},
		"two namespaces":        {[]map[string]string{row("namespace", "x"), row("namespace", "y")}, nil},
		"one instance":          {[]map[string]string{row("GPU_I_ID", "1")}, []energy.Reason{energy.MIGParentScope}},
		"instances of two pods": {[]map[string]string{row("GPU_I_ID", "1", "pod", "a"), row("GPU_I_ID", "2", "pod", "b")}, []energy.Reason{energy.MIGParentScope, energy.SharedGPU}},
	} {
		t.Run(name, func(t *testing.T) {
			var one, other, merged duplicates
			for i, r := range c.rows {
				one.add(of(r))
				if i == 0 {
					merged.add(of(r))
				} else {
					other.add(of(r))
				}
			}
			merged.merge(other)
			var got []energy.Reason
			for _, m := range one.marks("GPU-1") {
				assert.Equal(t, "GPU-1", m.Device)
				assert.NotEmpty(t, m.Detail)
				got = append(got, m.Reason)
			}
			assert.Equal(t, c.want, got)
			assert.Equal(t, one.marks("GPU-1"), merged.marks("GPU-1"), "from two pages")
		})
	}
}

func fleet() []energy.Device {
	return []energy.Device{
		{UUID: "GPU-aaaa0000-1", Index: 0, Host: "gpu-node-01", PCI: "00000000:18:00.0"},
		{UUID: "GPU-aaaa1111-2", Index: 1, Host: "gpu-node-01", PCI: "00000000:29:00.0"},
		{UUID: "GPU-bbbb0000-3", Index: 0, Host: "gpu-node-02", PCI: "00000000:18:00.0"},
		{UUID: "GPU-bbbb1111-4", Index: 1, Host: "gpu-node-02", PCI: "00010000:3A:00.0"},
	}
}

func TestSelectors(t *testing.T) {
	for sel, want := range map[string][]int{
		"":                            {0, 1, 2, 3},
		"all":                         {0, 1, 2, 3},
		"GPU-aaaa0000-1":              {0},
		"gpu-AAAA1":                   {1},
		"gpu-node-02":                 {2, 3},
		"GPU-NODE-02":                 {2, 3},
		"gpu-node-01/1":               {1},
		"gpu-node-02/0, gpu-node-01":  {2, 0, 1},
		"00000000:29:00.0":            {1},
		"0000:29:00.0":                {1},
		"29:00.0":                     {1},
		"10000:3a:00.0":               {3},
		"GPU-bbbb1,gpu-node-02/1,all": {3, 0, 1, 2},
	} {
		at, err := selectDevices(fleet(), []string{sel})
		require.NoError(t, err, sel)
		assert.Equal(t, want, at, sel)
	}
	at, err := selectDevices(fleet()[:2], []string{"1", "0"})
	require.NoError(t, err)
	assert.Equal(t, []int{1, 0}, at)
	for sel, want := range map[string]string{
		"0":             "several hosts (gpu-node-01, gpu-node-02)",
		"GPU-aaaa":      "ambiguous",
		"GPU-":          "is no UUID",
		"18:00.0":       "ambiguous",
		"gpu-node-03":   "GPU-bbbb1111-4 (gpu-node-02/1)",
		"gpu-node-01/2": "is no UUID",
		"3A:00.0":       "is no UUID",
		"-1":            "several hosts",
	} {
		_, err := selectDevices(fleet(), []string{sel})
		require.ErrorIs(t, err, energy.ErrNoDevice, sel)
		assert.ErrorContains(t, err, want, sel)
	}
	_, err = selectDevices(fleet()[:2], []string{"7"})
	require.ErrorIs(t, err, energy.ErrNoDevice)
	unnamed := []energy.Device{{UUID: "GPU-1", Index: 0, Host: "localhost"}, {UUID: "GPU-2", Index: 0, Host: "localhost"}}
	_, err = selectDevices(unnamed, []string{"0"})
	require.ErrorIs(t, err, energy.ErrNoDevice, "two hosts that say the same name")
	_, err = selectDevices([]energy.Device{{UUID: "GPU-1", Index: unknownIndex}}, []string{"-1"})
	require.ErrorIs(t, err, energy.ErrNoDevice, "an unknown index is no index")
}

func TestRoles(t *testing.T) {
	devices := fleet()
	require.NoError(t, assignRoles(devices, map[string][]string{"prefill": {"gpu-node-01"}, "decode": {"gpu-node-02/0"}}))
	assert.Equal(t, []string{"prefill", "prefill", "decode", ""},
		[]string{devices[0].Role, devices[1].Role, devices[2].Role, devices[3].Role})

	err := assignRoles(fleet(), map[string][]string{"prefill": {"gpu-node-01"}, "decode": {"gpu-node-01/1"}})
	require.ErrorContains(t, err, "GPU-aaaa1111-2 has two roles")
	require.ErrorIs(t, assignRoles(fleet(), map[string][]string{"decode": {"gpu-node-09"}}), energy.ErrNoDevice)
	require.ErrorIs(t, assignRoles(fleet(), map[string][]string{"decode": nil}), energy.ErrNoDevice, "not all of them")
	require.ErrorContains(t, assignRoles(fleet(), map[string][]string{"": {"all"}}), "no name")
}
