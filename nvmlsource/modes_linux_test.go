//go:build cgo

package nvmlsource

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestModes(t *testing.T) {
	f := fake{env: []string{"FAKE_NVML_GPUS=2", "FAKE_NVML_MIG=2,-", "FAKE_NVML_PERSISTENCE=0"}}
	isolated(t, f, func(t *testing.T) {
		s := mustOpen(t, Config{})
		persistence, mig := s.Modes(0)
		require.NotNil(t, persistence)
		require.NotNil(t, mig)
		assert.False(t, *persistence)
		assert.True(t, *mig)
		_, mig = s.Modes(1)
		assert.False(t, *mig)
		unknown := func(device int, why string) {
			persistence, mig := s.Modes(device)
			assert.Nil(t, persistence, why)
			assert.Nil(t, mig, why)
		}
		inject(t, "nvmlDeviceGetPersistenceMode=3 nvmlDeviceGetMigMode=3")
		unknown(0, "what the driver does not know is unknown")
		unknown(2, "there is no such device")
		require.NoError(t, s.Close())
		unknown(1, "the source is closed")
	})
}
