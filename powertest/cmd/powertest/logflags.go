package main

import (
	"flag"
	"fmt"
	"time"

	"github.com/joulebench/joulebench/internal/timezone"
	"github.com/joulebench/joulebench/powertest/annotate"
)

// logFlags are the flags that say how a log is read: those of annotate and of doctor.
type logFlags struct{ tz string }

// aboutLogs are the flags that are about a log and about nothing else, and why.
var aboutLogs = []struct{ name, why string }{
	{"sync-clock", "the other sources know their clocks"},
	{"max-gap", "the other sources know how often they are read"},
	{"columns", "the other sources have none"},
	{"gpu-name", "the other sources name their GPUs"},
	{"decimal", "the other sources have numbers of one kind"},
}

// define defines the flags. What they say goes to src.
func (l *logFlags) define(f *flag.FlagSet, src *annotate.Source) {
	f.DurationVar(&src.ClockOffset, "sync-clock", 0, "this machine's clock minus that of the machine that wrote the log: an `offset` such as -1.5s")
	f.DurationVar(&src.MaxGap, "max-gap", 3*time.Second, "how far apart the readings of a log may be")
	f.StringVar(&src.Columns, "columns", "", "what `columns` of a log hold whose names say too little: kinds and names, such as time=timestamp,power=GPU0,power=GPU1, or places in a log without a header, such as time=#1,power=#3; the kinds are time, power, energy, gpu, uuid, name, limit and host")
	f.StringVar(&src.GPUName, "gpu-name", "", "the `model` of a log's GPUs, where it has no column of names, such as 'NVIDIA A100-PCIe-40GB'")
	f.StringVar(&src.Decimal, "decimal", "", "`comma` or point: how a log's numbers are written, where it does not show")
	f.StringVar(&l.tz, "tz", "", "time `zone` of times that have none, in the log and in aiperf's result: a name such as Europe/Berlin, UTC, Local, or an offset such as +0200; for a log it is Local by default")
}

// check checks the flags; set are those that were given. It returns the zone, nil if
// there is none.
func (l *logFlags) check(src annotate.Source, set map[string]bool, isLog bool) (*time.Location, error) {
	for _, about := range aboutLogs {
		if set[about.name] && !isLog {
			return nil, fmt.Errorf("-%s is about a log: %s", about.name, about.why)
		}
	}
	if src.MaxGap <= 0 {
		return nil, fmt.Errorf("-max-gap=%v: it must be more than 0, such as 3s", src.MaxGap)
	}
	if l.tz == "" {
		return nil, nil
	}
	zone, err := timezone.Parse(l.tz)
	if err != nil {
		return nil, fmt.Errorf("-tz=%s is no time zone\ngive a name such as Europe/Berlin, UTC, Local, or an offset such as +0200", l.tz)
	}
	return zone, nil
}
