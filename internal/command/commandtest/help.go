// Package commandtest checks that programs answer in the same way when they are asked for help.
package commandtest

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/joulebench/joulebench/internal/command"
)

// A Run runs a program with arguments, and returns its exit code.
type Run func(args []string, std command.Streams) int

// Help checks that the help that is asked for in each of some ways is the same, goes to the
// standard output alone, with the exit code 0, fits in 80 columns, and is the text of a golden
// file, which UPDATE_SCRIPTS writes anew.
func Help(t *testing.T, run Run, golden string, ways ...[]string) {
	t.Helper()
	ask := func(way []string) string {
		var out, errs bytes.Buffer
		if code := run(way, command.Streams{Out: &out, Err: &errs}); code != command.OK || errs.Len() > 0 {
			t.Errorf("%q: the exit code is %d, and on the standard error is %q", way, code, errs.String())
		}
		return out.String()
	}
	text := ask(ways[0])
	if os.Getenv("UPDATE_SCRIPTS") != "" {
		if err := os.WriteFile(filepath.Clean(golden), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(filepath.Clean(golden))
	if err != nil {
		t.Fatal(err)
	}
	for _, way := range ways {
		if got := ask(way); got != string(want) {
			t.Errorf("%q is not the text of %s, which UPDATE_SCRIPTS=1 writes anew:\n%s", way, golden, got)
		}
	}
	for line := range strings.Lines(text) {
		if n := utf8.RuneCountInString(strings.TrimSuffix(line, "\n")); n > command.Columns {
			t.Errorf("%d columns: %s", n, line)
		}
	}
}

// Misuse checks that wrong arguments are said on the standard error alone, with the exit code 2.
func Misuse(t *testing.T, run Run, says string, args ...string) {
	t.Helper()
	var out, errs bytes.Buffer
	if code := run(args, command.Streams{Out: &out, Err: &errs}); code != command.Misused || out.Len() > 0 {
		t.Errorf("%q: the exit code is %d, and on the standard output is %q", args, code, out.String())
	}
	if !strings.Contains(errs.String(), says) {
		t.Errorf("%q: it does not say %q: %s", args, says, errs.String())
	}
}
