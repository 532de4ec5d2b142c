//go:build slow

package energy

import "testing"

// The labs with more windows than the tests of everybody. Their benchmarks have as many
// as the figures are about.

func TestSlowAccuracy(t *testing.T)        { testAccuracy(t, 100) }
func TestSlowScraped(t *testing.T)         { testScraped(t, 20) }
func TestSlowPauses(t *testing.T)          { testPauses(t, 36) }
func TestSlowEqualOperations(t *testing.T) { testEqualOperations(t, 20) }
