//go:build slow

package energy

import "testing"

// The labs with as many windows as their figures are about.

func TestSlowAccuracy(t *testing.T)        { testAccuracy(t, *labWindows) }
func TestSlowScraped(t *testing.T)         { testScraped(t, 40) }
func TestSlowPauses(t *testing.T)          { testPauses(t, 60) }
func TestSlowEqualOperations(t *testing.T) { testEqualOperations(t, 20) }
