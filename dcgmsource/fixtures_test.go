package dcgmsource

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const fixtures = "../testdata/dcgm"

func fixture(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(fixtures, name))
	require.NoError(t, err)
	return data
}

// The GPUs of the fixtures.
const (
	gpu0 = "GPU-3b7c1d00-0d5c-4f0a-9c1e-5a0077e10000"
	gpu1 = "GPU-3b7c1d11-0d5c-4f0a-9c1e-5a0077e10001"
	gpu2 = "GPU-3b7c1d22-0d5c-4f0a-9c1e-5a0077e10002"
	gpu3 = "GPU-3b7c1d33-0d5c-4f0a-9c1e-5a0077e10003"
)
