package main

import (
	"context"
	"errors"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// errInterrupted is what commands say of themselves that a signal has ended.
var errInterrupted = errors.New("interrupted")

const (
	// readGrace is how long files may be read on after an interrupt.
	readGrace = 700 * time.Millisecond
	// childGrace is how long a command that was started here may take to end, after
	// which it is killed, and a little more.
	childGrace = 35 * time.Second
)

// interruptible returns a context that ends with the first of the signals that ask this
// process to end. The second one ends the process.
func interruptible(ctx context.Context, signals ...os.Signal) (context.Context, context.CancelFunc) {
	ctx, stop := signal.NotifyContext(ctx, signals...)
	context.AfterFunc(ctx, stop)
	return ctx, stop
}

// The signals that ask a process to end.
var endSignals = []os.Signal{os.Interrupt, syscall.SIGTERM}

// promptly returns what f returns. When ctx ends, f has grace to heed it; what does not
// is left behind: it may wait for a file that never comes, or read one that never ends.
func promptly[T any](ctx context.Context, grace time.Duration, f func() T) (result T, ended bool) {
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
