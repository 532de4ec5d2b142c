package nvmltest

import (
	"debug/elf"
	"fmt"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// verdict records how a test would have ended.
type verdict struct {
	testing.TB
	said string
}

type ended struct{}

func (v *verdict) Helper() {}

func (v *verdict) Fatalf(format string, args ...any) {
	v.said = "failed: " + fmt.Sprintf(format, args...)
	panic(ended{})
}

func (v *verdict) Skipf(format string, args ...any) {
	v.said = "skipped: " + fmt.Sprintf(format, args...)
	panic(ended{})
}

func TestBuildWithoutACompiler(t *testing.T) {
	t.Setenv("PATH", "")
	t.Setenv("CC", "/nonexistent/cc")
	for ci, want := range map[string]string{"": "skipped: ", "true": "failed: "} {
		t.Setenv("CI", ci)
		v := &verdict{TB: t}
		assert.PanicsWithValue(t, ended{}, func() { Build(v) })
		assert.Contains(t, v.said, want)
		assert.Contains(t, v.said, "C compiler")
	}
}

func TestBuildLeavesSymbolsOut(t *testing.T) {
	dir := Build(t, "nvmlDeviceGetFieldValues", "nvmlInit_v2")
	lib, err := elf.Open(filepath.Join(dir, "libnvidia-ml.so.1"))
	require.NoError(t, err)
	defer lib.Close()
	symbols, err := lib.DynamicSymbols()
	require.NoError(t, err)
	var names []string
	for _, s := range symbols {
		names = append(names, s.Name)
	}
	assert.NotContains(t, names, "nvmlDeviceGetFieldValues")
	assert.NotContains(t, names, "nvmlInit_v2")
	assert.Contains(t, names, "nvmlInit")
	assert.Contains(t, names, "nvmlDeviceGetUUID")
}
