package ab

import (
	"bytes"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

// TestEstimate: each package counts with its own time, and one that was not run yet
// with that of all.
func TestEstimate(t *testing.T) {
	p := newProgress(&bytes.Buffer{})
	_, known := p.estimate(map[string]int{"a": 3})
	assert.False(t, known, "nothing was run")
	p.took("a", 10*time.Second)
	p.took("a", 20*time.Second)
	p.took("b", 60*time.Second)
	d, known := p.estimate(map[string]int{"a": 2, "b": 1, "c": 1})
	assert.True(t, known)
	assert.Equal(t, 2*15*time.Second+60*time.Second+30*time.Second, d)
}

// TestProgressOnATerminal is in one line, which gives way to what stays.
func TestProgressOnATerminal(t *testing.T) {
	var b bytes.Buffer
	p := newProgress(&b)
	p.terminal = true
	p.say("building")
	p.begins(Base, "x", map[string]int{"x": 2})
	p.took("x", time.Second)
	p.begins(Head, "x", map[string]int{"x": 1})
	p.say("hot")
	p.begins(Head, "x", map[string]int{"x": 1})
	p.close()
	assert.Equal(t, "building\n"+
		"\r\x1b[K1 of 2: base, x"+
		"\r\x1b[K2 of 2: head, x, about 1s to go"+
		"\r\x1b[Khot\n"+
		"\r\x1b[K2 of 2: head, x, about 1s to go\n", b.String())
}
