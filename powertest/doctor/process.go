package doctor

import (
	"context"
	"io"
	"os/exec"
	"time"

	child "github.com/joulebench/joulebench/internal/process"
)

// A process is a load that is a shell, with what that has started.
type process struct {
	c    *exec.Cmd
	stop context.CancelFunc
	done chan struct{}
}

// endTime is how long a load may take to end after it was asked to.
const endTime = 5 * time.Second

// startProcess starts a command in a shell.
func startProcess(command string, out io.Writer) (running, error) {
	ctx, stop := context.WithCancel(context.Background())
	c := shell(ctx, command)
	c.Stdout, c.Stderr = out, out
	c.WaitDelay = endTime // a grandchild may keep the streams open
	started := make(chan error, 1)
	ended := child.Start(c, started)
	if err := <-started; err != nil {
		stop()
		return nil, err
	}
	p := &process{c, stop, make(chan struct{})}
	go func() {
		defer close(p.done)
		<-ended
	}()
	return p, nil
}

func (p *process) Done() <-chan struct{} { return p.done }

// End asks the load to end, and kills it if it does not.
func (p *process) End() {
	p.stop()
	<-p.done
	p.kill() // those that outlive the shell
}
