//go:build slow

package gauge

import "testing"

func TestSlowSensorsOfAllKinds(t *testing.T) {
	every := make([]int, len(loads))
	for i := range every {
		every[i] = i
	}
	for _, o := range sensorsOf {
		t.Run(o.name, func(t *testing.T) { o.check(t, asRecorded, every, 1, 5) })
	}
}
