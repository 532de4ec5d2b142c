package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/joulebench/joulebench/internal/command"
	"github.com/joulebench/joulebench/internal/command/commandtest"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// environment returns the variables given as pairs.
func environment(pairs ...string) func(string) string {
	return func(name string) string {
		for i := 0; i < len(pairs); i += 2 {
			if pairs[i] == name {
				return pairs[i+1]
			}
		}
		return ""
	}
}

func TestParse(t *testing.T) {
	var help strings.Builder
	c, err := parse(nil, &help, environment())
	require.NoError(t, err)
	assert.True(t, c.embedded())
	assert.Equal(t, []int{1, 4, 16, 64}, c.users)
	assert.Equal(t, objective{200 * time.Millisecond, 50 * time.Millisecond}, c.slo)

	env := environment("OPENAI_BASE_URL", "http://a/v1", "OPENAI_API_KEY", "sesame", "OPENAI_MODEL", "m")
	c, err = parse(nil, &help, env)
	require.NoError(t, err)
	assert.Equal(t, [3]string{"http://a/v1", "sesame", "m"}, [3]string{c.url, c.key, c.model})
	c, err = parse([]string{"-url", "http://b", "-model", "n", "-users", "2, 3", "-duration", "1m"}, &help, env)
	require.NoError(t, err)
	assert.Equal(t, [3]string{"http://b", "sesame", "n"}, [3]string{c.url, c.key, c.model}, "flags go before the environment")
	assert.Equal(t, []int{2, 3}, c.users)
	assert.Equal(t, time.Minute, c.duration)
	assert.Empty(t, help.String())
}

func TestParseMalformed(t *testing.T) {
	for args, says := range map[string]string{
		"-users 0":             "is not a number from 1 to 4096\nwrite, for example, 1,4,16",
		"-users 1,,2":          "is not a number from 1 to 4096",
		"-users 99999":         "is not a number from 1 to 4096",
		"-duration 0s":         "-duration 0s must be positive",
		"-warmup -1s":          "-warmup -1s must not be negative",
		"-timeout 0s":          "-timeout 0s must be positive",
		"-count 0 -prompt 0":   "-prompt 0 must be positive",
		"-max-tokens -1":       "-max-tokens -1 must be positive",
		"-slo-itl -1s":         "must not be negative",
		"-nothing":             "there is no flag \"-nothing\"",
		"http://localhost":     `"http://localhost" is not a flag`,
		"-duration 5 -users 1": "invalid value",
	} {
		var stderr strings.Builder
		assert.Equal(t, usage, run(t.Context(), connect, strings.Fields(args), nil, &stderr, environment("OPENAI_API_KEY", "sesame")), args)
		assert.Contains(t, stderr.String(), says)
		assert.NotContains(t, stderr.String(), "sesame")
	}
}

// TestFilesThatCannotBe: they are refused before anything is measured.
func TestFilesThatCannotBe(t *testing.T) {
	t.Chdir(t.TempDir())
	require.NoError(t, os.Mkdir("dir", 0o755))
	require.NoError(t, os.WriteFile("old.txt", nil, 0o644))
	require.NoError(t, os.Link("old.txt", "link.txt"))
	for args, says := range map[string]string{
		"-benchfmt out -json out":          "two of -benchfmt, -json and -plot are out, and one would overwrite the other",
		"-benchfmt out -json dir/../out":   "one would overwrite the other\ngive each its own file",
		"-benchfmt old.txt -json link.txt": "one would overwrite the other",
		"-json dir":                        "-json dir is a directory\ngive the name of a file",
		"-benchfmt none/out":               "-benchfmt none/out cannot be written: stat none: no such file or directory\nmake its directory first",
		"-json old.txt/out":                "-json old.txt/out cannot be written: old.txt is not a directory",
		"-benchfmt none/out -json dir":     "-json dir is a directory",
		"-benchfmt out -json none/out":     "-json none/out cannot be written",
	} {
		var stderr strings.Builder
		assert.Equal(t, usage, run(t.Context(), connect, strings.Fields(args), nil, &stderr, environment()), args)
		assert.Contains(t, stderr.String(), says)
	}
	_, err := parse([]string{"-benchfmt", "old.txt", "-json", filepath.Join("dir", "out")}, nil, environment())
	assert.NoError(t, err, "a file that is there is replaced")
}

// TestHelp: -help is no error, and does not show the key.
func TestHelp(t *testing.T) {
	loads := func(args []string, std command.Streams) int {
		return run(t.Context(), connect, args, std.Out, std.Err, environment("OPENAI_API_KEY", "sesame"))
	}
	commandtest.Help(t, loads, filepath.Join("testdata", "help.txt"), []string{"-h"}, []string{"-help"}, []string{"--help"}, []string{"help"})
	commandtest.Misuse(t, loads, "did you mean -users?", "-user", "3")
	assert.NoError(t, loadgen.Check())
	assert.NotContains(t, loadgen.Help(), "sesame")
}
