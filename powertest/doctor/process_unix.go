//go:build unix

package doctor

import (
	"io"
	"os/exec"
	"syscall"
	"time"
)

// A process is a load that is a group of processes.
type process struct {
	c    *exec.Cmd
	done chan struct{}
	// grace is how long it may take to end after it was asked to.
	grace time.Duration
}

// startProcess starts a command in a shell, in a group of its own: whatever it starts
// is stopped with it.
func startProcess(command string, out io.Writer) (running, error) {
	c := exec.Command("/bin/sh", "-c", command)
	c.Stdout, c.Stderr = out, out
	c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	c.WaitDelay = endTime // a grandchild may keep the streams open
	if err := c.Start(); err != nil {
		return nil, err
	}
	p := &process{c: c, done: make(chan struct{}), grace: endTime}
	go func() {
		defer close(p.done)
		_ = c.Wait()
	}()
	return p, nil
}

func (p *process) signal(s syscall.Signal) error { return syscall.Kill(-p.c.Process.Pid, s) }

func (p *process) Pause() error          { return p.signal(syscall.SIGSTOP) }
func (p *process) Resume() error         { return p.signal(syscall.SIGCONT) }
func (p *process) Done() <-chan struct{} { return p.done }

// endTime is how long a load may take to end after it was asked to.
const endTime = 5 * time.Second

// End asks the group to end, and kills it if it does not.
func (p *process) End() {
	_ = p.signal(syscall.SIGTERM)
	_ = p.signal(syscall.SIGCONT)
	timer := time.NewTimer(p.grace)
	defer timer.Stop()
	select {
	case <-p.done:
	case <-timer.C:
	}
	_ = p.signal(syscall.SIGKILL) // also those that outlive the shell
	<-p.done
}
