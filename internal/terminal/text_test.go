package terminal

import (
	"bytes"
	"io"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestHostileText: what names of others can do to a terminal, to a reader and to a CI
// system.
func TestHostileText(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"plain", "GPU-0: 12 J, ± 0.4 %\n", "GPU-0: 12 J, ± 0.4 %\n"},
		{"tab", "a\tb\n\nc", "a\tb\n\nc"},
		{"Windows", "a\r\nb\r\n", "a\nb\n"},
		{"colour", "\x1b[31mred\x1b[0m", "\ufffd[31mred\ufffd[0m"},
		{"title", "\x1b]0;owned\x07", "\ufffd]0;owned\ufffd"},
		{"C1", "a\u009b31mb", "a\ufffd31mb"},
		{"raw C1", "a\x9b31mb", "a\ufffd31mb"},
		{"carriage return", "FAIL\rPASS", "FAIL\ufffdPASS"},
		{"backspace", "FAIL\b\b\b\bPASS", "FAIL\ufffd\ufffd\ufffd\ufffdPASS"},
		{"override", "abc\u202edef", "abc\ufffddef"},
		{"isolate", "\u2067x\u2069", "\ufffdx\ufffd"},
		{"marks", "\u200e\u200f\u061c", "\ufffd\ufffd\ufffd"},
		{"separators", "a\u2028::b\u2029c", "a\ufffd::b\ufffdc"},
		{"command", "::stop-commands::x\n", ": :stop-commands::x\n"},
		{"indented command", "a\n \t::error::x", "a\n \t: :error::x"},
		{"command of one colon more", ":::x::", ": ::x::"},
		{"old command", "a ##[error]x", "a ## [error]x"},
		{"old commands", "###[##[", "### [## ["},
		{"no command", "std::vector a::b", "std::vector a::b"},
		{"joiners", "👩‍🚀", "👩‍🚀"},
	} {
		t.Run(c.name, func(t *testing.T) { assert.Equal(t, c.want, Text(c.text)) })
	}
}

// TestHostileLength: words and lines have an end, and are cut in no time.
func TestHostileLength(t *testing.T) {
	began := time.Now()
	long := Text("device GPU-" + strings.Repeat("5f", 5<<20) + " is lost\nnext")
	assert.Equal(t, "device GPU-"+strings.Repeat("5f", 254)+"… is lost\nnext", long)
	words := Text(strings.Repeat("a word ", 1<<20))
	assert.Equal(t, maxLine+1, utf8.RuneCountInString(words))
	assert.Less(t, len(Text(strings.Repeat("\x1b", 10<<20))), 4*maxLine)
	assert.Less(t, time.Since(began), time.Minute)
}

// TestHostileRows: what is written in pieces is no command either, and colours stay.
func TestHostileRows(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"rows", "a\n::error::b\n\x1b[31mc\x1b[0m ##[d]\n", "a\n: :error::b\n\x1b[31mc\x1b[0m ## [d]\n"},
		{"no end", "a\n ::error::b", "a\n : :error::b"},
		{"carriage return", "a\r::error::b\n", "a\r: :error::b\n"},
		{"nothing", "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, size := range []int{1, 3, 1000} {
				var b bytes.Buffer
				w := NewWriter(&b)
				for rest := c.text; rest != ""; {
					n, err := io.WriteString(w, rest[:min(size, len(rest))])
					require.NoError(t, err)
					rest = rest[n:]
				}
				require.NoError(t, w.Close())
				assert.Equal(t, c.want, b.String())
			}
		})
	}
}

// FuzzText: nothing hostile is left, and what is clean stays as it is.
func FuzzText(f *testing.F) {
	f.Add("a\n::b\r\n\x1b[0m ##[c]\xff\u202e")
	f.Add(" \t::\r::")
	f.Fuzz(func(t *testing.T, s string) {
		got := Text(s)
		for row := range strings.Lines(got) {
			row = strings.TrimSuffix(row, "\n")
			if strings.Contains(row, "##[") || strings.HasPrefix(strings.TrimSpace(row), "::") || strings.ContainsAny(row, "\r\n\x1b\u202e") {
				t.Fatalf("%q", row)
			}
		}
		if again := Text(got); again != got {
			t.Fatalf("%q becomes %q", got, again)
		}
	})
}
