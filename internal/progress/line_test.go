package progress

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/joulebench/joulebench/internal/terminal/terminaltest"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// onTerminal runs work with a line on a terminal of so many columns, on a fake clock, and
// returns what was written.
func onTerminal(t *testing.T, columns int, work func(l *Line)) string {
	t.Helper()
	t.Setenv("TERM", "xterm")
	t.Setenv("CI", "")
	tty, written := terminaltest.Pty(t, columns)
	synctest.Test(t, func(t *testing.T) {
		l := New(tty)
		require.NotNil(t, l)
		work(l)
		l.Stop()
		l.Stop() // does nothing more
	})
	return written()
}

// later sleeps until half a second after a tick of the line, so that nothing happens at one
// and the same time.
func later() { time.Sleep(500 * time.Millisecond) }

func rest(seconds float64) { time.Sleep(time.Duration(seconds * float64(time.Second))) }

// TestLine: work of more than two seconds is shown in a line, with the time to go, which is
// cleared at the end.
func TestLine(t *testing.T) {
	assert.Equal(t, "\r\x1b[Kwatching, about 3s to go\r\x1b[Kwatching, about 2s to go\r\x1b[K", onTerminal(t, 80, func(l *Line) {
		later()
		l.Step("watching", 5*time.Second)
		rest(4)
	}))
}

// TestShortWork shows nothing: not even many short pieces of it.
func TestShortWork(t *testing.T) {
	assert.Empty(t, onTerminal(t, 80, func(l *Line) {
		later()
		for range 10 {
			l.Step("reading", time.Minute)
			time.Sleep(1900 * time.Millisecond)
			l.Rest()
		}
		rest(100)
	}))
}

// TestSteps: steps follow one another without a pause, and one whose end is not known says how
// long it takes.
func TestSteps(t *testing.T) {
	assert.Equal(t, "\r\x1b[Kreading a, 2s so far\r\x1b[Kreading b, about 3s to go\r\x1b[Kreading b, about 1s to go\r\x1b[K", onTerminal(t, 80, func(l *Line) {
		later()
		l.Step("reading a", 0)
		rest(2.7)
		l.Part("reading b", 0)
		rest(0.4)
		l.Part("reading b", 0.1) // 3.6 s to go
		rest(0.6)
		l.Part("reading b", 0.5) // 1 s
		rest(1)
	}))
}

// TestRestClears: between steps there is no line.
func TestRestClears(t *testing.T) {
	text := onTerminal(t, 80, func(l *Line) {
		later()
		l.Step("x", 0)
		rest(4)
		l.Rest()
		rest(3)
	})
	assert.True(t, strings.HasSuffix(text, "so far\r\x1b[K"), "%q", text)
	assert.Equal(t, 2, strings.Count(text, "so far"), "%q", text)
}

// TestNarrow: the line never goes on in the next row, whatever the names in it are.
func TestNarrow(t *testing.T) {
	assert.Equal(t, "\r\x1b[Kreading a …\r\x1b[K", onTerminal(t, 12, func(l *Line) {
		later()
		l.Step("reading a very long name", 0)
		time.Sleep(2600 * time.Millisecond)
	}))
	for name, word := range terminaltest.Words {
		text := onTerminal(t, 70, func(l *Line) {
			later()
			l.Step("reading "+word, 0)
			time.Sleep(2600 * time.Millisecond)
		})
		text = strings.ReplaceAll(text, clear, "")
		assert.NotContains(t, text, "\n", name)
		assert.NotContains(t, text, "\x1b", name)
		assert.LessOrEqual(t, len([]rune(text)), 70, name)
	}
}

// TestWriter: what others write takes the place of the line, which stays away from a row that
// is not ended.
func TestWriter(t *testing.T) {
	assert.Equal(t, "\r\x1b[Kx, 2s so far\r\x1b[Khello\r\n\r\x1b[Kx, 3s so far\r\x1b[Kmore\r\n\r\x1b[Kx, 7s so far\r\x1b[K", onTerminal(t, 80, func(l *Line) {
		later()
		l.Step("x", 0)
		time.Sleep(2600 * time.Millisecond)
		w := l.Writer(l.w)
		fmt.Fprintln(w, "hello")
		rest(1)
		fmt.Fprint(w, "mo")
		rest(3)
		fmt.Fprintln(w, "re")
		rest(1)
	}))
}

// TestNoTerminal: nothing is shown where there is none, where there is a dumb one, and in CI.
func TestNoTerminal(t *testing.T) {
	tty, written := terminaltest.Pty(t, 80)
	for _, env := range [][2]string{{"TERM", "dumb"}, {"CI", "true"}, {"CI", "1"}} {
		t.Run(env[0]+"="+env[1], func(t *testing.T) {
			t.Setenv("TERM", "xterm")
			t.Setenv("CI", "")
			t.Setenv(env[0], env[1])
			assert.Nil(t, New(tty))
		})
	}
	var b bytes.Buffer
	assert.Nil(t, New(&b))
	var l *Line
	l.Step("x", 0)
	l.Part("x", 0.5)
	l.Rest()
	l.Stop()
	assert.Same(t, &b, l.Writer(&b))
	assert.Empty(t, b.String()+written())
	assert.Nil(t, Of(context.Background()))
	assert.Nil(t, Of(With(context.Background(), nil)))
}

// TestNoColour: without colours there is a line as well, since it has none.
func TestNoColour(t *testing.T) {
	t.Setenv("NO_COLOR", "1")
	assert.Contains(t, onTerminal(t, 80, func(l *Line) {
		later()
		Of(With(t.Context(), l)).Step("x", 0)
		rest(3)
	}), "x, 2s so far")
}
