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
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"
	"time"

	"github.com/joulebench/joulebench/internal/auto"
	"github.com/joulebench/joulebench/internal/known"
	"github.com/joulebench/joulebench/internal/progress"
	"github.com/joulebench/joulebench/internal/web"
	"github.com/joulebench/joulebench/powertest/doctor/internal/meter"
	"github.com/joulebench/joulebench/powertest/energy"
	"github.com/joulebench/joulebench/powertest/profile"
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
	// and stopped and continued meanwhile, to see how the counters follow it.
	Load string
	// Output is what the load writes to, both streams; nil discards it.
	Output io.Writer
	// Meter is a file in which an external meter has written, or writes, the power of the
	// device while it is watched and loaded; empty means that there is none. There must be
	// one device then. docs/calibration.md says what the file may look like.
	Meter string
	// Profile is what was measured of the devices before, as a value of POWERTEST_PROFILE:
	// the errors of windows are expected by it.
	Profile string

	start starter // tests replace it
}

// Examine watches a source, which takes seconds and changes nothing, and reports what
// it found. The source stays the caller's to close. If ctx ends, the report is about
// what was seen until then. The error wraps [energy.ErrNoDevice] if the source has no
// devices, [energy.ErrMalformed] if there are several and one meter, or of a source that knows
// the past if the meter's file is malformed, and profile.ErrOther if the profile is of another
// device; whether joules can be measured is [Report.Measurable].
func Examine(ctx context.Context, src energy.Source, o Options) (Report, error) {
	defer progress.Of(ctx).Rest()
	info := src.Info()
	name := cmp.Or(o.Name, info.Name)
	if len(src.Devices()) == 0 {
		return Report{}, fmt.Errorf("source %s: %w: it has none", name, energy.ErrNoDevice)
	}
	rec := energy.NewRecorder(src)
	r := emptyReport()
	shown, err := o.prepare(rec, &r)
	if err != nil {
		return Report{}, err
	}
	seen := observe(ctx, rec, o.Watch, shown)
	r.Simulated = info.Simulated
	r.Watch = &seen.watch
	r.Server = serverOf(src)
	r.LeftOut = rec.LeftOut()
	if missing := energy.Missing(src); missing != nil {
		r.Missing = missing.Error()
	}
	for _, d := range seen.devices {
		g := describe(seen, d)
		if !seen.stalled[d.Source] { // a driver that hangs would do so again
			g.Persistence, g.MIG = modesOf(src, d.UUID)
		}
		r.GPUs = append(r.GPUs, g)
	}
	var peak []float64
	var loaded *observation
	if o.Load != "" {
		r.Load, loaded = underLoad(ctx, rec, seen, o)
		peak = r.Load.watts()
	}
	for _, o := range []*observation{seen, loaded} {
		if o != nil {
			r.Recordings = append(r.Recordings, o.recording)
		}
	}
	if o.Meter != "" {
		r.Meter = compare(o.Meter, shown, seen, loaded)
	}
	if why := r.firstObstacle(); why != nil {
		r.Windows = withheldWindows(why)
	} else {
		r.Windows, r.Benchtime = expect(seen.leading(peak))
	}
	r.conclude(name)
	return r, nil
}

// prepare applies a profile to a recorder, and reads a meter's file if it is of the past.
func (o Options) prepare(rec *energy.Recorder, r *Report) (shown meter.Series, err error) {
	if o.Meter != "" && len(rec.Devices()) > 1 {
		return nil, fmt.Errorf("%w: a meter shows one power, and there are %d devices\nchoose one with -devices", energy.ErrMalformed, len(rec.Devices()))
	}
	unused, err := profile.Apply(o.Profile, rec)
	if err != nil {
		return nil, err
	}
	if unused != nil {
		r.Uncalibrated = unused.Error()
	}
	if _, past := rec.Source().(energy.HistorySource); !past || o.Meter == "" {
		return nil, nil // a meter that goes on is read at the end
	}
	if shown, err = meter.Read(o.Meter); err != nil {
		return nil, fmt.Errorf("%w: %w", energy.ErrMalformed, err)
	}
	return shown, nil
}

// A ModeSource is a source that knows settings of its devices, by their index in
// [energy.Source.Devices]. It asks the driver, and nil is unknown.
type ModeSource interface {
	// Modes returns whether the driver stays loaded while no program uses the GPU, and
	// whether the GPU is divided into MIG instances.
	Modes(device int) (persistence, mig *bool)
}

// modesOf returns the settings of a device, if its source knows them.
func modesOf(src energy.Source, uuid string) (persistence, mig *bool) {
	for _, part := range energy.Parts(src) {
		modes, knows := part.(ModeSource)
		at := slices.IndexFunc(part.Devices(), func(d energy.Device) bool { return d.UUID == uuid })
		if knows && at >= 0 {
			return modes.Modes(at)
		}
	}
	return nil, nil
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

// serverOf describes where a source is, the first of several that is remote; nil if it is on
// this machine.
func serverOf(src energy.Source) *Server {
	for _, part := range energy.Parts(src) {
		remote, ok := part.(RemoteSource)
		if !ok {
			continue
		}
		s := &Server{Collapsed: remote.Collapsed()}
		if scraper, ok := part.(ScrapeSource); ok {
			interval, ahead, within := scraper.Scraping()
			s.Scrape, s.Offset, s.Within = &interval, &ahead, &within
		}
		return s
	}
	return nil
}

// ErrOff says that measuring was switched off.
var ErrOff = errors.New("measuring is switched off")

// A SourceStatus is what is known of one source.
type SourceStatus struct {
	Name string `json:"name"`
	// Chosen says that it is the one that would measure.
	Chosen bool `json:"chosen"`
	// Linked says that this binary has it.
	Linked bool `json:"linked"`
	// Status is "usable", "not tried", or why it is not usable: "not there",
	// "no permission", "not in this build", "no device", "no energy", "device lost",
	// "no answer", "off" or "failed".
	Status string `json:"status"`
	// Detail says more, and what to do.
	Detail string `json:"detail,omitempty"`
}

// Survey lists the known sources with the chosen one among them: src, or why it could
// not be opened. Several have plus signs between their names, and what auto has opened stands
// for it. Of the others only those that this machine has itself are tried, those of its
// drivers and of its CPUs, if they are linked in.
func Survey(chosen string, src energy.Source, err error) (list []SourceStatus) {
	linked := energy.Registered()
	all := slices.DeleteFunc(slices.Clone(known.Sources), func(k known.Source) bool { return k.Name == known.Off || k.Name == auto.Name })
	names := strings.Split(chosen, "+")
	for i, name := range names {
		if name == auto.Name {
			names[i] = "" // none, if it has opened none
			if src != nil {
				names[i] = energy.Parts(src)[i].Info().Name
			}
			continue
		}
		if k, isKnown := known.Find(name); !isKnown || k.Name == known.Off {
			all = append(all, known.Source{Name: name})
		}
	}
	var parts []energy.Source
	if err == nil && len(names) > 1 {
		parts = energy.Parts(src)
	}
	for _, k := range all {
		s := SourceStatus{Name: k.Name, Linked: slices.Contains(linked, k.Name), Status: "not tried", Detail: k.Needs}
		at := slices.Index(names, k.Name)
		if s.Chosen = at >= 0; s.Chosen && at < len(parts) {
			s.opened(parts[at], energy.Missing(parts[at]))
		} else if s.Chosen {
			s.opened(src, err)
		} else if k.Needs == "" && s.Linked {
			s.try()
		}
		list = append(list, s)
	}
	return list
}

func (s *SourceStatus) try() {
	src, err := energy.Open(s.Name, "", nil)
	s.opened(src, err)
	if err == nil {
		_ = src.Close()
	}
}

// opened says what came of opening it.
func (s *SourceStatus) opened(src energy.Source, err error) {
	if err == nil {
		s.Status, s.Detail = "usable", src.Info().Version
		return
	}
	s.Status, s.Detail = status(err), err.Error()
}

// status is the kind of an error of opening a source.
func status(err error) string {
	if web.IsUnknownHost(err) {
		return "not there"
	}
	for _, k := range []struct {
		is   error
		kind string
	}{
		{ErrOff, "off"},
		{energy.ErrNoEnergy, "no energy"},
		{errors.ErrUnsupported, "not in this build"},
		{fs.ErrPermission, "no permission"},
		{fs.ErrNotExist, "not there"},
		{energy.ErrDeviceLost, "device lost"},
		{energy.ErrStalled, "no answer"},
		{energy.ErrNoAnswer, "no answer"},
		{energy.ErrNoDevice, "no device"},
	} {
		if errors.Is(err, k.is) {
			return k.kind
		}
	}
	return "failed"
}
