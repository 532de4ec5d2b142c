//go:build cgo

package nvmlsource

import (
	"bytes"
	"context"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/joulebench/joulebench/nvmlsource/nvmltest"
)

// fake says what libnvidia-ml.so.1 a test runs with.
type fake struct {
	without []string // symbols it lacks
	env     []string // FAKE_NVML_*, CUDA_*
}

const (
	childVar   = "NVMLSOURCE_TEST"
	controlVar = "FAKE_NVML_CONTROL"
	childDone  = "the body of the test ran to its end"
)

// TestMain lets more tests run at a time than there are processors: they wait for
// processes of their own, which sleep.
func TestMain(m *testing.M) {
	flag.Parse()
	if err := flag.Set("test.parallel", "8"); err != nil {
		panic(err)
	}
	os.Exit(m.Run())
}

// isolated runs the rest of a test in a process of its own, with a library of its own: a
// process can use only one, and one that lacks a symbol kills the process if
// the code under test calls it. The process runs this binary, and in it the
// same test gets here and runs body.
func isolated(t *testing.T, f fake, body func(t *testing.T)) {
	t.Helper()
	if os.Getenv(childVar) == t.Name() {
		body(t)
		if !t.Failed() {
			os.Stdout.WriteString(childDone + "\n")
		}
		return
	}
	if os.Getenv(childVar) != "" {
		t.Skip("this process is for another test")
	}
	t.Parallel()
	dir := nvmltest.Build(t, f.without...)
	ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
	defer cancel()
	names := strings.Split(t.Name(), "/")
	for i, name := range names {
		names[i] = "^" + regexp.QuoteMeta(name) + "$"
	}
	cmd := exec.CommandContext(ctx, os.Args[0], "-test.run="+strings.Join(names, "/"), "-test.v")
	cmd.Env = append(cmd.Env, "LD_LIBRARY_PATH="+dir, "PATH="+os.Getenv("PATH"), "TMPDIR="+t.TempDir(),
		childVar+"="+t.Name(), controlVar+"="+filepath.Join(dir, "control"))
	cmd.Env = append(cmd.Env, f.env...)
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "the test's process: %s", out)
	require.True(t, bytes.Contains(out, []byte(childDone)), "the test's process: %s", out)
}

// inject makes the faults happen from now on, in place of those before.
func inject(t *testing.T, faults string) {
	t.Helper()
	path := os.Getenv(controlVar)
	// Renamed into place, so that no call sees half of it.
	require.NoError(t, os.WriteFile(path+".new", []byte(faults), 0o644))
	require.NoError(t, os.Rename(path+".new", path))
}

// mustOpen opens a source and closes it after the test.
func mustOpen(t testing.TB, cfg Config) *Source {
	t.Helper()
	s, err := Open(cfg)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	return s
}
