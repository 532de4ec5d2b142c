package annotate

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"time"

	"github.com/joulebench/joulebench/internal/process"
	"github.com/joulebench/joulebench/powertest/energy"
)

// Streams are the standard streams of a command; nil is that of the null device.
type Streams struct {
	In       io.Reader
	Out, Err io.Writer
}

// A Runner runs the command of a benchmark to its end.
type Runner func(ctx context.Context, command []string, std Streams) error

// grace is how long a command may take to end after it was asked to.
const grace = 30 * time.Second

// RunCommand is the default [Runner]. If ctx ends, so does the command: it is
// interrupted, and killed if it does not react within 30 s.
func RunCommand(ctx context.Context, args []string, std Streams) error {
	c := exec.CommandContext(ctx, args[0], args[1:]...)
	c.Stdin, c.Stdout, c.Stderr = std.In, std.Out, std.Err
	if err := process.Run(c, grace); err != nil {
		return fmt.Errorf("the command %s: %w", args[0], err)
	}
	return nil
}

// A run is how a benchmark went.
type run struct {
	err error // of its command
	// stale says that there was a command, and that it has not written the result.
	stale bool
	// setBy is how far the clock was set meanwhile; 0 if it was not.
	setBy time.Duration
}

// runBenchmark runs the command, if there is one.
func runBenchmark(ctx context.Context, o Options) run {
	if len(o.Command) == 0 {
		return run{}
	}
	exec := o.Run
	if exec == nil {
		exec = RunCommand
	}
	before, _ := os.Stat(o.Result)
	began := time.Now()
	r := run{err: exec(ctx, o.Command, o.Std)}
	r.stale = !written(before, o.Result)
	if by, set := energy.ClockSetBetween(began, time.Now()); set {
		r.setBy = by
	}
	return r
}

// workload reads the result of the benchmark. One that the command has not written
// is that of another run, and a window by a clock that was set is of another time.
func (r run) workload(o Options) (Workload, []energy.Finding) {
	w, found := formats[o.Format].read(o.Result, o.Zone)
	if r.stale && w.HasWindow() {
		return Workload{}, finding(invalidBenchmarkResult,
			"%s was there before the command began, which has not written it: it is of another run", o.Result)
	}
	return w, found
}

// findings are about the run itself.
func (r run) findings() []energy.Finding {
	if r.setBy == 0 {
		return nil
	}
	return finding(energy.ClockStep, "the clock was set by %v while the command ran: "+
		"the times in its result can't be joined to the readings", r.setBy.Round(time.Millisecond))
}

// written reports whether a file is another than it was before, or was written to. The
// clock of the file system is not ours, so its times are compared with each other.
func written(before fs.FileInfo, path string) bool {
	now, err := os.Stat(path)
	if err != nil || before == nil {
		return err == nil
	}
	return !os.SameFile(before, now) || !before.ModTime().Equal(now.ModTime()) || before.Size() != now.Size()
}
