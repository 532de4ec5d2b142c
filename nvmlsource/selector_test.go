package nvmlsource

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/joulebench/joulebench/powertest/energy"
)

// rack is two H200, an L4 that NVML counts before them though its address is
// higher, and an H200 in MIG mode.
func rack() []gpu {
	at := func(domain, bus uint32) pciAddress { return pciAddress{domain: domain, bus: bus, known: true} }
	return []gpu{
		{index: 0, uuid: "GPU-aa000000-1111", name: "NVIDIA L4", pci: at(0, 0xe1)},
		{index: 1, uuid: "GPU-aa000001-2222", name: "NVIDIA H200", pci: at(0, 0x17)},
		{index: 2, uuid: "GPU-bb000002-3333", name: "NVIDIA H200", pci: at(0, 0x3d)},
		{index: 3, uuid: "GPU-cc000003-4444", name: "NVIDIA H200", pci: at(0x10, 0x17), mig: true,
			instances: []string{"MIG-dd000000-5555", "MIG-dd000001-6666"}},
	}
}

// equals is the same GPUs, all of one model.
func equals() []gpu {
	gpus := rack()
	for i := range gpus {
		gpus[i].name = "NVIDIA H200"
	}
	return gpus
}

func noEnv(string) (string, bool) { return "", false }

func TestSelectors(t *testing.T) {
	for sel, want := range map[string][]choice{
		"all":                                 {{gpu: 0}, {gpu: 1}, {gpu: 2}, {gpu: 3}},
		"ALL":                                 {{gpu: 0}, {gpu: 1}, {gpu: 2}, {gpu: 3}},
		"2":                                   {{gpu: 2}},
		" 2 , 0 ":                             {{gpu: 2}, {gpu: 0}},
		"2,2,all":                             {{gpu: 2}, {gpu: 0}, {gpu: 1}, {gpu: 3}},
		"GPU-aa000001-2222":                   {{gpu: 1}},
		"gpu-AA000001":                        {{gpu: 1}},
		"GPU-b":                               {{gpu: 2}},
		"0000:17:00.0":                        {{gpu: 1}},
		"00000000:3D:00.0":                    {{gpu: 2}},
		"3d:00.0":                             {{gpu: 2}},
		"E1:00":                               {{gpu: 0}},
		"0010:17:00.0":                        {{gpu: 3}},
		"17:00.0,1,GPU-aa000001-2222":         {{gpu: 1}},
		"MIG-dd000000-5555":                   {{gpu: 3, parentOf: "MIG-dd000000-5555"}},
		"MIG-DD000001":                        {{gpu: 3, parentOf: "MIG-DD000001"}},
		"MIG-GPU-cc000003-4444/1/0":           {{gpu: 3, parentOf: "MIG-GPU-cc000003-4444/1/0"}},
		"3,MIG-dd000001-6666":                 {{gpu: 3, parentOf: "MIG-dd000001-6666"}},
		"MIG-dd000000-5555,MIG-dd000001-6666": {{gpu: 3, parentOf: "MIG-dd000000-5555"}},
		"MIG-dd":                              {{gpu: 3, parentOf: "MIG-dd"}},
	} {
		t.Run(sel, func(t *testing.T) {
			got, err := choose(rack(), []string{sel}, noEnv)
			require.NoError(t, err)
			assert.Equal(t, want, got)
		})
	}
}

func TestSelectorsThatFitNothing(t *testing.T) {
	for _, sel := range []string{
		"4", "-1", "none", "GPU-", "GPU-aa", "GPU-ee", "aa000001", "MIG-", "MIG-ee", "MIG-GPU-cc/1/0", "MIG-GPU-/1/0",
		"17:00.1", "18:00.0", "17:20.0", "1ff:00.0", "zz:00", "1:2:3:4", ":", "1.5", "0,7", "H200", "\x00",
	} {
		t.Run(sel, func(t *testing.T) {
			got, err := choose(rack(), []string{sel}, noEnv)
			require.ErrorIs(t, err, energy.ErrNoDevice)
			assert.Nil(t, got)
			for _, g := range rack() {
				assert.ErrorContains(t, err, g.uuid)
			}
		})
	}
}

func TestNoSelectorMeansAllThatCUDASees(t *testing.T) {
	want := []choice{{gpu: 0, byDefault: true}, {gpu: 1, byDefault: true}, {gpu: 2, byDefault: true}, {gpu: 3, byDefault: true, parentOf: unnamedInstance}}
	for _, none := range [][]string{nil, {""}, {" ", ","}} {
		got, err := choose(rack(), none, noEnv)
		require.NoError(t, err)
		assert.Equal(t, want, got)
	}
	got, err := choose(rack(), nil, func(name string) (string, bool) {
		return map[string]string{"CUDA_VISIBLE_DEVICES": "1", "CUDA_DEVICE_ORDER": "PCI_BUS_ID"}[name], true
	})
	require.NoError(t, err)
	assert.Equal(t, []choice{{gpu: 2}}, got)
}

func TestSelectorOfInstancesOnTwoGPUs(t *testing.T) {
	gpus := rack()
	gpus[2].instances = []string{"MIG-dd000002-7777"}
	_, err := choose(gpus, []string{"MIG-dd00000"}, noEnv)
	require.ErrorIs(t, err, energy.ErrNoDevice)
	got, err := choose(gpus, []string{"MIG-dd000002"}, noEnv)
	require.NoError(t, err)
	assert.Equal(t, []choice{{gpu: 2, parentOf: "MIG-dd000002"}}, got)
}

func FuzzSelector(f *testing.F) {
	for _, s := range []string{"all", "0,1", "GPU-aa", "0000:17:00.0", "MIG-dd", "MIG-GPU-cc000003-4444/1/0", "MIG-/", "1:2.0"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got, err := choose(rack(), []string{s}, noEnv)
		if err != nil {
			require.ErrorIs(t, err, energy.ErrNoDevice)
			require.Empty(t, got)
			return
		}
		requireOnce(t, got)
	})
}

// requireOnce requires GPUs that there are, each at most once.
func requireOnce(t *testing.T, chosen []choice) {
	t.Helper()
	require.NotEmpty(t, chosen)
	seen := map[int]bool{}
	for _, c := range chosen {
		require.True(t, c.gpu >= 0 && c.gpu < len(rack()))
		require.False(t, seen[c.gpu])
		seen[c.gpu] = true
	}
}
