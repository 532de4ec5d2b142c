package nvmlsource

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/joulebench/joulebench/powertest/energy"
)

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
	gpus[2].pci = pciAddress{}
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
			require.ErrorIs(t, err, energy.ErrNoDevice)
			require.Empty(t, got)
			return
		}
		requireOnce(t, got)
	})
}
