package main

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

// TestPrompts: as long as asked for, a new one each time and for each user, and
// the same with the same seed.
func TestPrompts(t *testing.T) {
	seen := map[string]bool{}
	for user := range uint64(50) {
		p, again := newPrompts(1, user, 30), newPrompts(1, user, 30)
		for range 50 {
			s := p.next()
			assert.Equal(t, s, again.next())
			assert.Len(t, strings.Fields(s), 30)
			assert.True(t, strings.HasSuffix(s, "with these words."))
			assert.False(t, seen[s], "the prompt is not new")
			seen[s] = true
		}
	}
	assert.NotEqual(t, newPrompts(1, 0, 30).next(), newPrompts(2, 0, 30).next())
	assert.Len(t, strings.Fields(newPrompts(1, 0, 1).next()), 1)
}
