//go:build slow

package energy_test

import "testing"

// TestSlowRandomWindowsArePlausible is TestRandomWindowsArePlausible with 10,000 windows.
func TestSlowRandomWindowsArePlausible(t *testing.T) { randomWindows(t, 2, 1000, 10) }
