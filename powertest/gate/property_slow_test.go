//go:build slow

package gate

import (
	"fmt"
	"testing"
)

func TestSlowFalseAlarms(t *testing.T) {
	for _, f := range []struct{ family, samples, pairs int }{{1, 10, 4000}, {6, 7, 3000}, {20, 8, 1000}} {
		t.Run(fmt.Sprintf("family of %d", f.family), func(t *testing.T) {
			t.Parallel()
			falseAlarms(t, f.family, f.samples, f.pairs)
		})
	}
}

func TestSlowPairsFalseAlarms(t *testing.T) {
	noFalseAlarms(t, map[int]int{6: 1000, 10: 3000, 20: 1000})
}

func TestSlowPairsFindShift(t *testing.T) {
	t.Parallel()
	findsShift(t, 1500)
}

func TestSlowUnseenHolds(t *testing.T) { unseenHolds(t, 1500) }

func TestSlowUnseenFinds(t *testing.T) {
	t.Parallel()
	unseenFinds(t, 400)
}

func TestSlowPlanFinds(t *testing.T) {
	t.Parallel()
	planFinds(t, 500, 0.05)
}

func TestSlowPlanCovers(t *testing.T) {
	t.Parallel()
	planCovers(t, 600)
}
