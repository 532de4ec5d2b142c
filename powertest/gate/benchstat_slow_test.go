//go:build slow

package gate

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestSlowBenchstat compares what the gate shows with what the real benchstat does, on
// random files: medians, intervals, changes and p-values, as benchstat prints
// them.
func TestSlowBenchstat(t *testing.T) {
	stat := benchstatBinary(t)
	rows := 0
	for seed := range uint64(25) {
		dir := t.TempDir()
		random := rand.New(rand.NewPCG(seed, 7))
		files := [2]string{filepath.Join(dir, "old.txt"), filepath.Join(dir, "new.txt")}
		for _, f := range files {
			require.NoError(t, os.WriteFile(f, []byte(randomResults(random)), 0o644))
		}
		want := runBenchstat(t, stat, files[:]...)
		units := []string{"ns/op", "J/op", "tokens/J", "B/op", "mystery"}
		r, err := Judge(Config{Units: units, Missing: Warn, Better: map[string]int{"mystery": 1}}, ParseSide(files[0]), ParseSide(files[1]))
		require.NoError(t, err)
		got := map[string]string{}
		for i := range r.Rows {
			row := &r.Rows[i]
			got[row.Config+" | "+row.Unit+" | "+row.Benchmark] = asBenchstat(row)
		}
		assert.Equal(t, want, got, "seed %d", seed)
		rows += len(got)
	}
	assert.Greater(t, rows, 300)
}

// asBenchstat is a row as benchstat's CSV has it.
func asBenchstat(r *Row) string {
	delta := "~"
	switch {
	case r.Exact || r.P <= 0.05:
		delta = formatDelta(r.Delta)
		if r.Old.Center == r.New.Center {
			delta = "0.00%"
		} else if r.Old.Center == 0 {
			delta = "?"
		}
	}
	n := fmt.Sprintf("n=%d+%d", r.Old.N, r.New.N)
	if r.Old.N == r.New.N {
		n = fmt.Sprintf("n=%d", r.Old.N)
	}
	if !r.Exact && r.P != 0 {
		n = fmt.Sprintf("p=%0.3f ", r.P) + n
	}
	return strings.Join([]string{
		fmt.Sprint(r.Old.Center), r.Old.Range, fmt.Sprint(r.New.Center), r.New.Range, delta, n,
	}, ",")
}

// runBenchstat returns the rows of benchstat's tables that compare, by
// configuration, unit and name.
func runBenchstat(t *testing.T, bin string, args ...string) map[string]string {
	t.Helper()
	var out, complaints bytes.Buffer
	cmd := exec.Command(bin, append([]string{"-format", "csv"}, args...)...)
	cmd.Stdout, cmd.Stderr = &out, &complaints
	require.NoError(t, cmd.Run(), "%s", &complaints)
	r := csv.NewReader(&out)
	r.FieldsPerRecord = -1
	records, err := r.ReadAll()
	require.NoError(t, err)
	rows := map[string]string{}
	var keys, config []string
	unit := ""
	for _, f := range records {
		switch {
		case len(f) == 1:
			key, value, _ := strings.Cut(f[0], ": ")
			i := slices.Index(keys, key)
			if i < 0 {
				i = len(keys)
				keys, config = append(keys, key), append(config, "")
			}
			config[i] = key + ": " + value
		case f[0] == "" && slices.Contains(f, "CI"):
			unit = f[1]
		case f[0] == "", f[0] == "geomean", len(f) < 7, f[6] == "":
			// file names, and what is not compared
		default:
			rows[strings.Join(config, ", ")+" | "+unit+" | "+f[0]] = strings.Join(f[1:7], ",")
		}
	}
	return rows
}

// benchstatBinary builds the real benchstat, of the version in tools.mod.
func benchstatBinary(tb testing.TB) string {
	tb.Helper()
	bin := filepath.Join(tb.TempDir(), "benchstat")
	build := exec.Command("go", "build", "-modfile=../../tools.mod", "-o", bin, "golang.org/x/perf/cmd/benchstat")
	msg, err := build.CombinedOutput()
	require.NoError(tb, err, "%s", msg)
	return bin
}
