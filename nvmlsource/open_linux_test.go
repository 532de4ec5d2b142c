//go:build cgo

package nvmlsource

import (
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/joulebench/joulebench/nvmlsource/nvmltest"
	"github.com/joulebench/joulebench/powertest/energy"
)

func TestOpenWithoutALibrary(t *testing.T) {
	isolated(t, fake{env: []string{"LD_LIBRARY_PATH=/nonexistent"}}, func(t *testing.T) {
		for range 2 { // a failed attempt must not make the next one deadly
			s, err := energy.Open("nvml", "", nil)
			require.ErrorIs(t, err, fs.ErrNotExist)
			assert.Nil(t, s)
			for _, hint := range []string{"libnvidia-ml.so.1", "\ninstall the NVIDIA driver", "--gpus all"} {
				assert.ErrorContains(t, err, hint)
			}
		}
	})
}

func TestOpenOfSomethingElse(t *testing.T) {
	isolated(t, fake{}, func(t *testing.T) {
		text := filepath.Join(t.TempDir(), "text.so")
		require.NoError(t, os.WriteFile(text, []byte("not a library"), 0o644))
		_, err := Open(Config{Library: text})
		require.ErrorContains(t, err, text)
		require.NotErrorIs(t, err, fs.ErrNotExist)
		_, err = Open(Config{Library: "libm.so.6"}) // a library, but not NVML
		require.ErrorContains(t, err, "not an NVML library")
		mustOpen(t, Config{}) // neither has spoilt the process
	})
}

func TestOpenByPath(t *testing.T) {
	isolated(t, fake{}, func(t *testing.T) {
		path := filepath.Join(os.Getenv("LD_LIBRARY_PATH"), "libnvidia-ml.so.1")
		require.NoError(t, os.Unsetenv("LD_LIBRARY_PATH")) // too late for the linker, and to be clear
		s, err := energy.Open("nvml", path, []string{"0"})
		require.NoError(t, err)
		require.Len(t, s.Devices(), 1)
		mustOpen(t, Config{}) // "the installed one" is the one in use
		_, err = Open(Config{Library: "/other/libnvidia-ml.so.1"})
		require.ErrorContains(t, err, "one NVML library only")
	})
}

func TestOpenWhenInitFails(t *testing.T) {
	for name, c := range map[string]struct {
		fault string
		wraps error
		says  string
	}{
		"driver not loaded": {"nvmlInit=9", nil, "DRIVER_NOT_LOADED"},
		"no permission":     {"nvmlInit=4", fs.ErrPermission, "NO_PERMISSION"},
		"cgroup":            {"nvmlInit=17", fs.ErrPermission, "--gpus all"},
		"mismatch":          {"nvmlInit=18", nil, "LIB_RM_VERSION_MISMATCH"},
		"count fails":       {"nvmlDeviceGetCount=999", nil, "count the GPUs"},
	} {
		t.Run(name, func(t *testing.T) {
			isolated(t, fake{env: []string{"FAKE_NVML_FAULTS="}}, func(t *testing.T) {
				inject(t, c.fault)
				_, err := Open(Config{})
				require.ErrorContains(t, err, c.says)
				if c.wraps != nil {
					assert.ErrorIs(t, err, c.wraps)
				}
				inject(t, "")
				mustOpen(t, Config{}) // it can be tried again
			})
		})
	}
}

func TestOpenWhenTheDriverHangs(t *testing.T) {
	for name, fault := range map[string]string{"in init": "nvmlInit=hang", "at a GPU": "nvmlDeviceGetUUID@1=hang", "in the probe": "83=hang"} {
		t.Run(name, func(t *testing.T) {
			isolated(t, fake{env: []string{"FAKE_NVML_GPUS=2"}}, func(t *testing.T) {
				inject(t, fault)
				start := time.Now()
				_, err := Open(Config{OpenTimeout: 100 * time.Millisecond})
				require.ErrorIs(t, err, energy.ErrStalled)
				_, err = Open(Config{}) // does not wait another 30 s for the same
				require.ErrorIs(t, err, energy.ErrStalled)
				assert.Less(t, time.Since(start), 5*time.Second)
				inject(t, "")
				require.Eventually(t, func() bool { return !openStalled.Load() }, 5*time.Second, time.Millisecond)
				mustOpen(t, Config{})
			})
		})
	}
}

func TestOpenWithoutAGPU(t *testing.T) {
	isolated(t, fake{env: []string{"FAKE_NVML_GPUS=0"}}, func(t *testing.T) {
		_, err := Open(Config{})
		require.ErrorIs(t, err, energy.ErrNoDevice)
		assert.ErrorContains(t, err, "nvidia-smi -L")
	})
}

func TestOpenWithALostGPU(t *testing.T) {
	for name, fault := range map[string]string{"no handle": "nvmlDeviceGetHandleByIndex@1=15", "no UUID": "nvmlDeviceGetUUID@1=15", "no answer": "83@1=15"} {
		t.Run(name, func(t *testing.T) {
			isolated(t, fake{env: []string{"FAKE_NVML_GPUS=3", "FAKE_NVML_FAULTS=" + fault}}, func(t *testing.T) {
				_, err := Open(Config{})
				require.ErrorIs(t, err, energy.ErrDeviceLost)
				assert.ErrorContains(t, err, "GPU 1")
				assert.Len(t, mustOpen(t, Config{Devices: []string{"0,2"}}).Devices(), 2, "it matters only if it is chosen")
			})
		})
	}
}

func TestOpenHonoursTheEnvironment(t *testing.T) {
	f := fake{env: []string{"FAKE_NVML_GPUS=4", "FAKE_NVML_MIG=-,-,2,0", "CUDA_VISIBLE_DEVICES=1," + nvmltest.Instance(2, 1)}}
	isolated(t, f, func(t *testing.T) {
		ds := mustOpen(t, Config{}).Devices()
		require.Len(t, ds, 2)
		assert.Equal(t, nvmltest.UUID(1), ds[0].UUID)
		assert.Empty(t, ds[0].Marks)
		assert.Equal(t, nvmltest.UUID(2), ds[1].UUID)
		require.Len(t, ds[1].Marks, 1)
		assert.Equal(t, energy.MIGParentScope, ds[1].Marks[0].Reason)
		assert.Equal(t, nvmltest.UUID(2), ds[1].Marks[0].Device)
		assert.Contains(t, ds[1].Marks[0].Detail, nvmltest.Instance(2, 1))

		ds = mustOpen(t, Config{Devices: []string{"3", "GPU-A0000000", "0000:17:00.0"}}).Devices()
		require.Len(t, ds, 2, "a GPU named twice counts once, and a selector goes before the environment")
		assert.Equal(t, []int{3, 0}, []int{ds[0].Index, ds[1].Index})
		assert.Empty(t, ds[0].Marks, "the whole GPU was asked for")

		_, err := Open(Config{Devices: []string{"7"}})
		require.ErrorIs(t, err, energy.ErrNoDevice)
		assert.ErrorContains(t, err, nvmltest.UUID(3), "the GPUs that there are")
	})
}
