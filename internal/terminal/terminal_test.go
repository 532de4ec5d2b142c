package terminal_test

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/joulebench/joulebench/internal/terminal"
	"github.com/joulebench/joulebench/internal/terminal/terminaltest"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestColoured: colours are for a terminal that knows them, and for nobody who asks for none.
func TestColoured(t *testing.T) {
	tty, _ := terminaltest.Pty(t, 40)
	null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	require.NoError(t, err)
	defer null.Close()
	file, err := os.Create(filepath.Join(t.TempDir(), "out"))
	require.NoError(t, err)
	defer file.Close()
	check := func(is, coloured bool, w io.Writer, noColor, term string) {
		t.Helper()
		t.Setenv("NO_COLOR", noColor)
		t.Setenv("TERM", term)
		assert.Equal(t, is, terminal.Is(w))
		assert.Equal(t, coloured, terminal.Coloured(w))
	}
	check(true, true, tty, "", "xterm")
	check(true, false, tty, "1", "xterm")
	check(false, false, tty, "", "dumb")
	check(false, false, null, "", "xterm")
	check(false, false, file, "", "xterm")
	check(false, false, new(bytes.Buffer), "", "xterm")
}

// TestWidth is that of the terminal, and the usual one of anything else.
func TestWidth(t *testing.T) {
	tty, _ := terminaltest.Pty(t, 40)
	assert.Equal(t, 40, terminal.Width(tty))
	assert.Equal(t, 80, terminal.Width(new(bytes.Buffer)))
	none, _ := terminaltest.Pty(t, 0)
	assert.Equal(t, 80, terminal.Width(none))
}

// TestWrap: words stay whole, and so do commands to paste.
func TestWrap(t *testing.T) {
	assert.Equal(t, "aa bb\n  cc\n  dd\n", terminal.Wrap("aa bb cc\ndd", "  ", 5))
	assert.Equal(t, "longer\n  a\n  paste this as it is\n", terminal.Wrap("longer a\n\tpaste this as it is", "  ", 5))
	assert.Equal(t, "    a b\n    c\n", terminal.Wrap("    a b c", "    ", 7))
	assert.NotContains(t, terminal.Wrap("\x1b[31m", "", 80), "\x1b")
}
