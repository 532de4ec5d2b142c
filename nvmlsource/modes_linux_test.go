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
		m := s.Modes(0)
		require.NotNil(t, m.Persistence)
		require.NotNil(t, m.MIG)
		assert.False(t, *m.Persistence)
		assert.True(t, *m.MIG)
		assert.False(t, *s.Modes(1).MIG)
		inject(t, "nvmlDeviceGetPersistenceMode=3 nvmlDeviceGetMigMode=3")
		assert.Equal(t, Modes{}, s.Modes(0), "what the driver does not tell is unknown")
		assert.Equal(t, Modes{}, s.Modes(2), "there is no such device")
		require.NoError(t, s.Close())
		assert.Equal(t, Modes{}, s.Modes(1))
	})
}
