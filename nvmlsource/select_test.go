package nvmlsource

import (
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/joulebench/joulebench/powertest/energy"
)

// rack is two H200, an L4 that NVML counts before them though its address is
// higher, and an H200 in MIG mode.
func rack() []gpu {
	return []gpu{
		{Device: energy.Device{Index: 0, UUID: "GPU-aa000000-1111", Name: "NVIDIA L4", PCI: "00000000:E1:00.0"}},
		{Device: energy.Device{Index: 1, UUID: "GPU-aa000001-2222", Name: "NVIDIA H200", PCI: "00000000:17:00.0"}},
		{Device: energy.Device{Index: 2, UUID: "GPU-bb000002-3333", Name: "NVIDIA H200", PCI: "00000000:3D:00.0"}},
		{Device: energy.Device{Index: 3, UUID: "GPU-cc000003-4444", Name: "NVIDIA H200", PCI: "00000010:17:00.0"},
			mig: true, instances: []string{"MIG-dd000000-5555", "MIG-dd000001-6666"}},
	}
}

// equals is the same GPUs, all of one model.
func equals() []gpu {
	gpus := rack()
	for i := range gpus {
		gpus[i].Name = "NVIDIA H200"
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
		"aa000001":                            {{gpu: 1}},
		"1-2":                                 {{gpu: 1}, {gpu: 2}},
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
		"4", "-1", "none", "GPU-", "GPU-ee", "2-4", "MIG-", "MIG-ee", "MIG-GPU-cc/1/0", "MIG-GPU-/1/0",
		"17:00.1", "18:00.0", "17:20.0", "1ff:00.0", "zz:00", "1:2:3:4", ":", "1.5", "0,7", "H200", "\x00",
	} {
		t.Run(sel, func(t *testing.T) {
			got, err := choose(rack(), []string{sel}, noEnv)
			require.ErrorIs(t, err, energy.ErrNoDevice)
			assert.Nil(t, got)
			for _, g := range rack() {
				if !isInstance(sel) {
					assert.ErrorContains(t, err, g.UUID, "the GPUs that there are")
				}
				for _, uuid := range g.instances {
					assert.Equal(t, isInstance(sel), strings.Contains(err.Error(), uuid), "the instances that there are")
				}
			}
		})
	}
}

func TestSelectorOfTwoGPUs(t *testing.T) {
	_, err := choose(rack(), []string{"GPU-aa"}, noEnv)
	require.ErrorIs(t, err, energy.ErrNoDevice)
	assert.ErrorContains(t, err, rack()[0].UUID)
	assert.ErrorContains(t, err, rack()[1].UUID)
}

func TestNoSelectorMeansAllThatCUDASees(t *testing.T) {
	want := []choice{{gpu: 0, byDefault: true}, {gpu: 1, byDefault: true}, {gpu: 2, byDefault: true}, {gpu: 3, byDefault: true, parentOf: unnamedInstance}}
	for _, none := range [][]string{nil, {""}, {" ", ""}} {
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
	for _, s := range []string{"all", "0,1", "GPU-aa", "0000:17:00.0", "MIG-dd", "MIG-GPU-cc000003-4444/1/0", "MIG-/", "1:2.0", ",", "0,,1"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got, err := choose(rack(), []string{s}, noEnv)
		if err != nil {
			require.True(t, errors.Is(err, energy.ErrNoDevice) || errors.Is(err, energy.ErrMalformed), "%v", err)
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

// CUDA counts in bus order, in which equals are 1, 2, 0, 3.
func TestVisible(t *testing.T) {
	const instanceUUID = "MIG-dd000000-5555"
	for list, want := range map[string][]choice{
		"0":                         {{gpu: 1}},
		"2,0":                       {{gpu: 0}, {gpu: 1}},
		" 1 , 2 ":                   {{gpu: 2}, {gpu: 0}},
		"1,1":                       {{gpu: 2}},
		"0,-1,1":                    {{gpu: 1}},
		"0,9,1":                     {{gpu: 1}},
		"0,,1":                      {{gpu: 1}},
		"0,x,1":                     {{gpu: 1}},
		"0,GPU-ee,1":                {{gpu: 1}},
		"0,GPU-aa,1":                {{gpu: 1}}, // fits two
		"0,MIG-ee,1":                {{gpu: 1}},
		"0,17:00.0":                 {{gpu: 1}}, // CUDA knows no addresses
		"3":                         {{gpu: 3, parentOf: unnamedInstance}},
		"GPU-cc000003-4444":         {{gpu: 3, parentOf: unnamedInstance}},
		"GPU-aa000000,GPU-b":        {{gpu: 0}, {gpu: 2}},
		instanceUUID:                {{gpu: 3, parentOf: instanceUUID}},
		"MIG-GPU-cc000003-4444/2/0": {{gpu: 3, parentOf: "MIG-GPU-cc000003-4444/2/0"}},
		"2," + instanceUUID:         {{gpu: 0}, {gpu: 3, parentOf: instanceUUID}},
	} {
		t.Run(list, func(t *testing.T) {
			got, err := visible(equals(), list, "")
			require.NoError(t, err)
			assert.Equal(t, want, got)
		})
	}
}

func TestVisibleHidesAll(t *testing.T) {
	for _, list := range []string{"", "-1", " ", "-1,0", "none", "void", "NoDevFiles", "9", "GPU-", "MIG-", ",0"} {
		t.Run(list, func(t *testing.T) {
			_, err := visible(equals(), list, "PCI_BUS_ID")
			require.ErrorIs(t, err, energy.ErrNoDevice)
			assert.ErrorContains(t, err, "CUDA_VISIBLE_DEVICES=")
			assert.ErrorContains(t, err, "POWERTEST_DEVICES")
		})
	}
}

func TestVisibleAmongDifferentModels(t *testing.T) {
	for _, order := range []string{"", "FASTEST_FIRST"} {
		_, err := visible(rack(), "0", order)
		require.ErrorIs(t, err, energy.ErrNoDevice)
		require.ErrorContains(t, err, "CUDA_DEVICE_ORDER=PCI_BUS_ID")
		_, err = visible(rack(), "GPU-b,0", order)
		require.Error(t, err, "one index is enough")

		got, err := visible(rack(), "GPU-b", order)
		require.NoError(t, err, "a UUID is never ambiguous")
		assert.Equal(t, []choice{{gpu: 2}}, got)
		got, err = visible(rack(), "0,1,2,3", order)
		require.NoError(t, err, "nor are all of them")
		assert.Len(t, got, 4)
	}
	got, err := visible(rack(), "2", "PCI_BUS_ID")
	require.NoError(t, err)
	assert.Equal(t, []choice{{gpu: 0}}, got)
}

func TestVisibleWithoutAddresses(t *testing.T) {
	gpus := equals()
	gpus[2].PCI = ""
	got, err := visible(gpus, "0", "")
	require.NoError(t, err)
	assert.Equal(t, []choice{{gpu: 0}}, got, "NVML's order")
}

func FuzzVisible(f *testing.F) {
	for _, s := range []string{"", "0", "0,1", "-1", "0,-1", "GPU-aa000000", "MIG-dd000000-5555", "MIG-GPU-cc000003-4444/1/0", "MIG-/", "+1", "99999999999999999999"} {
		f.Add(s, "PCI_BUS_ID")
		f.Add(s, "")
	}
	f.Fuzz(func(t *testing.T, list, order string) {
		got, err := visible(rack(), list, order)
		if err != nil {
			require.True(t, errors.Is(err, energy.ErrNoDevice) || errors.Is(err, energy.ErrMalformed), "%v", err)
			require.Empty(t, got)
			return
		}
		requireOnce(t, got)
	})
}
