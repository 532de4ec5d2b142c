//go:build slow

package dcgmsource_test

import "testing"

// TestSlowAccuracy holds the whole path to what is promised of it, in 480 windows.
func TestSlowAccuracy(t *testing.T) {
	for _, p := range promises {
		p.hold(t, 30)
	}
}
