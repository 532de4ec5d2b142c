//go:build !unix

package powertest

import "time"

// cpuTime is not known here.
func cpuTime() time.Duration { return 0 }
