package smisource

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

func TestBetween(t *testing.T) {
	l := newLog(Config{Location: time.UTC, MaxGap: time.Second})
	for _, line := range []string{"timestamp,gpu,power", "3,0,30", "5,0,50", "5,0,70", "4,0,40", "5,0,90", "1,0,10", "2,0,20"} {
		l.line([]byte(line), true)
	}
	g := l.gpus[0]
	list, runs := g.between(math.MinInt64, math.MaxInt64)
	assert.Equal(t, []sample{{1e9, 10}, {2e9, 20}, {3e9, 30}, {4e9, 40}, {5e9, 70}}, list)
	assert.Equal(t, 3, runs)
	list, runs = g.between(1e9, 2e9)
	assert.Equal(t, []sample{{1e9, 10}, {2e9, 20}}, list)
	assert.Equal(t, 1, runs)
	list, runs = g.between(6e9, 7e9)
	assert.Empty(t, list)
	assert.Zero(t, runs)
	assert.Equal(t, sample{3e9, 30}, g.samples[0], "the log keeps its order")
	assert.Equal(t, time.Second, l.interval([]int{0}))
	assert.Equal(t, time.Second, l.interval(nil))
}
