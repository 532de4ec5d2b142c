//go:build unix

package process

import (
	"os"
	"os/exec"
	"slices"
	"syscall"

	"golang.org/x/sys/unix"
)

// relayed are the signals that mean the command rather than this process. Slurm and others
// send the last two before they end a job.
var relayed = []os.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGQUIT, syscall.SIGUSR1, syscall.SIGUSR2}

// byKeys are those that a terminal sends to all processes of its foreground. There they are
// never passed on, since who sent them can't be told: one that is sent to this process alone,
// as by kill -INT, does not reach the command.
var byKeys = []os.Signal{syscall.SIGINT, syscall.SIGQUIT}

// grouped gives a command, not yet started, its process group, and returns what sends a
// signal to it when it runs.
func grouped(c *exec.Cmd) (send func(os.Signal)) {
	if foreground() {
		return func(s os.Signal) {
			if !slices.Contains(byKeys, s) { // or it would get them twice
				_ = c.Process.Signal(s)
			}
		}
	}
	if c.SysProcAttr == nil {
		c.SysProcAttr = &syscall.SysProcAttr{}
	}
	c.SysProcAttr.Setpgid = true
	return func(s os.Signal) { _ = syscall.Kill(-c.Process.Pid, s.(syscall.Signal)) }
}

// foreground reports whether this process is in the foreground of a terminal.
func foreground() bool {
	terminal, err := os.Open("/dev/tty")
	if err != nil {
		return false
	}
	defer terminal.Close()
	group, err := unix.IoctlGetInt(int(terminal.Fd()), unix.TIOCGPGRP)
	return err == nil && group == unix.Getpgrp()
}
