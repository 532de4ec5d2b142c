//go:build !unix

package doctor

import (
	"errors"
	"fmt"
	"io"
	"os/exec"
	"runtime"
)

// A process is a load that is a process.
type process struct {
	c    *exec.Cmd
	done chan struct{}
}

// startProcess starts a command in the shell of Windows.
func startProcess(command string, out io.Writer) (running, error) {
	c := exec.Command("cmd", "/C", command)
	c.Stdout, c.Stderr = out, out
	if err := c.Start(); err != nil {
		return nil, err
	}
	p := &process{c: c, done: make(chan struct{})}
	go func() {
		defer close(p.done)
		_ = c.Wait()
	}()
	return p, nil
}

var errPause = fmt.Errorf("%s has no signal for it: %w", runtime.GOOS, errors.ErrUnsupported)

func (p *process) Pause() error          { return errPause }
func (p *process) Resume() error         { return errPause }
func (p *process) Done() <-chan struct{} { return p.done }

// End kills the process.
func (p *process) End() {
	_ = p.c.Process.Kill()
	<-p.done
}
