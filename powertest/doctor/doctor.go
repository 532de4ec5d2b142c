// Package doctor examines a source of energy readings: whether joules can be measured
// with it, how often its counters are refreshed, how long a call takes, which error
// windows have, and how long a benchmark should run. It reads the source through an
// [energy.Recorder], as a benchmark does, so that it reports what a benchmark would
// get.
//
// [Examine] examines a source that is open, and [Survey] lists the sources that there
// are. A [Report] is JSON with documented keys, and [Report.WriteText] writes it for a
// person. The command "powertest doctor" is this package with flags.
package doctor

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"time"

	"github.com/joulebench/joulebench/powertest/energy"
)

// Options say how a source is examined. The zero value examines it without a load,
// for as long as it takes.
type Options struct {
	// Name is what the report calls the source; empty means the name in its
	// [energy.Info].
	Name string
	// Watch is how long the source is watched or, of a source that knows the past,
	// how far back. Zero means until the counters have ticked 25 times, from 5 s to
	// 2 min; of the past, 19 refresh periods, from 15 s to 10 min.
	Watch time.Duration
	// Load is a command for the shell that uses the devices until it is stopped; empty
	// means none. It is run after the devices were watched idle, for up to a minute,
	// and stopped and continued meanwhile, to see what the counters make of it.
	Load string
	// Output is what the load writes to, both streams; nil discards it.
	Output io.Writer

	start starter // tests replace it
}

// Examine watches a source, which takes seconds and changes nothing, and reports what
// it found. The source stays the caller's to close. If ctx ends, the report is about
// what was seen until then. The error wraps [energy.ErrNoDevice] if the source has no
// devices; whether joules can be measured is [Report.Measurable].
func Examine(ctx context.Context, src energy.Source, o Options) (Report, error) {
	info := src.Info()
	name := cmp.Or(o.Name, info.Name)
	if len(src.Devices()) == 0 {
		return Report{}, fmt.Errorf("source %s: %w: it has none", name, energy.ErrNoDevice)
	}
	rec := energy.NewRecorder(src)
	seen := observe(ctx, rec, o.Watch)
	r := emptyReport()
	r.Simulated = info.Simulated
	r.Watch = seen.watch()
	r.Server = serverOf(src)
	for i, d := range seen.devices {
		persistence, mig := seen.modes(src, i)
		r.GPUs = append(r.GPUs, describe(seen, d, persistence, mig))
	}
	var peak []float64
	if o.Load != "" {
		r.Load = underLoad(ctx, rec, seen, o)
		peak = r.Load.watts()
	}
	r.Windows, r.Benchtime = expect(seen, peak)
	r.conclude(name)
	return r, nil
}

// A ModeSource is a source that knows settings of its devices, by their index in
// [energy.Source.Devices]. It asks the driver, and nil is unknown.
type ModeSource interface {
	// Modes returns whether the driver stays loaded while no program uses the GPU, and
	// whether the GPU is divided into MIG instances.
	Modes(device int) (persistence, mig *bool)
}

// A RemoteSource is a source on other machines.
type RemoteSource interface {
	// Collapsed returns how many rows or series were left out because their GPU was
	// counted already.
	Collapsed() int
}

// A ScrapeSource is a [RemoteSource] on a server that scrapes exporters.
type ScrapeSource interface {
	// Scraping returns the longest scrape interval of a device, and by how much the
	// server's clock is ahead of this machine's, known to ± within.
	Scraping() (interval, ahead, within time.Duration)
}

// serverOf describes where a source is; nil if it is on this machine.
func serverOf(src energy.Source) *Server {
	remote, ok := src.(RemoteSource)
	if !ok {
		return nil
	}
	s := &Server{Collapsed: remote.Collapsed()}
	if scraper, ok := src.(ScrapeSource); ok {
		interval, ahead, within := scraper.Scraping()
		s.Scrape, s.Offset, s.Within = &interval, &ahead, &within
	}
	return s
}
