//go:build slow

package energy_test

import (
	"flag"
	"testing"
)

// 250 boards are 2,500 windows, which take ten seconds.
var boards = flag.Int("plausible.boards", 250, "boards of random loads, each with ten windows")

// TestSlowRandomWindowsArePlausible is TestRandomWindowsArePlausible with more windows.
func TestSlowRandomWindowsArePlausible(t *testing.T) { randomWindows(t, 2, *boards, 10) }
