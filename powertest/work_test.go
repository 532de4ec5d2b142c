package powertest

import (
	"math"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
)

// TestCountersAddUp: no token is lost, whatever the sizes and whoever adds them.
func TestCountersAddUp(t *testing.T) {
	var c counters
	var wg sync.WaitGroup
	sizes := []int{0, 1, few - 1, few, math.MaxInt32, 12345}
	const goroutines, rounds = 8, 200_000
	for range goroutines {
		wg.Go(func() {
			for i := range rounds {
				c.tokens(sizes[i%len(sizes)], sizes[(i+1)%len(sizes)])
			}
		})
	}
	wg.Wait()
	var prompt, output int64
	for i := range rounds {
		prompt += goroutines * int64(sizes[i%len(sizes)])
		output += goroutines * int64(sizes[(i+1)%len(sizes)])
	}
	w := c.snapshot()
	assert.Equal(t, [2]int64{prompt, output}, [2]int64{w.PromptTokens, w.OutputTokens})
	assert.Equal(t, w, c.snapshot(), "again")

	c.users.Store(5)
	c.restart()
	assert.Equal(t, Work{Users: 5}, c.snapshot())
}
