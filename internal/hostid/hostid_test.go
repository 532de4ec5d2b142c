package hostid

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestOf: two machines differ, one is always the same, and its id is not shown.
func TestOf(t *testing.T) {
	of := func(id string) string {
		root := t.TempDir()
		require.NoError(t, os.Mkdir(filepath.Join(root, "etc"), 0o755))
		require.NoError(t, os.WriteFile(filepath.Join(root, "etc", "machine-id"), []byte(id), 0o644))
		return Of(root)
	}
	const one = "0123456789abcdef0123456789abcdef\n"
	assert.Regexp(t, `^[0-9a-f]{12}$`, of(one))
	assert.Equal(t, of(one), of(one))
	assert.NotEqual(t, of(one), of("1123456789abcdef0123456789abcdef\n"))
	assert.NotContains(t, one, of(one))
	for _, none := range []string{"", "\n", "uninitialized\n"} {
		assert.Empty(t, of(none), "an image has none: %q", none)
	}
	assert.Empty(t, Of(t.TempDir()))
	assert.Equal(t, Of("/"), Of(""), "no root is that of this machine")
	t.Chdir(t.TempDir())
	require.NoError(t, os.Mkdir("etc", 0o755))
	require.NoError(t, os.WriteFile(filepath.Join("etc", "machine-id"), []byte(one), 0o644))
	assert.NotEqual(t, Of("."), Of(""), "wherever it runs")
}
