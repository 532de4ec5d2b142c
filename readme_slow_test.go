//go:build slow

package joulebench_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// readmeBlock is the n-th block of commands in a section of the README.
func readmeBlock(t *testing.T, section string, n int) string {
	t.Helper()
	text, err := os.ReadFile("README.md")
	require.NoError(t, err)
	_, rest, found := strings.Cut(string(text), "\n## "+section+"\n")
	require.True(t, found, "the README has no section %q", section)
	rest, _, _ = strings.Cut(rest, "\n## ")
	blocks := regexp.MustCompile("(?s)\n```\n(.*?\n)```\n").FindAllStringSubmatch(rest, -1)
	require.Greater(t, len(blocks), n)
	return blocks[n][1]
}

// shell runs commands as a user pastes them into a shell, but ends with the first that
// fails, in an environment that says nothing of powertest.
func shell(t *testing.T, dir, commands string, env ...string) (out string, code int) {
	t.Helper()
	cmd := exec.Command("bash", "-euo", "pipefail", "-c", commands)
	cmd.Dir = dir
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "POWERTEST_") && !strings.HasPrefix(v, "TOUR_") {
			cmd.Env = append(cmd.Env, v)
		}
	}
	cmd.Env = append(cmd.Env, env...)
	b, err := cmd.CombinedOutput()
	if _, exited := err.(*exec.ExitError); err != nil && !exited {
		require.NoError(t, err)
	}
	return string(b), cmd.ProcessState.ExitCode()
}

// ownModule is a new module with a benchmark that is wrapped, and the folder of this one.
func ownModule(t *testing.T) (dir, root string) {
	t.Helper()
	root, err := os.Getwd()
	require.NoError(t, err)
	dir = t.TempDir()
	for name, text := range map[string]string{
		"go.mod": "module example.com/mine\n\ngo 1.26.0\n",
		"chat_test.go": `package mine

import (
	"testing"
	"time"

	"github.com/joulebench/joulebench/powertest"
)

func BenchmarkChat(tb *testing.B) {
	b := powertest.Wrap(tb)
	for b.Loop() {
		time.Sleep(time.Millisecond)
		b.AddTokens(1, 1)
	}
}
`} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644))
	}
	return dir, root
}

// TestSlowReadmeOwnModule: a new module with a benchmark gets this one, and its command,
// with the lines of the README.
func TestSlowReadmeOwnModule(t *testing.T) {
	dir, root := ownModule(t)
	bin := t.TempDir()
	commands := readmeBlock(t, "In a module of your own", 0)
	require.Contains(t, commands, "/path/to/joulebench\n")
	out, code := shell(t, dir, strings.ReplaceAll(commands, "/path/to/joulebench", root), "GOBIN="+bin)
	require.Zero(t, code, out)
	assert.Regexp(t, `(?m)^BenchmarkChat\S*\s.* tokens/s`, out)

	files, err := os.ReadDir(bin)
	require.NoError(t, err)
	require.Len(t, files, 1)
	out, code = shell(t, dir, filepath.Join(bin, files[0].Name())+" help")
	assert.Zero(t, code, out)
	assert.Contains(t, out, "doctor")
}

// TestSlowReadmeDoctor: the second command runs, and says one of two things.
func TestSlowReadmeDoctor(t *testing.T) {
	out, code := shell(t, ".", readmeBlock(t, "Two commands", 2))
	if code != 0 {
		assert.Equal(t, 1, code, out)
		assert.Contains(t, out, "exit status 1\n")
	}
	assert.Contains(t, out, "\nsources\n")
}

// TestSlowAdvice: what the log advises where there is no energy measurement works, in a
// module that has nothing of this one but package powertest.
func TestSlowAdvice(t *testing.T) {
	if _, err := os.Stat("/dev/nvidiactl"); err == nil {
		t.Skip("there is a GPU")
	}
	dir, root := ownModule(t)
	const bench = "go test -run '^$' -bench ."
	out, code := shell(t, dir, "go mod edit -replace github.com/joulebench/joulebench="+root+"; go mod tidy; "+bench)
	require.Zero(t, code, out)
	if strings.Contains(out, "energy-source: rapl") {
		t.Skip("the CPUs of this machine can be measured")
	}
	assert.Equal(t, 1, strings.Count(out, "powertest: no energy measurement: nvml: load libnvidia-ml.so.1: cannot open shared object file"), out)
	assert.Equal(t, 1, strings.Count(out, "libnvidia"), "nothing twice in\n%s", out)

	// follow does what a message advises of an import, and runs the benchmark again.
	follow := func(out, env string) string {
		t.Helper()
		line := regexp.MustCompile(`add (import _ "\S+") to a test file, run (go mod tidy)`).FindStringSubmatch(out)
		require.NotNil(t, line, "no import is advised in\n%s", out)
		require.NoError(t, os.WriteFile(filepath.Join(dir, "source_test.go"), []byte("package mine\n\n"+line[1]+"\n"), 0o644))
		out, _ = shell(t, dir, line[2]+"; "+bench, env)
		return out
	}
	require.Contains(t, out, "set POWERTEST_SOURCE=sim to measure a simulated GPU")
	out = follow(out, "POWERTEST_SOURCE=sim")
	assert.Contains(t, out, "energy-source: simulated\n")
	assert.Regexp(t, `(?m)^BenchmarkChat\S*\s.* J/op`, out)

	const nobody = "POWERTEST_SOURCE=dcgm=http://127.0.0.1:1"
	out, code = shell(t, dir, bench, nobody)
	assert.NotZero(t, code)
	assert.Equal(t, 1, strings.Count(out, "is not linked into this binary\n"), out)
	out = follow(out, nobody)
	assert.Contains(t, out, "powertest: no energy measurement: ")
	assert.Contains(t, out, "127.0.0.1:1")
	assert.NotContains(t, out, "not linked")
}
