package gate

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"flag"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// hostileWords are what names, units, labels and reasons of others may be.
var hostileWords = map[string]string{
	"command":     "::stop-commands::tok",
	"old command": "##[error]x",
	"colour":      "\x1b[31mx",
	"raw C1":      "x\x9b31m",
	"C1":          "x\u009b31m",
	"override":    "x\u202ey",
	"isolate":     "\u2067x",
	"return":      "x\r::error::y",
	"separator":   "x\u2028::error::y",
	"escape %":    "%0A::error::x",
	"long":        strings.Repeat("x", 12_000),
	"invalid":     "x\xff\xfe",
	"markup":      "<b>|`*_[x](y)&\"'",
}

// TestHostileNames: whatever is written in files, in no output is there a control
// character, a change of direction or a command that is not ours.
func TestHostileNames(t *testing.T) {
	for name, word := range hostileWords {
		side := func(value string) string {
			return "gpu: " + word + "\nUnit " + word + " better=lower\nUnit J/op better=lower\n" +
				strings.Repeat("Benchmark"+word+"-8 1 "+value+" J/op 3 "+word+" 0.1 err-%\n", 10)
		}
		for kind, files := range map[string][2]string{
			"regression": {side("100"), side("120")},
			"same":       {side("100"), side("100")},
			"missing":    {side("100") + strings.Repeat("Benchmark2"+word+" 1 5 J/op\n", 5), side("100")},
			"other GPU":  {side("100"), strings.ReplaceAll(side("100"), "gpu: ", "gpu: other ")},
			"torn":       {side("100"), side("100") + "Benchmark" + word + " 1 2\n"},
			"invalid":    {side("100"), side("100") + "Benchmark" + word + "-8 1 2 J/op 1 invalid\n"},
			"failed":     {side("100"), side("100") + "panic: " + word + "\n"},
			"corrupt":    {side("100"), side("NaN")},
			"prefixed":   {logged(side("100"), "a | "), side("100")},
			"hidden":     {side("100"), "x" + word + " >> BenchmarkX 1 2 J/op\n"},
			"waived":     {side("100"), side("120")},
		} {
			t.Run(name+" "+kind, func(t *testing.T) {
				cfg := Config{Better: map[string]int{word: -1}, Units: []string{"J/op", word}}
				if kind == "waived" {
					cfg.Waivers = []Waiver{{Benchmark: "Other", Unit: "*", Until: time.Now().Add(time.Hour), Reason: word}}
					cfg.Waivers = append(cfg.Waivers, Waiver{Benchmark: strings.Fields(word)[0], Unit: "*", Until: time.Now().Add(time.Hour), Reason: word})
				}
				r, err := JudgeReaders(cfg, word+"/old.txt", strings.NewReader(files[0]), word+"/new.txt", strings.NewReader(files[1]))
				require.NoError(t, err)
				for output, text := range outputs(t, r) {
					checkRows(t, output, text, output == "annotation")
				}
				all := outputs(t, r)
				assert.True(t, json.Valid([]byte(all["JSON"])))
				require.NoError(t, xml.Unmarshal([]byte(all["JUnit"]), new(junitSuites)))
			})
		}
	}
}

// checkRows checks that an output has nothing in it that is not text. Annotations may be
// commands of two kinds.
func checkRows(t *testing.T, output, text string, annotations bool) {
	t.Helper()
	for row := range strings.FieldsFuncSeq(text, func(r rune) bool { return r == '\n' || r == '\r' }) {
		trimmed := strings.TrimSpace(row)
		ours := annotations && (strings.HasPrefix(row, "::error title=powertest gate::") || strings.HasPrefix(row, "::warning title=powertest gate::"))
		assert.True(t, ours || !strings.HasPrefix(trimmed, "::"), "%s: %q", output, row)
		assert.NotContains(t, row, "##[", output)
		if output != "JSON" && output != "JUnit" { // which are data
			assert.Less(t, len(row), 10_000, output)
		}
		if i := strings.IndexFunc(row, func(r rune) bool {
			return r != '\t' && unicode.IsControl(r) || unicode.In(r, unicode.Bidi_Control, unicode.Zl, unicode.Zp)
		}); i >= 0 && output != "JSON" && output != "JUnit" {
			t.Errorf("%s: %q", output, row[i:])
		}
	}
}

// TestHostileArguments: also what is complained of is only text.
func TestHostileArguments(t *testing.T) {
	t.Setenv("GITHUB_ACTIONS", "")
	for name, word := range hostileWords {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			waivers := filepath.Join(dir, "waivers")
			require.NoError(t, os.WriteFile(waivers, []byte("Chat J/op "+word+" why\n"), 0o600))
			for _, args := range [][]string{
				{word + "=" + filepath.Join(dir, word), recordings("new-same.txt")},
				{"-waivers", waivers, recordings("old.txt"), recordings("new-same.txt")},
				{"-filter", word + "(", recordings("old.txt"), recordings("new-same.txt")},
				{"-threshold", word + "=3%", recordings("old.txt"), recordings("new-same.txt")},
				{"-row", "/" + word, recordings("old.txt"), recordings("new-same.txt")},
			} {
				var g Flags
				set := flag.NewFlagSet("gate", flag.ContinueOnError)
				set.SetOutput(io.Discard)
				g.Register(set)
				if set.Parse(args) != nil {
					continue
				}
				sides, err := g.Sides(set.Args())
				require.NoError(t, err)
				var out, errs bytes.Buffer
				g.Publish(g.Judge(sides...), &out, &errs)
				checkRows(t, "stdout", out.String(), false)
				checkRows(t, "stderr", errs.String(), false)
			}
		})
	}
}

// TestHostileSides: none of these ends by itself, or is a file. What is piped is read.
func TestHostileSides(t *testing.T) {
	for _, path := range []string{"/dev/zero", "/dev/null", os.TempDir()} {
		if _, err := os.Stat(path); err != nil {
			continue
		}
		t.Run(path, func(t *testing.T) {
			_, err := Judge(Config{}, Side{Path: path}, Side{Path: recordings("old.txt")})
			require.ErrorIs(t, err, ErrInput)
			assert.ErrorContains(t, err, path)
			var g Flags
			set := flag.NewFlagSet("gate", flag.ContinueOnError)
			g.Register(set)
			require.NoError(t, set.Parse([]string{"-waivers", path}))
			_, err = g.Config()
			require.ErrorContains(t, err, path)
		})
	}
	t.Run("a line without end", func(t *testing.T) {
		read := 0
		endless := readerFunc(func(p []byte) (int, error) {
			read += len(p)
			clear(p)
			return len(p), nil
		})
		r, err := JudgeReaders(Config{}, "old.txt", endless, "new.txt", strings.NewReader(before))
		require.NoError(t, err)
		requireReason(t, r, CannotJudge, "old.txt:1: the line is too long, and what follows is not read")
		assert.Less(t, read, 2*maxIgnored)
	})
	t.Run("a waiver without end", func(t *testing.T) {
		_, err := ReadWaivers(readerFunc(func(p []byte) (int, error) { clear(p); return len(p), nil }), "waivers")
		require.ErrorIs(t, err, ErrInput)
	})
}

// readerFunc is a reader that is a function.
type readerFunc func(p []byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }
