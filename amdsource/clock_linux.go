package amdsource

import (
	"time"

	"golang.org/x/sys/unix"
)

// bootTime returns the time since the machine was started, as the driver stamps its
// tables: CLOCK_BOOTTIME.
func bootTime() (up time.Duration, ok bool) {
	var ts unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_BOOTTIME, &ts); err != nil {
		return 0, false
	}
	return time.Duration(ts.Nano()), true
}
