package metricname

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/joulebench/joulebench/powertest/energy"
)

func of(pairs map[string]string) Labels { return func(name string) string { return pairs[name] } }

func TestDeviceOf(t *testing.T) {
	want := energy.Device{UUID: "GPU-1", Index: 3, Name: "NVIDIA H200", PCI: "00000000:18:00.0", Host: "n1"}
	upper := map[string]string{"UUID": "GPU-1", "gpu": "3", "modelName": "NVIDIA H200", "pci_bus_id": "00000000:18:00.0", "Hostname": "n1"}
	lower := map[string]string{"uuid": "GPU-1", "gpu": "3", "modelName": "NVIDIA H200", "pci_bus_id": "00000000:18:00.0", "hostname": "n1", "gpu_uuid": "GPU-2"}
	assert.Equal(t, want, DCGM.Device(of(upper)))
	assert.Equal(t, want, DCGM.Device(of(lower)))
	assert.Equal(t, energy.Device{Index: UnknownIndex}, DCGM.Device(of(map[string]string{"gpu_uuid": "GPU-2", "gpu": "-4"})))
	assert.Equal(t, []Pair{{"UUID", "GPU-1"}}, DCGM.Key(of(upper)))
	assert.Equal(t, []Pair{{"uuid", "GPU-1"}}, DCGM.Key(of(lower)))
	assert.Empty(t, DCGM.Key(of(nil)))
	assert.Equal(t, "570", DCGM.DriverVersion(of(map[string]string{"DCGM_FI_DRIVER_VERSION": "570"})))
	assert.Equal(t, "580", DCGM.DriverVersion(of(map[string]string{"DCGM_FI_SYSTEM_DRIVER_VERSION": "580"})))
}

func TestRows(t *testing.T) {
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
			var one, other, merged Rows
			for i, r := range c.rows {
				one.Add(&DCGM, of(r))
				if i == 0 {
					merged.Add(&DCGM, of(r))
				} else {
					other.Add(&DCGM, of(r))
				}
			}
			merged.Merge(other)
			var got []energy.Reason
			for _, m := range one.Marks(energy.Device{UUID: "GPU-1"}) {
				assert.Equal(t, "GPU-1", m.Device)
				assert.NotEmpty(t, m.Detail)
				got = append(got, m.Reason)
			}
			assert.Equal(t, c.want, got)
			assert.Equal(t, one.Marks(energy.Device{UUID: "GPU-1"}), merged.Marks(energy.Device{UUID: "GPU-1"}), "from two pages")
		})
	}
}

func TestModule(t *testing.T) {
	d := energy.Device{UUID: "GPU-1", Name: "NVIDIA GH200 480GB", Method: energy.Counter}
	assert.Equal(t, []energy.Finding{ModuleMark("GPU-1")}, new(Rows).Marks(d))
	d.Method = energy.Gauge
	assert.Empty(t, new(Rows).Marks(d), "its power is that of the GPU")
	assert.False(t, CountsModule("NVIDIA H200"))
	assert.True(t, CountsModule("AMD Instinct MI300A"), "as exporters name it")
	assert.False(t, CountsModule("AMD Instinct MI300X OAM"))
	assert.True(t, AMDCountsModule(0x74a0))
	assert.False(t, AMDCountsModule(0x74a1), "an MI300X")
}
