package main

import (
	"bytes"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestDocumentation executes every command of the package's documentation that
// begins with a dollar sign, and compares what it writes.
func TestDocumentation(t *testing.T) {
	f, err := parser.ParseFile(token.NewFileSet(), "doc.go", nil, parser.ParseComments)
	require.NoError(t, err)
	examples := documented(f.Doc.Text())
	require.Len(t, examples, 3)
	for _, e := range examples {
		t.Run(e.args[1]+" "+e.args[4], func(t *testing.T) {
			dir := t.TempDir()
			require.NoError(t, os.CopyFS(dir, os.DirFS(filepath.Join("testdata", "doc"))))
			log, err := testLog("8*-1:520,0:480,1:520,2:480,3:520,4:480,5:520,6:480,7:520,8:480,9:520,10:480,11:520")
			require.NoError(t, err)
			require.NoError(t, os.WriteFile(filepath.Join(dir, "gpu_metrics.csv"), []byte(log), 0o644))
			t.Chdir(dir)
			t.Setenv("REQUIRE_POWER", "")
			var out, errs bytes.Buffer
			assert.Equal(t, exitOK, run(t.Context(), append(e.args[1:], "-tz", "UTC"), stdio{nil, &out, &errs}), errs.String())
			got, want := unsure(out.String()), unsure(e.output)
			if before, found := strings.CutSuffix(want, "...\n"); found {
				want, got = before, got[:min(len(before), len(got))]
			}
			assert.Equal(t, want, got)
		})
	}
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
			list = append(list, documentedCommand{args: strings.Fields(command)})
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
