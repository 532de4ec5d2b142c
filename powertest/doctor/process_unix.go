//go:build unix

package doctor

import (
	"context"
	"os/exec"
	"syscall"
)

// shell is a shell in a process group of its own: whatever it starts is stopped with it.
func shell(ctx context.Context, command string) *exec.Cmd {
	c := exec.CommandContext(ctx, "/bin/sh", "-c", command)
	c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	c.Cancel = func() error {
		_ = syscall.Kill(-c.Process.Pid, syscall.SIGTERM)
		return syscall.Kill(-c.Process.Pid, syscall.SIGCONT)
	}
	return c
}

func (p *process) signal(s syscall.Signal) error { return syscall.Kill(-p.c.Process.Pid, s) }

func (p *process) Pause() error  { return p.signal(syscall.SIGSTOP) }
func (p *process) Resume() error { return p.signal(syscall.SIGCONT) }
func (p *process) kill()         { _ = p.signal(syscall.SIGKILL) }
