package main

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"time"

	"github.com/joulebench/joulebench/powertest/energy"
)

// A runner runs the command of a benchmark to its end.
type runner func(ctx context.Context, command []string, std stdio) error

// grace is how long a command may take to end after it was asked to.
const grace = 30 * time.Second

// runCommand runs a command with our standard streams. If ctx ends, so does the
// command: it is interrupted, and killed if it does not react.
func runCommand(ctx context.Context, command []string, std stdio) error {
	c := exec.CommandContext(ctx, command[0], command[1:]...)
	c.Stdin, c.Stdout, c.Stderr = std.in, std.out, std.err
	interruptible(c, grace)
	if err := c.Run(); err != nil {
		return fmt.Errorf("the command %s: %w", command[0], err)
	}
	return nil
}

// interruptible makes a command end by an interrupt when its context does, and by
// force if it has not after so long.
func interruptible(c *exec.Cmd, grace time.Duration) {
	c.Cancel = func() error {
		if err := c.Process.Signal(os.Interrupt); err != nil {
			return c.Process.Kill() // Windows has no such signal
		}
		return nil
	}
	c.WaitDelay = grace
}

// A recording is a live source that is being recorded while a command runs.
type recording struct {
	src    energy.Source
	window *energy.Window
}

// record begins to record a source that does not know the past.
func record(src energy.Source) *recording {
	w := energy.NewRecorder(src).Open()
	w.EveryTick() // what is measured is known afterwards
	return &recording{src: src, window: w}
}

// measure measures the window, which is known only now, and ends the recording.
func (r *recording) measure(ctx context.Context, o *annotateOptions, span energy.Span) telemetry {
	ctx, cancel := context.WithTimeout(ctx, settleTime)
	defer cancel()
	r.window.SetSpans(span)
	t := telemetry{where: o.where(r.src), measured: true}
	t.measurement = r.window.Measure(ctx)
	t.see()
	return t
}

// maxClockStep is how far the wall clock may move against the monotonic one for no
// reason; and it may drift by 1e-4.
const maxClockStep = 250 * time.Millisecond

// clockStep returns a finding if the wall clock was set while a command ran: it
// moved on by wall, and the monotonic clock by passed.
func clockStep(wall, passed time.Duration) []energy.Finding {
	step := wall - passed
	if step.Abs() <= maxClockStep+passed/10_000 {
		return nil
	}
	return []energy.Finding{{
		Reason: energy.ClockStep,
		Detail: fmt.Sprintf("the clock was set by %v while the command ran: the times in its result can't be joined to the readings", step.Round(time.Millisecond)),
	}}
}

// A fileState is what a file was like before a command ran.
type fileState struct{ info fs.FileInfo }

func stateOf(path string) fileState {
	info, err := os.Stat(path)
	if err != nil {
		return fileState{}
	}
	return fileState{info}
}

// written reports whether a file is another than it was, or was written to. The
// clock of the file system is not ours, so its times are compared with each other.
func (before fileState) written(path string) bool {
	now := stateOf(path)
	if before.info == nil || now.info == nil {
		return now.info != nil
	}
	return !os.SameFile(before.info, now.info) || !before.info.ModTime().Equal(now.info.ModTime()) || before.info.Size() != now.info.Size()
}
