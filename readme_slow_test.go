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

// TestSlowReadmeOwnModule: a new module with a benchmark gets this one, and its command,
// with the lines of the README.
func TestSlowReadmeOwnModule(t *testing.T) {
	root, err := os.Getwd()
	require.NoError(t, err)
	dir, bin := t.TempDir(), t.TempDir()
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
