package ab

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestOrder(t *testing.T) {
	var got []string
	for s := range Order(1, 0, 4) {
		got = append(got, s.Side.String())
	}
	assert.Equal(t, "base head head base base head head base", strings.Join(got, " "))
}

// TestOrderGoesOn: who stops after any round, and goes on, has the same order.
func TestOrderGoesOn(t *testing.T) {
	whole := slices.Collect(Order(3, 0, 7))
	for stop := range 8 {
		assert.Equal(t, whole, slices.Concat(slices.Collect(Order(3, 0, stop)), slices.Collect(Order(3, stop, 7))))
	}
	for range Order(3, 0, 7) {
		break // and who stops in between does not make it panic
	}
}

// TestOrderCancelsDrift: of each package, both sides are run at the same time on
// average, after any even number of rounds.
func TestOrderCancelsDrift(t *testing.T) {
	for packages := 1; packages <= 4; packages++ {
		for rounds := 2; rounds <= 10; rounds += 2 {
			sum := make([][2]int, packages)
			count := make([][2]int, packages)
			at := 0
			for s := range Order(packages, 0, rounds) {
				assert.Equal(t, count[s.Package][s.Side], s.Round)
				sum[s.Package][s.Side] += at
				count[s.Package][s.Side]++
				at++
			}
			for p := range packages {
				assert.Equal(t, [2]int{rounds, rounds}, count[p])
				assert.Equal(t, sum[p][Base], sum[p][Head], "package %d of %d, %d rounds", p, packages, rounds)
			}
		}
	}
}
