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

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/joulebench/joulebench/internal/terminal/terminaltest"
)

// TestHostileNames: whatever is written in files, in no output is there a control
// character, a change of direction or a command that is not ours.
func TestHostileNames(t *testing.T) {
	for name, word := range terminaltest.Words {
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
					data := output == "JSON" || output == "JUnit"
					if output == "annotation" {
						terminaltest.Check(t, output, text, data, "::error title=powertest gate::", "::warning title=powertest gate::", "::notice title=powertest gate::")
						continue
					}
					terminaltest.Check(t, output, text, data)
				}
				all := outputs(t, r)
				assert.True(t, json.Valid([]byte(all["JSON"])))
				require.NoError(t, xml.Unmarshal([]byte(all["JUnit"]), new(junitSuites)))
			})
		}
	}
}

// TestHostileArguments: also what is complained of is only text.
func TestHostileArguments(t *testing.T) {
	t.Setenv("GITHUB_ACTIONS", "")
	for name, word := range terminaltest.Words {
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
				terminaltest.Check(t, "stdout", out.String(), false)
				terminaltest.Check(t, "stderr", errs.String(), false)
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
