package command

import (
	"bytes"
	"context"
	"flag"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/joulebench/joulebench/internal/terminal/terminaltest"
	"github.com/stretchr/testify/assert"
)

// brewer is a program with one command, which writes its arguments.
func brewer(refused *bool) Program {
	return Program{Name: "brewer", Commands: []Command{{
		Name: "brew", Summary: "make tea", Examples: []Example{{Line: "brewer brew -kind green"}},
		Usage: []string{"[FLAGS] POT"}, About: "Brew makes tea.",
		Groups: []Group{{"The tea", []string{"kind", "minutes"}}},
		Exits:  []Exit{{OK, "there is tea"}},
		Define: func(f *flag.FlagSet) Action {
			var kind string
			OneOf(f, &kind, "kind", "black", "which `tea` it is", "black", "green")
			f.Duration("minutes", 0, "how long")
			return Action{
				Run: func(_ context.Context, call Call) int {
					_, err := call.Out.Write([]byte(kind + strings.Join(call.Args, ",")))
					if err != nil || call.Given["minutes"] {
						return Failed
					}
					return OK
				},
				Refuse: func(Call) { *refused = true },
			}
		},
	}}}
}

func runBrewer(t *testing.T, args ...string) (code int, stdout, stderr string, refused bool) {
	t.Helper()
	var out, errs bytes.Buffer
	code = brewer(&refused).Run(t.Context(), args, Streams{Out: &out, Err: &errs})
	return code, out.String(), errs.String(), refused
}

// TestCalls: a command gets what follows its flags.
func TestCalls(t *testing.T) {
	code, out, errs, refused := runBrewer(t, "brew", "-kind", "green", "pot", "help")
	assert.Equal(t, OK, code)
	assert.Equal(t, "greenpot,help", out)
	assert.Empty(t, errs)
	assert.False(t, refused)
	code, out, _, _ = runBrewer(t, "brew", "--minutes=1m", "-", "--", "-h")
	assert.Equal(t, Failed, code)
	assert.Equal(t, "black-,--,-h", out)
}

// TestMisuse: what cannot be followed is said on the standard error, with what is near, in a
// few lines.
func TestMisuse(t *testing.T) {
	for says, args := range map[string][]string{
		"brewer: there is no command \"brwe\"\ndid you mean brew?\nbrewer help lists the commands and topics\n":                                                  {"brwe"},
		"brewer: there is no command or topic \"exit\"\ndid you mean exit-codes?\nbrewer help lists the commands and topics\n":                                   {"help", "exit"},
		"brewer brew: there is no flag \"-minute\"\ndid you mean -minutes?\nbrewer help brew lists the flags\n":                                                  {"brew", "-minute", "3"},
		"brewer brew: there is no flag \"-temperature\"\nbrewer help brew lists the flags\n":                                                                     {"brew", "--temperature=3"},
		"brewer brew: invalid value \"gren\" for flag -kind: it is black or green\ndid you mean green?\nbrewer help brew lists the flags\n":                      {"brew", "-kind", "gren"},
		"brewer brew: invalid value \"3\" for flag -minutes: it must be a number, and of a time with its unit, such as 1.5s\nbrewer help brew lists the flags\n": {"brew", "-minutes", "3"},
	} {
		code, out, errs, refused := runBrewer(t, args...)
		assert.Equal(t, Misused, code, args)
		assert.Equal(t, says, errs)
		assert.Empty(t, out)
		assert.Equal(t, args[0] == "brew", refused, args)
	}
}

// TestHostileWords: whatever words are typed, what is written of them is text.
func TestHostileWords(t *testing.T) {
	for name, word := range terminaltest.Words {
		for _, args := range [][]string{{word}, {"help", word}, {"brew", "-" + word}, {"brew", "-kind", word}, {"version", word}} {
			code, out, errs, _ := runBrewer(t, args...)
			assert.Equal(t, Misused, code, "%s: %q", name, args)
			assert.Empty(t, out)
			terminaltest.Check(t, name, errs, false)
		}
	}
}

// TestNearest: a slip of the hand is seen through, and another word is not taken for one.
func TestNearest(t *testing.T) {
	known := []string{"annotate", "series", "gate", "ab", "doctor", "help", "version"}
	for word, want := range map[string]string{
		"anotate": "annotate", "gaet": "gate", "Gate": "gate", "docter": "doctor", "serie": "series", "an": "annotate",
		"b": "", "": "", "xyz": "", "judge": "", "versoin": "version", strings.Repeat("gate", 100): "", "héлp": "",
	} {
		assert.Equal(t, want, nearest(word, known), word)
	}
}

// TestCheck: a flag without a place, and a place without a flag, are found.
func TestCheck(t *testing.T) {
	var refused bool
	c := brewer(&refused).Commands[0]
	assert.NoError(t, c.Check())
	c.Groups = []Group{{"The tea", []string{"kind", "kind", "sugar"}}}
	assert.EqualError(t, c.Check(), "-kind is in two groups\n-sugar is in a group, and is no flag\n-minutes is in no group")
	_, text, _, _ := runBrewer(t, "help", "brew")
	assert.NotContains(t, text, otherFlags)
	assert.Contains(t, Program{Name: "brewer"}.describe(c), "\nOther flags:\n  -minutes duration\n")
}

// TestRows: lines are no longer than they may be, whatever the words are.
func TestRows(t *testing.T) {
	long := strings.Repeat("word ", 40)
	for _, rows := range [][]Row{{{"a", long}, {"abc", "x"}}, {{"a", long}, {strings.Repeat("w", 70), long}}} {
		for line := range strings.Lines(Rows(rows)) {
			assert.LessOrEqual(t, utf8.RuneCountInString(line), Columns+1, line)
		}
	}
	assert.Equal(t, "  a    x\n  abc  y\n", Rows([]Row{{"a", "x"}, {"abc", "y"}}))
}
