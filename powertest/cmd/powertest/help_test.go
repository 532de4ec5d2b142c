package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/joulebench/joulebench/internal/command"
	"github.com/joulebench/joulebench/internal/command/commandtest"
	"github.com/joulebench/joulebench/internal/known"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// say runs the command, and returns what it wrote.
func say(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	code = program.Run(t.Context(), args, command.Streams{Out: &out, Err: &errs})
	return code, out.String(), errs.String()
}

// TestHelp: the help of each command and topic is the same however it is asked for.
func TestHelp(t *testing.T) {
	run := func(args []string, std command.Streams) int { return program.Run(t.Context(), args, std) }
	for name, ways := range asked() {
		t.Run(name, func(t *testing.T) {
			commandtest.Help(t, run, filepath.Join("testdata", "help", name+".txt"), ways...)
		})
	}
	for _, c := range program.Commands {
		if c.Name != annotateCommand.Name { // whose exit codes are those of a command, with --
			commandtest.Misuse(t, run, "there is no flag", c.Name, "-frobnicate")
		}
	}
}

// asked are the ways in which help can be asked for, by the names of its files.
func asked() map[string][][]string {
	ways := map[string][][]string{"powertest": {{"help"}, {"-h"}, {"-help"}, {"--help"}}}
	for _, c := range program.All() {
		ways[c.Name] = [][]string{{"help", c.Name}, {c.Name, "-h"}, {c.Name, "-help"}, {c.Name, "--help"}, {c.Name, "help"}}
	}
	for _, topic := range program.TopicNames() {
		ways[topic] = [][]string{{"help", topic}}
	}
	return ways
}

// TestEachFlagHasItsPlace: all flags are in groups, each in one, and a group names none that
// there is not.
func TestEachFlagHasItsPlace(t *testing.T) {
	for _, c := range program.All() {
		assert.NoError(t, c.Check(), "of %s", c.Name)
	}
}

// TestHelpHidesTheEnvironment: what variables hold is in no help, since an address may have a
// password.
func TestHelpHidesTheEnvironment(t *testing.T) {
	_, before, _ := say(t, "help", "doctor")
	for _, v := range known.Variables {
		t.Setenv(v.Name, "hush")
	}
	t.Setenv("REQUIRE_POWER", "1")
	for name, ways := range asked() {
		_, text, _ := say(t, ways[0]...)
		assert.NotContains(t, text, "hush", name)
	}
	_, after, _ := say(t, "help", "doctor")
	assert.Equal(t, before, after)
}

// TestVariablesAreKnown: each variable of this module that its code reads is in the help, and
// in the documents.
func TestVariablesAreKnown(t *testing.T) {
	root := filepath.Join("..", "..", "..")
	docs := ""
	pages, err := filepath.Glob(filepath.Join(root, "docs", "*.md"))
	require.NoError(t, err)
	for _, page := range append(pages, filepath.Join(root, "README.md")) {
		text, err := os.ReadFile(page)
		require.NoError(t, err)
		docs += string(text)
	}
	for _, v := range known.Variables {
		if strings.HasPrefix(v.Name, "POWERTEST_") {
			assert.Contains(t, docs, "`"+v.Name, "in no document")
		}
	}
	for _, s := range known.Sources {
		assert.Contains(t, docs, "`"+s.Name, "in no document")
		assert.NotEmpty(t, s.Is, s.Name)
	}
}

// TestCompleteValues: the values of flags are completed from the tables that the program works
// with.
func TestCompleteValues(t *testing.T) {
	all := ""
	for _, s := range known.Sources {
		all += s.Name + " "
	}
	for typed, want := range map[string]string{
		"doctor -source ":             all,
		"annotate -source pr":         "prometheus ",
		"ab -source nvml+ra":          "nvml+rapl ",
		"ab -source nvml+none+ra":     "",
		"doctor -source rapl=":        "rapl=root ",
		"series -format=c":            "-format=csv ",
		"gate -max J/t":               "J/token J/total-token ",
		"gate -mi":                    "-missing -min ",
		"doctor -source dcgm=http://": "",
	} {
		_, answer, _ := say(t, append([]string{"__complete"}, strings.Split(typed, " ")...)...)
		got := ""
		for line := range strings.Lines(answer[strings.Index(answer, "\n")+1:]) {
			word, _, _ := strings.Cut(line, "\t")
			got += strings.TrimSuffix(word, "=") + " "
		}
		assert.Equal(t, want, got, typed)
	}
	for typed, want := range map[string]string{
		"doctor -source smi=x": "files\tsmi=\n", "doctor -source nvml+smi=": "files\tnvml+smi=\n", "doctor -source nvml=/": "files\tnvml=\n",
		"doctor -source amd=root=/": "directories\tamd=root=\n", "ab -o ": "directories\t\n", "annotate -log ": "files\t\n", "gate ": "files\t\n",
	} {
		_, answer, _ := say(t, append([]string{"__complete"}, strings.Split(typed, " ")...)...)
		assert.Equal(t, want, answer, typed)
	}
}
