package ab

import (
	"bytes"
	"testing"
	"testing/synctest"
	"time"

	"github.com/joulebench/joulebench/internal/progress"
	"github.com/joulebench/joulebench/internal/terminal/terminaltest"
	"github.com/stretchr/testify/assert"
)

// TestEstimate: each package counts with its own time, and one that was not run yet
// with that of all.
func TestEstimate(t *testing.T) {
	p := newJournal(&bytes.Buffer{}, nil)
	_, known := p.estimate(map[string]int{"a": 3})
	assert.False(t, known, "nothing was run")
	p.took("a", 10*time.Second)
	p.took("a", 20*time.Second)
	p.took("b", 60*time.Second)
	d, known := p.estimate(map[string]int{"a": 2, "b": 1, "c": 1})
	assert.True(t, known)
	assert.Equal(t, 2*15*time.Second+60*time.Second+30*time.Second, d)
}

// TestJournalOnATerminal: what runs is in one line, which gives way to what stays, and nothing
// is left of it.
func TestJournalOnATerminal(t *testing.T) {
	t.Setenv("TERM", "xterm")
	t.Setenv("CI", "")
	tty, written := terminaltest.Pty(t, 80)
	synctest.Test(t, func(t *testing.T) {
		line := progress.New(tty)
		defer line.Stop()
		j := newJournal(tty, line)
		defer j.close()
		j.say("building")
		time.Sleep(500 * time.Millisecond)
		j.begins(Base, "x", map[string]int{"x": 2})
		time.Sleep(3 * time.Second)
		j.took("x", 3*time.Second)
		j.begins(Head, "x", map[string]int{"x": 1})
		time.Sleep(time.Second)
		j.say("hot")
	})
	assert.Equal(t, "building\r\n"+
		"\r\x1b[K1 of 2: base, x, 2s so far"+
		"\r\x1b[K2 of 2: head, x, about 3s to go"+
		"\r\x1b[Khot\r\n", written())
}

// TestJournal: elsewhere each sample has a line.
func TestJournal(t *testing.T) {
	var b bytes.Buffer
	j := newJournal(&b, nil)
	j.begins(Base, "x", map[string]int{"x": 2})
	j.took("x", time.Second)
	j.begins(Head, "x", map[string]int{"x": 1})
	j.close()
	assert.Equal(t, "1 of 2: base, x\n2 of 2: head, x, about 1s to go\n", b.String())
}
