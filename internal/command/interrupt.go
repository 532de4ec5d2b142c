package command

import (
	"context"
	"errors"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// ErrInterrupted is what commands say of themselves that a signal has ended.
var ErrInterrupted = errors.New("interrupted")

const (
	// ReadGrace is how long files may be read on after an interrupt.
	ReadGrace = 700 * time.Millisecond
	// ChildGrace is how long a command that was started here may take to end, after
	// which it is killed, and a little more.
	ChildGrace = 35 * time.Second
)

// EndSignals are the signals that ask a process to end.
var EndSignals = []os.Signal{os.Interrupt, syscall.SIGTERM}

// Interruptible returns a context that ends with the first of the signals that ask this
// process to end. The second one ends the process.
func Interruptible(ctx context.Context, signals ...os.Signal) (context.Context, context.CancelFunc) {
	ctx, stop := signal.NotifyContext(ctx, signals...)
	context.AfterFunc(ctx, stop)
	return ctx, stop
}

// WithoutTerminal makes ctx end as well when the terminal is gone, unless nohup says
// that it may be. Writing to a pipe that is closed must not end the process meanwhile,
// which would leave behind what it has to clear away.
func WithoutTerminal(ctx context.Context) (context.Context, context.CancelFunc) {
	pipe := make(chan os.Signal, 1)
	signal.Notify(pipe, syscall.SIGPIPE)
	stop := func() {}
	if !signal.Ignored(syscall.SIGHUP) {
		ctx, stop = Interruptible(ctx, syscall.SIGHUP)
	}
	return ctx, func() {
		stop()
		signal.Stop(pipe)
	}
}

// Promptly returns what f returns. When ctx ends, f has grace to heed it; what does not
// is left behind: it may wait for a file that never comes, or read one that never ends.
func Promptly[T any](ctx context.Context, grace time.Duration, f func() T) (result T, ended bool) {
	done := make(chan T, 1)
	go func() { done <- f() }()
	select {
	case result = <-done:
		return result, true
	case <-ctx.Done():
	}
	select {
	case result = <-done:
		return result, true
	case <-time.After(grace):
		return result, false
	}
}

// Promptly returns the exit code that f returns, or that of a command which was
// interrupted and had to leave f behind, and says so.
func (c Call) Promptly(ctx context.Context, grace time.Duration, f func() int) int {
	code, ended := Promptly(ctx, grace, f)
	if !ended {
		c.Complain(ErrInterrupted)
		return Failed
	}
	return code
}
