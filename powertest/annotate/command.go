package annotate

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"time"

	"github.com/joulebench/joulebench/internal/process"
	"github.com/joulebench/joulebench/internal/progress"
	"github.com/joulebench/joulebench/powertest/energy"
)

// Streams are the standard streams of a command; nil is that of the null device.
type Streams struct {
	In       io.Reader
	Out, Err io.Writer
}

// A Runner runs the command of a benchmark to its end. An error that is no
// [exec.ExitError] says that it was not run.
type Runner func(ctx context.Context, command []string, std Streams) error

const (
	// grace is how long a command may take to end after it was asked to.
	grace = 30 * time.Second
	// pipeGrace is how long what a command has left behind may keep its streams open.
	pipeGrace = time.Second
)

// RunCommand is the default [Runner]. If ctx ends, so does the command: it is
// interrupted, and killed if it does not react within 30 s.
func RunCommand(ctx context.Context, args []string, std Streams) error {
	return ran(args, process.Run(commandOf(ctx, args, std), grace))
}

// RelayCommand is a [Runner] for a program that stands in the place of its command, as env
// and time do. The signals that this process gets meanwhile, such as an interrupt, do not
// end it, but are passed on to the command, and to what it has started, except INT and QUIT in
// the foreground of a terminal, which sends them to the command itself; how it ends is for the
// command to say, and ctx does not end it.
func RelayCommand(ctx context.Context, args []string, std Streams) error {
	c := commandOf(context.WithoutCancel(ctx), args, std)
	c.WaitDelay = pipeGrace
	return ran(args, process.Relay(c))
}

func commandOf(ctx context.Context, args []string, std Streams) *exec.Cmd {
	c := exec.CommandContext(ctx, args[0], args[1:]...)
	c.Stdin, c.Stdout, c.Stderr = std.In, std.Out, std.Err
	return c
}

// ran is how a command went. That it has left processes behind is no error of its own.
func ran(args []string, err error) error {
	if err == nil || errors.Is(err, exec.ErrWaitDelay) {
		return nil
	}
	return fmt.Errorf("the command %s: %w", args[0], err)
}

// The exit codes that a shell has for what it could not run.
const (
	notRunnable = 126
	notFound    = 127
)

// ExitCode is the exit code that stands for the error of a [Runner], as a shell has it: that
// of the command, 128 and the number of the signal that has ended it, 127 if there is no such
// command, and 126 if it is one that cannot be run.
func ExitCode(err error) int {
	var exit *exec.ExitError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &exit):
		return exitCode(exit.ProcessState)
	case errors.Is(err, exec.ErrNotFound), errors.Is(err, fs.ErrNotExist):
		return notFound
	}
	return notRunnable
}

// started reports whether a command ran, by the error of its [Runner].
func started(err error) bool {
	var exit *exec.ExitError
	return err == nil || errors.As(err, &exit) || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
}

// A run is how a benchmark went.
type run struct {
	err error // of its command
	// span is when the command ran.
	span energy.Span
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
	progress.Of(ctx).Rest() // the terminal is the command's
	before, _ := os.Stat(o.Result)
	r := run{span: energy.Span{Start: time.Now()}}
	r.err = exec(ctx, o.Command, o.Std)
	r.span.End = time.Now()
	r.stale = !written(before, o.Result)
	if by, set := energy.ClockSetBetween(r.span.Start, r.span.End); set {
		r.setBy = by
	}
	return r
}

// workload is what was done: by the run of the result that counts, if there is one. A result
// that the command has not written is that of another run, and a window by a clock that was
// set is of another time.
func (r run) workload(o Options) (harness, Workload, []energy.Finding) {
	if o.alone() {
		w, found := r.alone(o)
		return harness{}, w, found
	}
	h, list := readResult(input{o.Result, o.Zone}, o.Format)
	if o.RunStart.IsZero() && o.RunEnd == EndUnknown && len(o.Command) > 0 && !r.stale {
		o.RunEnd = EndOfFile // which the command has just written
	}
	x := o.choose(list)
	if x.found == nil || x.HasWindow() {
		x = r.within(o.place(x))
	}
	if r.stale && x.HasWindow() {
		return h, Workload{}, finding(invalidBenchmarkResult,
			"%s was there before the command began, which has not written it: it is of another run", o.Result)
	}
	return h, x.Workload, x.found
}

// within takes into account that a run whose times its result does not have was while the
// command ran.
func (r run) within(x outcome) outcome {
	if r.span == (energy.Span{}) || !x.HasWindow() || x.Origin.From == "result" {
		return x
	}
	before, after := x.Start.Sub(r.span.Start), r.span.End.Sub(x.End)
	if before < -x.Origin.Late || after < -x.Origin.Early {
		return failed(finding(energy.InvalidBenchmarkWindow, "the run would have been from %v to %v, and the command ran from %v to %v",
			x.Start.UTC(), x.End.UTC(), r.span.Start.UTC(), r.span.End.UTC()))
	}
	x.Origin.Early = max(0, min(x.Origin.Early, before))
	x.Origin.Late = max(0, min(x.Origin.Late, after))
	return x
}

// choose returns the run that counts.
func (o Options) choose(list []outcome) outcome {
	if o.RunNumber > len(list) || o.RunNumber < 0 {
		return failed(finding(invalidBenchmarkResult, "%s is of %d runs, and there is none with the number %d", o.Result, len(list), o.RunNumber))
	}
	x := list[cmp.Or(o.RunNumber, len(list))-1]
	if len(list) > 1 && o.RunNumber == 0 {
		x.Notes = append(x.Notes, fmt.Sprintf("%s is of %d runs, and this is the last: -run chooses another", o.Result, len(list)))
	}
	return x
}

// alone is a workload of which nothing is known but its time: that of the command, or
// the window of the options.
func (r run) alone(o Options) (Workload, []energy.Finding) {
	span := o.Window
	if len(o.Command) > 0 {
		span = r.span
		span.End = span.End.Add(max(0, time.Nanosecond-span.End.Sub(span.Start))) // by a coarse clock
	}
	if len(o.Command) > 0 && !started(r.err) {
		return Workload{}, finding(energy.InvalidBenchmarkWindow, "nothing ran: %v", r.err)
	}
	return Workload{Start: span.Start, End: span.End, Seconds: span.End.Sub(span.Start).Seconds()}, nil
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
