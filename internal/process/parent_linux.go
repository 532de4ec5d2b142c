package process

import (
	"os"
	"os/exec"
	"syscall"
)

// diesWithParent has the command, not yet started, killed with this process: the command
// alone, and not what it has started.
func diesWithParent(c *exec.Cmd) {
	if c.SysProcAttr == nil {
		c.SysProcAttr = &syscall.SysProcAttr{}
	}
	c.SysProcAttr.Pdeathsig = syscall.SIGKILL
}

func adopt(*os.Process) (release func()) { return func() {} }
