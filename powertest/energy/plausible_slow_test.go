//go:build slow

package energy_test

import (
	"flag"
	"testing"
)

// 1,000 boards are 10,000 windows.
var boards = flag.Int("plausible.boards", 1000, "boards of random loads, each with ten windows")

// TestSlowRandomWindowsArePlausible is TestRandomWindowsArePlausible with more windows.
func TestSlowRandomWindowsArePlausible(t *testing.T) { randomWindows(t, 2, *boards, 10) }
