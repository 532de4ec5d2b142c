// Package process runs child processes that end with what started them: by an interrupt
// before they are ended by force, so that they can clean up, and, where the system can
// see to it, also if this process is killed.
package process

import (
	"os"
	"os/exec"
	"runtime"
	"time"
)

// Run runs a command that was made with exec.CommandContext. When the context ends it is
// interrupted, and it is killed if it has not ended after grace. On Linux it is killed
// with this process, and on Windows with all that it has started. The error is that of exec.Cmd.Run; exec.ErrWaitDelay says that the
// command has ended, and a process that it has started keeps its output open.
func Run(c *exec.Cmd, grace time.Duration) error {
	c.Cancel = func() error {
		if err := c.Process.Signal(os.Interrupt); err != nil {
			return c.Process.Kill() // Windows has no such signal
		}
		return nil
	}
	c.WaitDelay = grace
	started := make(chan error, 1)
	return <-Start(c, started)
}

// Start starts a command that is killed with this process, as far as the system can do
// that, and sends its error, or nil, to started, and then that of its end.
func Start(c *exec.Cmd, started chan<- error) <-chan error {
	diesWithParent(c)
	ended := make(chan error, 1)
	go func() {
		// To Linux the parent is the thread, which must not end before.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := c.Start()
		started <- err
		if err == nil {
			release := adopt(c.Process)
			err = c.Wait()
			release()
		}
		ended <- err
	}()
	return ended
}
