// Package command runs programs that end when nobody waits for them any more.
package command

import (
	"os"
	"os/exec"
	"time"
)

// Interruptible makes a command end by an interrupt when its context does, and by
// force if it has not after so long.
func Interruptible(c *exec.Cmd, grace time.Duration) {
	c.Cancel = func() error {
		if err := c.Process.Signal(os.Interrupt); err != nil {
			return c.Process.Kill() // Windows has no such signal
		}
		return nil
	}
	c.WaitDelay = grace
}
