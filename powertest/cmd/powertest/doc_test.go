package main

import (
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/joulebench/joulebench/internal/command"
	"github.com/joulebench/joulebench/smisource/smitest"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestDocumentation executes every command of the package's documentation that
// begins with a dollar sign, and compares what it writes.
func TestDocumentation(t *testing.T) {
	f, err := parser.ParseFile(token.NewFileSet(), "doc.go", nil, parser.ParseComments)
	require.NoError(t, err)
	examples := documented(f.Doc.Text())
	require.Len(t, examples, 11)
	for _, e := range examples {
		t.Run(strings.Join(e.args[1:], " "), func(t *testing.T) {
			dir := t.TempDir()
			require.NoError(t, os.CopyFS(dir, os.DirFS(filepath.Join("testdata", "doc"))))
			require.NoError(t, os.CopyFS(dir, os.DirFS(filepath.Join("..", "..", "..", "testdata", "gate"))))
			log, err := smitest.Log("8*-1:520,0:480,1:520,2:480,3:520,4:480,5:520,6:480,7:520,8:480,9:520,10:480,11:520")
			require.NoError(t, err)
			require.NoError(t, os.WriteFile(filepath.Join(dir, "gpu_metrics.csv"), []byte(log), 0o644))
			t.Chdir(dir)
			t.Setenv("REQUIRE_POWER", "")
			t.Setenv("GITHUB_ACTIONS", "")
			args := e.args[1:]
			if args[0] == "doctor" { // of a log that is still written
				require.NoError(t, os.WriteFile("gpu_metrics.csv", []byte(endingNow(t, log)), 0o644))
			}
			if args[0] == "annotate" {
				args = append(args, "-tz", "UTC")
			}
			code, got, errs := say(t, args...)
			want := e.output
			assert.Equal(t, exitTold(want), code, errs)
			if strings.HasPrefix(want, "powertest: ") { // a message
				assert.Empty(t, got)
				got = errs
			}
			if args[0] == "annotate" { // its intervals are the instrument's business
				got, want = unsure(got), unsure(want)
			}
			if before, found := strings.CutSuffix(want, "...\n"); found {
				want, got = before, got[:min(len(before), len(got))]
			}
			assert.Equal(t, want, got)
		})
	}
}

// exitTold is the exit code that goes with an output: that of a verdict.
func exitTold(output string) int {
	switch {
	case strings.HasPrefix(output, "FAIL: "):
		return 1
	case strings.HasPrefix(output, "CANNOT JUDGE: "), strings.HasPrefix(output, "powertest: "):
		return 2
	}
	return command.OK
}

type documentedCommand struct {
	args   []string
	output string
}

// documented finds the commands in a documentation, and the indented lines after
// them. An empty line belongs to the output if it goes on.
func documented(text string) (list []documentedCommand) {
	open, empty := false, ""
	for line := range strings.Lines(text) {
		code, indented := strings.CutPrefix(line, "\t")
		switch command, isCommand := strings.CutPrefix(code, "$ "); {
		case indented && isCommand:
			list = append(list, documentedCommand{args: shellWords(command)})
			open, empty = true, ""
		case indented && open:
			list[len(list)-1].output += empty + code
			empty = ""
		case line == "\n" && open:
			empty = "\n"
		default:
			open = false
		}
	}
	return list
}

// shellWords splits a line as a shell does, as far as the documentation goes:
// words and quotes.
func shellWords(line string) (words []string) {
	for _, m := range regexp.MustCompile(`'([^']*)'|"([^"]*)"|(\S+)`).FindAllStringSubmatch(line, -1) {
		words = append(words, m[1]+m[2]+m[3])
	}
	return words
}
