package metricname

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/joulebench/joulebench/powertest/energy"
)

// What two exporters have can be the same device by two names: of each kind one exporter's
// are measured, and the others named. GPUs of several vendors are different ones.
func TestChoose(t *testing.T) {
	device := func(uuid string, kind energy.Kind, from *Exporter) Found {
		return Found{Device: energy.Device{UUID: uuid, Kind: kind}, From: from}
	}
	dcgm, kepler, amd := device("GPU-1", "", &DCGM), device("GPU-2", "", &keplerGPU), device("69/0", "", &amdExporter)
	generic, chip := device("x/gpu", "", &allSMI), device("h/chip", "", &nodeHwmon)
	chip.Device.Name = "amdgpu"
	other := device("h/chip2", "", &nodeHwmon)
	other.Device.Name = "coretemp"
	cpu, dram, node := device("h/rapl:0", energy.CPU, &nodeRAPL), device("h/rapl:0:1", energy.DRAM, &nodeRAPL), device("h/psys", energy.Node, &nodeRAPL)
	same, host := device("n/package", energy.CPU, &keplerCPU), device("h/node", energy.Node, &scaphandre)
	for name, c := range map[string]struct {
		found []Found
		kinds string
		want  []string
		note  string
	}{
		"GPUs first":              {[]Found{cpu, dcgm, dram, node}, "", []string{"GPU-1"}, "not measured are 1 cpu of node_exporter, 1 dram of node_exporter, 1 node of node_exporter (see kind=)"},
		"no GPUs":                 {[]Found{cpu, dram, node}, "", []string{"h/rapl:0", "h/rapl:0:1"}, "not measured are 1 node of node_exporter (see kind=)"},
		"nothing but a machine":   {[]Found{host}, "", []string{"h/node"}, ""},
		"NVIDIA's by any":         {[]Found{kepler, dcgm}, "", []string{"GPU-2", "GPU-1"}, ""},
		"vendors":                 {[]Found{amd, dcgm}, "", []string{"69/0", "GPU-1"}, ""},
		"a vendor, and anybody's": {[]Found{amd, generic, chip}, "", []string{"69/0"}, "not measured are 1 gpu of all-smi, 1 gpu of node_exporter's hwmon (see kind=)"},
		"anybody's":               {[]Found{chip, generic}, "", []string{"x/gpu"}, "not measured are 1 gpu of node_exporter's hwmon (see kind=)"},
		"a chip":                  {[]Found{chip, other, cpu}, "", []string{"h/chip"}, "not measured are 1 cpu of node_exporter (see kind=)"},
		"no chip":                 {[]Found{other, cpu}, "", []string{"h/rapl:0"}, ""},
		"processors twice":        {[]Found{same, cpu}, "", []string{"h/rapl:0"}, "not measured are 1 cpu of Kepler (see kind=)"},
		"machines twice":          {[]Found{host, node}, "node", []string{"h/psys"}, "not measured are 1 node of Scaphandre (see kind=)"},
		"all":                     {[]Found{dcgm, cpu, dram, node}, "all", []string{"GPU-1", "h/rapl:0", "h/rapl:0:1", "h/psys"}, ""},
		"processors":              {[]Found{dcgm, cpu, dram}, "cpu", []string{"h/rapl:0", "h/rapl:0:1"}, "not measured are 1 gpu of dcgm-exporter (see kind=)"},
		"memory":                  {[]Found{dcgm, cpu, dram}, "dram", []string{"h/rapl:0:1"}, "not measured are 1 cpu of node_exporter, 1 gpu of dcgm-exporter (see kind=)"},
		"none of them":            {[]Found{dcgm}, "module", nil, "not measured are 1 gpu of dcgm-exporter (see kind=)"},
		"nothing":                 {nil, "", nil, ""},
	} {
		t.Run(name, func(t *testing.T) {
			var kinds []energy.Kind
			if c.kinds != "" {
				var err error
				kinds, err = ParseKinds(c.kinds)
				require.NoError(t, err)
			}
			at, note := Choose(c.found, kinds)
			var got []string
			for _, i := range at {
				got = append(got, c.found[i].Device.UUID)
			}
			assert.Equal(t, c.want, got)
			assert.Equal(t, c.note, note)
		})
	}
}

// Two devices whose labels differ are two.
func TestIdentity(t *testing.T) {
	for _, c := range []struct {
		x      *Exporter
		labels map[string]string
		want   string
	}{
		{&nvidiaGPUExporter, map[string]string{"uuid": "1234"}, "GPU-1234"},
		{&nvidiaGPUExporter, map[string]string{"uuid": "GPU-1234"}, "GPU-1234"},
		{&nodeRAPL, map[string]string{"path": "/sys/class/powercap/intel-rapl:0", "instance": "a:1"}, "a:1/intel-rapl:0"},
		{&nodeRAPL, map[string]string{"path": "/sys/class/powercap/intel-rapl:0"}, ""},
		{&scaphandre, map[string]string{"socket_id": "0", "instance": "a:1"}, "a:1/0"},
		{&scaphandre, map[string]string{"instance": "a:1"}, "a:1/node"},
		{&amdExporter, map[string]string{"gpu_uuid": "ab", "serial_number": "69", "gpu_id": "0"}, "ab"},
		{&amdExporter, map[string]string{"serial_number": "69", "gpu_id": "0"}, "69/0"},
		{&amdExporter, map[string]string{"hostname": "h", "gpu_id": "1"}, "h/1"},
		{&amdExporter, map[string]string{"serial_number": "1/2", "gpu_id": "3"}, "1%2F2/3"},
		{&scaphandre, map[string]string{"domain_name": "dram", "instance": "a:1"}, "a:1//dram"},
		{&ipmiExporter, map[string]string{"instance": "a:1"}, "a:1/node"},
	} {
		assert.Equal(t, c.want, c.x.Identity(of(c.labels)), c.labels)
		assert.Equal(t, c.want == "", len(c.x.Key(of(c.labels))) == 0)
	}
	v, err := Custom{Name: "acme_joules_total", Unit: "J", ID: "card"}.Vocabulary()
	require.NoError(t, err)
	x := v.At(v.Find("acme_joules")).From
	assert.Equal(t, "a:1/x%2F0", x.Identity(of(map[string]string{"card": "x/0", "instance": "a:1"})))
	assert.Equal(t, "a:1/y%2F0", x.Identity(of(map[string]string{"card": "y/0", "instance": "a:1"})))
	assert.Equal(t, "GPU-1", x.Identity(of(map[string]string{"card": "GPU-1", "instance": "a:1"})), "NVIDIA's are the same everywhere")
}

func TestUnits(t *testing.T) {
	for unit, want := range map[string]float64{"uJ": 5e-6, "µJ": 5e-6, "mJ": 5e-3, "J": 5, "mW": 5e-3, "W": 5} {
		v, err := Custom{Name: "x", Unit: unit, ID: "y"}.Vocabulary()
		require.NoError(t, err)
		got, ok := v.At(0).Value(5)
		assert.True(t, ok)
		assert.InEpsilon(t, want, got, 1e-12, unit)
	}
	_, ok := Known.At(Known.Find("gpu_energy_consumed")).Value(0)
	assert.False(t, ok, "what AMD's exporter has not read is 0")
}
