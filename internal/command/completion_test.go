package command

import (
	"flag"
	"strings"
	"testing"

	"github.com/joulebench/joulebench/internal/terminal/terminaltest"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// offered is what the program answers to a shell: what that completes by itself, what stands
// before it, and the words.
func offered(p Program, words ...string) (kind, after string, list []string) {
	head, rest, _ := strings.Cut(p.complete(words), "\n")
	kind, after, _ = strings.Cut(head, "\t")
	for line := range strings.Lines(rest) {
		word, _, _ := strings.Cut(line, "\t")
		list = append(list, word)
	}
	return kind, after, list
}

// potter is a program whose command takes all kinds of values.
func potter() Program {
	return Program{
		Name: "potter", Topics: []Topic{{Name: "clay"}},
		Commands: []Command{{Name: "turn", Operands: "file", Define: func(f *flag.FlagSet) Action {
			var glaze string
			OneOf(f, &glaze, "glaze", "", "its glaze", "ash", "salt")
			f.Bool("fast", false, "hurry")
			f.String("o", "", "a `directory`")
			f.String("wheel", "", "a `command`")
			f.String("clay", "", "a `source`")
			f.String("note", "", "any text")
			return Action{}
		}}, {Name: "run", Operands: "command", Define: func(*flag.FlagSet) Action { return Action{} }}},
		Values: map[string]func(string) Candidates{"source": func(begun string) Candidates {
			if strings.HasPrefix(begun, "pit=") {
				return Candidates{Else: Files, After: "pit="}
			}
			return Candidates{Words: []Row{{"pit=", "of a file"}, {"river", ""}}}
		}},
	}
}

// TestComplete: what can follow.
func TestComplete(t *testing.T) {
	flags := []string{"-clay", "-fast", "-glaze", "-note", "-o", "-wheel", "-h"}
	for _, c := range []struct {
		typed, kind, after string
		list               []string
	}{
		{"", "nothing", "", []string{"turn", "run", "help", "completion", "version"}},
		{"v", "nothing", "", []string{"version"}},
		{"help ", "nothing", "", []string{"turn", "run", "help", "completion", "version", "clay", "exit-codes", "examples"}},
		{"help turn ", "nothing", "", nil},
		{"completion f", "nothing", "", []string{"fish"}},
		{"fire ", "nothing", "", nil},
		{"turn -", "nothing", "", flags},
		{"turn -fast -", "nothing", "", flags},
		{"turn --glaze ", "nothing", "", []string{"ash", "salt"}},
		{"turn -glaze=s", "nothing", "", []string{"-glaze=salt"}},
		{"turn -glaze ash -o ", "directories", "", nil},
		{"turn -o=", "directories", "-o=", nil},
		{"turn -wheel ", "programs", "", nil},
		{"turn -clay ", "nothing", "", []string{"pit=", "river"}},
		{"turn -clay pit=", "files", "pit=", nil},
		{"turn -clay=pit=x", "files", "-clay=pit=", nil},
		{"turn -note ", "nothing", "", nil},
		{"turn -note -", "nothing", "", nil},
		{"turn ", "files", "", nil},
		{"turn -fast ", "files", "", nil},
		{"turn x -", "files", "", nil},
		{"turn -- -", "files", "", nil},
		{"turn -nothing=", "nothing", "", nil},
		{"run -- ", "programs", "", nil},
		{"run -- x ", "files", "", nil},
	} {
		kind, after, list := offered(potter(), strings.Split(c.typed, " ")...)
		assert.Equal(t, c.kind, kind, c.typed)
		assert.Equal(t, c.after, after, c.typed)
		assert.Equal(t, c.list, list, c.typed)
	}
	kind, _, list := offered(potter())
	assert.Equal(t, "nothing", kind)
	assert.Len(t, list, 5)
}

// TestCompleteHostile: what was typed is not in the answer, but for what this program knows.
func TestCompleteHostile(t *testing.T) {
	for name, word := range terminaltest.Words {
		for _, words := range [][]string{{word}, {"turn", word}, {"turn", "-" + word + "="}, {"turn", "-clay", word}, {"turn", "-clay", "pit=" + word}, {"help", word}, {word, word}} {
			answer := potter().complete(words)
			terminaltest.Check(t, name, answer, false)
			assert.NotContains(t, answer, word, "%q", words)
		}
	}
}

// TestScripts: there is one for each shell, of this program.
func TestScripts(t *testing.T) {
	for _, shell := range shells {
		code, out, errs, _ := runBrewer(t, "completion", shell)
		require.Equal(t, OK, code, errs)
		assert.Contains(t, out, "__complete")
		assert.Contains(t, out, "_brewer")
		assert.NotContains(t, out, "PROGRAM")
	}
}
