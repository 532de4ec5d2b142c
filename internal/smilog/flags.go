package smilog

import (
	"flag"
	"fmt"
	"time"

	"github.com/joulebench/joulebench/internal/command"
	"github.com/joulebench/joulebench/internal/timezone"
)

// Flags are the flags that say how a log is read. Register them, parse the arguments,
// and then Check completes the Log.
type Flags struct {
	Log
	tz string
}

// aboutLogs are the flags that are about a log and about nothing else, and why.
var aboutLogs = []struct{ name, why string }{
	{"sync-clock", "the other sources know their clocks"},
	{"max-gap", "the other sources know how often they are read"},
	{"columns", "the other sources have none"},
	{"gpu-name", "the other sources name their GPUs"},
	{"decimal", "the other sources have numbers of one kind"},
}

// Register defines the flags.
func (l *Flags) Register(f *flag.FlagSet) {
	f.DurationVar(&l.Offset, "sync-clock", 0, "this machine's clock minus that of the machine that wrote the log: an `offset` such as -1.5s")
	f.DurationVar(&l.MaxGap, "max-gap", 3*time.Second, "how far apart the readings of a log may be: a `time`")
	f.StringVar(&l.Columns, "columns", "", "what `columns` of a log hold whose names say too little: kinds and names, such as time=timestamp,power=GPU0,power=GPU1, or places in a log without a header, such as time=#1,power=#3; the kinds are time, power, energy, gpu, uuid, name, limit and host")
	f.StringVar(&l.GPUName, "gpu-name", "", "the `model` of a log's GPUs, where it has no column of names, such as 'NVIDIA A100-PCIe-40GB'")
	command.OneOf(f, &l.Decimal, "decimal", "", "how a log's numbers are written, where it does not show", "comma", "point")
	f.StringVar(&l.tz, "tz", "", "time `zone` of times that have none, in the log and in aiperf's result: a name such as Europe/Berlin, UTC, Local, or an offset such as +0200; for a log it is Local by default")
}

// Check checks the flags; given are those that were given. It reads the zone.
func (l *Flags) Check(given map[string]bool, isLog bool) (err error) {
	for _, about := range aboutLogs {
		if given[about.name] && !isLog {
			return fmt.Errorf("-%s is about a log: %s", about.name, about.why)
		}
	}
	if l.MaxGap <= 0 {
		return fmt.Errorf("-max-gap=%v: it must be more than 0, such as 3s", l.MaxGap)
	}
	if l.tz == "" {
		return nil
	}
	if l.Zone, err = timezone.Parse(l.tz); err != nil {
		return fmt.Errorf("-tz=%s is no time zone\ngive a name such as Europe/Berlin, UTC, Local, or an offset such as +0200", l.tz)
	}
	return nil
}
