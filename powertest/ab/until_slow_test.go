//go:build slow

package ab

import "testing"

func TestSlowUntilKeepsAlpha(t *testing.T) {
	t.Parallel()
	untilKeepsAlpha(t, 400)
}
