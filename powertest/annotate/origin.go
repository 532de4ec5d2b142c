package annotate

import (
	"fmt"
	"os"
	"time"

	"github.com/joulebench/joulebench/powertest/energy"
)

// A RunEnd says what stands for the end of a run whose result does not say when it was.
type RunEnd uint8

// The ends of runs.
const (
	// EndUnknown: nothing does.
	EndUnknown RunEnd = iota
	// EndNow: the run has just ended.
	EndNow
	// EndOfFile: the time at which the result was written.
	EndOfFile
)

// An Origin says where the window of a workload comes from, and how well it is known.
type Origin struct {
	// From is "result", "start", "end-now", "end-file" or "date": the result's own times, the
	// options, or the date that the harness wrote into it. It is empty without a window.
	From string
	// Early and Late are by how much earlier or later than it is said the whole window may
	// have been.
	Early, Late time.Duration
}

// Exact reports whether the window is known as exactly as the harness measures time.
func (o Origin) Exact() bool { return o.Early == 0 && o.Late == 0 }

// words are the origins for people.
var words = map[string]string{
	"start":    "its start is by -start",
	"end-now":  "its end is by -end-now",
	"end-file": "its end is the time of the file",
	"date":     "its end is the date in the result",
}

// String says where a window is from that is not the result's own, and how well it is known.
func (o Origin) String() string {
	s := words[o.From]
	o.Early, o.Late = shortly(o.Early), shortly(o.Late)
	switch {
	case o.Exact():
		return s
	case o.Late == 0:
		return fmt.Sprintf("%s, or up to %v earlier", s, o.Early)
	case o.Early == 0:
		return fmt.Sprintf("%s, or up to %v later", s, o.Late)
	}
	return fmt.Sprintf("%s, or up to %v earlier and %v later", s, o.Early, o.Late)
}

// shortly rounds a time up to a millisecond.
func shortly(d time.Duration) time.Duration {
	return (d + time.Millisecond - 1).Truncate(time.Millisecond)
}

const (
	// saving is how long harnesses are taken to need from the end of a run to the
	// writing of its result: they compute statistics of all requests. Their results do not
	// say it.
	saving = 2 * time.Second
	// justNow is how long ago a result can have been written whose run "has just ended".
	justNow = time.Minute
)

// place completes a run that has no window by the options and by the times of the result.
func (o Options) place(x outcome) outcome {
	if x.HasWindow() {
		x.Origin = Origin{From: "result"}
		if !o.RunStart.IsZero() || o.RunEnd != EndUnknown {
			x.Notes = append(x.Notes, "the result says itself when the run was: the option that says so is not used")
		}
		return x
	}
	if x.Seconds <= 0 {
		return o.nowhere(x, "it says neither when the run was nor how long it took")
	}
	length := time.Duration(x.Seconds * float64(time.Second))
	if start := o.RunStart; !start.IsZero() {
		x.Start, x.End, x.Origin = start, start.Add(length), Origin{From: "start"}
		if start.Nanosecond() == 0 { // as a shell has it
			x.Origin.Late = time.Second
		}
		return x
	}
	end, origin, found := o.end(x)
	if found != nil {
		x.found = append(x.found, found...)
		return x
	}
	if origin.From == "" {
		return o.nowhere(x, fmt.Sprintf("it says that the run took %.6g s, and not when", x.Seconds))
	}
	x.Start, x.End, x.Origin = end.Add(-length), end, origin
	return x
}

// nowhere says of a run that it has no window, and how to give one.
func (o Options) nowhere(x outcome, seen string) outcome {
	advice := x.undated
	if x.Seconds > 0 {
		advice += "-end-now if it has just ended, -end-file if the file is as old as that, " +
			"or -start TIME says when it began"
	} else {
		advice += "-start and -end without a result measure a stretch of time"
	}
	x.found = append(x.found, finding(energy.InvalidBenchmarkWindow, "%s: %s\n%s", o.Result, seen, advice)...)
	return x
}

// end returns when a run ended; the origin is empty if nothing says it.
func (o Options) end(x outcome) (time.Time, Origin, []energy.Finding) {
	if o.RunEnd == EndUnknown {
		if x.saved.IsZero() {
			return time.Time{}, Origin{}, nil
		}
		return x.saved, Origin{From: "date", Early: saving, Late: x.savedTo}, nil
	}
	info, err := os.Stat(o.Result)
	if err != nil {
		return time.Time{}, Origin{}, finding(invalidBenchmarkResult, "%v", err)
	}
	written := info.ModTime()
	if found := x.contradicts(written); found != nil && o.RunEnd == EndOfFile {
		return time.Time{}, Origin{}, found
	}
	if o.RunEnd == EndOfFile {
		return written, Origin{From: "end-file", Early: saving}, nil
	}
	now := time.Now()
	ago := now.Sub(written)
	if ago > justNow {
		return time.Time{}, Origin{}, finding(energy.InvalidBenchmarkWindow,
			"-end-now: the run has not just ended: %s was written %v ago\n-end-file takes the time of the file",
			o.Result, ago.Round(time.Second))
	}
	return now, Origin{From: "end-now", Early: max(ago, 0).Round(time.Millisecond) + saving}, nil
}

// contradicts says that a file is younger than the date in it: it was copied or changed. Where
// the date has no zone it may be any.
func (x outcome) contradicts(written time.Time) []energy.Finding {
	if x.saved.IsZero() {
		return nil
	}
	off := written.Sub(x.saved)
	if off.Abs() <= justNow {
		return nil
	}
	return finding(energy.InvalidBenchmarkWindow,
		"-end-file: the file was written %v after the date that is in it: it was copied or changed since\nwithout -end-file the date counts, or -start TIME says when the run began",
		off.Round(time.Second))
}
