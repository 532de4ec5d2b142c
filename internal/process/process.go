// Package process ends child processes by an interrupt before it ends them by
// force, so that they can clean up.
package process

import (
	"os"
	"os/exec"
	"time"
)

// Interruptible makes a command that was made with exec.CommandContext end by an
// interrupt when its context does, and by force if it has not ended after grace.
func Interruptible(c *exec.Cmd, grace time.Duration) {
	c.Cancel = func() error {
		if err := c.Process.Signal(os.Interrupt); err != nil {
			return c.Process.Kill() // Windows has no such signal
		}
		return nil
	}
	c.WaitDelay = grace
}
