package gate

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// judgeEnv makes the test binary judge two files, whose names follow with a colon
// in between, as a command would.
const judgeEnv = "GATE_TEST_JUDGE"

func TestMain(m *testing.M) {
	if files := os.Getenv(judgeEnv); files != "" {
		os.Exit(judgeFiles(strings.Split(files, string(os.PathListSeparator))))
	}
	code := m.Run()
	if toolDir != "" {
		os.RemoveAll(toolDir)
	}
	os.Exit(code)
}

func judgeFiles(files []string) int {
	r, err := Judge(Config{}, ParseSide(files[0]), ParseSide(files[1]))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 2
	}
	if err := r.WriteText(os.Stdout, false); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 2
	}
	return r.Outcome.ExitCode()
}

var toolDir string

// buildBenchstat builds the real benchstat, of the version in go.mod.
var buildBenchstat = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "benchstat")
	if err != nil {
		return "", err
	}
	toolDir = dir
	bin := filepath.Join(dir, "benchstat")
	build := exec.Command("go", "build", "-modfile=../../tools.mod", "-o", bin, "golang.org/x/perf/cmd/benchstat")
	if msg, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("building benchstat: %w: %s", err, msg)
	}
	return bin, nil
})

func benchstatBinary(tb testing.TB) string {
	tb.Helper()
	bin, err := buildBenchstat()
	require.NoError(tb, err)
	return bin
}
