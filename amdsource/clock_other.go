//go:build !linux

package amdsource

import "time"

// bootTime returns nothing: there is no driver to compare it with.
func bootTime() (up time.Duration, ok bool) { return 0, false }
