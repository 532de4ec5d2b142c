//go:build cgo

package nvmlsource

import (
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/joulebench/joulebench/powertest/energy"
)

// allSymbols are those of the library in nvmltest, which has what this package
// may call.
func allSymbols(t *testing.T) []string {
	t.Helper()
	src, err := os.ReadFile(filepath.Join("nvmltest", "testdata", "nvml.c"))
	require.NoError(t, err)
	var names []string
	for _, m := range regexp.MustCompile(`(?m)^[a-z_ *]+\b(nvml\w+)\(`).FindAllSubmatch(src, -1) {
		names = append(names, string(m[1]))
	}
	require.Greater(t, len(names), 25)
	return names
}

// exercise does everything that a source can do.
func exercise(t *testing.T) {
	s, err := Open(Config{})
	if err != nil {
		t.Logf("open: %v", err)
		return
	}
	readAll(s)
	states := make([]energy.State, len(s.Devices()))
	s.Inspect(states)
	s.Modes(0)
	require.NoError(t, s.Close())
}

// A call of a function that the library lacks ends the process with status 127,
// past all recovery. So every one is taken away in turn, in all its versions; with
// -short every third.
func TestNoMissingSymbolEndsTheProcess(t *testing.T) {
	versions := map[string][]string{}
	base := regexp.MustCompile(`_v\d$`)
	for _, name := range allSymbols(t) {
		b := base.ReplaceAllString(name, "")
		versions[b] = append(versions[b], name)
	}
	for i, name := range slices.Sorted(maps.Keys(versions)) {
		if testing.Short() && i%3 > 0 {
			continue
		}
		t.Run(name, func(t *testing.T) {
			isolated(t, fake{without: versions[name], env: []string{"FAKE_NVML_MIG=2", "FAKE_NVML_PROCESSES=1"}}, exercise)
		})
	}
}

// A driver of the time before version 2 of anything is read all the same.
func TestOldestDriver(t *testing.T) {
	versioned := slices.DeleteFunc(allSymbols(t), func(name string) bool { return !regexp.MustCompile(`_v\d$`).MatchString(name) })
	require.Len(t, versioned, 9)
	without := append(versioned, "nvmlDeviceGetTemperatureV", "nvmlDeviceGetFieldValues", "nvmlDeviceGetMigMode", "nvmlErrorString")
	isolated(t, fake{without: without, env: []string{"FAKE_NVML_PROCESSES=4711"}}, func(t *testing.T) {
		s := mustOpen(t, Config{})
		d := s.Devices()[0]
		assert.Equal(t, "nvmlDeviceGetTotalEnergyConsumption", d.Metric)
		assert.Equal(t, "00000000:17:00.0", d.PCI)
		assert.NoError(t, readAll(s)[0].Err)
		states := make([]energy.State, 1)
		s.Inspect(states)
		require.NoError(t, states[0].Err)
		assert.Len(t, states[0].Processes, 1)
		assert.Nil(t, states[0].Throttled)
		assert.Equal(t, 45.0, states[0].Celsius)
		inject(t, "*=15")
		assert.ErrorContains(t, readAll(s)[0].Err, "GPU_IS_LOST", "the text is not the driver's")
	})
}
