package energy

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"
)

// Join returns several sources as one: a window of its [Recorder] is over all of their
// devices. Each source is read in a goroutine of its own and as often as it needs, so that
// one which is slow, fails or hangs takes only the numbers of its own devices, and the sums
// over those. Devices have the name of their source in [Device.Source]. Where only some are
// selected, the selectors are those of [Select].
//
// Its name is that of the sources that have devices, with a plus sign between: "nvml+rapl".
// It is simulated if one of them is. A Read of it reads one after another. Close closes all.
//
// The error wraps [ErrMalformed] if two sources have a device in common: one of the same UUID,
// of the same PCI address on the same host, or the processors or the memory of this machine.
// It does, too, if some are read while a window is open and others are asked for the past: such have no times in
// common that are exact enough. One source is returned as it is.
func Join(sources ...Source) (Source, error) { return join(nil, sources) }

// join joins those devices of sources that selectors name, or all.
func join(selectors []string, sources []Source) (Source, error) {
	j := &joined{byName: len(selectors) > 0}
	for _, src := range sources {
		if err := j.add(src); err != nil {
			return nil, fmt.Errorf("join sources: %w", err)
		}
	}
	switch {
	case len(j.parts) == 0:
		return nil, fmt.Errorf("join sources: %w: there are none", ErrMalformed)
	case len(j.parts) == 1 && !j.byName:
		return j.parts[0].src, nil
	}
	if err := j.choose(selectors); err != nil {
		return nil, err
	}
	j.describe()
	past, live := j.byTime()
	switch {
	case len(past) == 0:
		return j, nil
	case len(live) == 0:
		return &joinedPast{j}, nil
	}
	return nil, fmt.Errorf("join sources: %w: %s is read while a window is open, and %s is asked for it afterwards\nmeasure with one of them, or with an exporter in place of a server or a log",
		ErrMalformed, strings.Join(live, ", "), strings.Join(past, ", "))
}

// joined is several sources that are read while windows are open.
type joined struct {
	info    Info
	parts   []part
	devices []Device
	places  []place // of the devices, in the parts
	byName  bool    // the devices were selected
}

// part is one of the sources that are joined.
type part struct {
	src  Source
	name string // among the others
	of   []int  // where each of its devices is, among those of all
}

// place is where a device is: in which part, and where among the devices of that.
type place struct{ part, index int }

// partsOf returns the sources that are joined in one, or itself, and where its devices are.
func partsOf(src Source) ([]part, []place) {
	switch j := src.(type) {
	case *joined:
		return j.parts, j.places
	case *joinedPast:
		return j.parts, j.places
	}
	places := make([]place, len(src.Devices()))
	for i := range places {
		places[i].index = i
	}
	return []part{{src: src}}, places
}

// Parts returns the sources that are joined in one by [Join], in their order; itself if none
// are.
func Parts(src Source) []Source {
	var list []Source
	parts, _ := partsOf(src)
	for _, p := range parts {
		list = append(list, p.src)
	}
	return list
}

// add adds a source with its devices, or all that are joined in one.
func (j *joined) add(src Source) error {
	parts, places := partsOf(src)
	first := len(j.parts)
	for _, p := range parts {
		j.parts = append(j.parts, part{src: p.src, name: j.unused(p.src.Info().Name), of: make([]int, len(p.src.Devices()))})
	}
	for i, d := range src.Devices() {
		at := place{first + places[i].part, places[i].index}
		p := j.parts[at.part]
		for k := range j.devices {
			if other := j.devices[k]; other.UUID == d.UUID || j.places[k].part != at.part && sameDevice(other, d) {
				return fmt.Errorf("%w: %s is a device of both %s and %s, and would count twice", ErrMalformed, d.UUID, other.Source, p.name)
			}
		}
		d.Period, d.Source = p.src.Info().PeriodOf(d), p.name
		j.devices, j.places = append(j.devices, d), append(j.places, at)
	}
	return nil
}

// sameDevice reports whether devices of two sources are one, though they may be named
// differently: they have one place on one machine. Two UUIDs of a vendor tell GPUs apart
// where a host's name may not. Processors have no address, so that all of a machine's are
// taken for one.
func sameDevice(a, b Device) bool {
	kind, host := a.Kind.OrGPU(), machine(a.Host)
	vendors := strings.HasPrefix(a.UUID, "GPU-") && strings.HasPrefix(b.UUID, "GPU-")
	switch {
	case kind != b.Kind.OrGPU() || !strings.EqualFold(host, machine(b.Host)):
		return false
	case kind == CPU || kind == DRAM:
		return host == ""
	}
	return a.PCI != "" && !vendors && strings.EqualFold(shortPCI(a.PCI), shortPCI(b.PCI))
}

// machine returns the name of a host; empty for this one, also where an address that leads
// back to it is its name.
func machine(host string) string {
	if address, err := netip.ParseAddr(host); strings.EqualFold(host, "localhost") || err == nil && address.IsLoopback() {
		return ""
	}
	return host
}

// unused returns the name for a source: with a number, if another one has it.
func (j *joined) unused(name string) string {
	n := 1
	for _, p := range j.parts {
		if p.src.Info().Name == name {
			n++
		}
	}
	if n == 1 {
		return name
	}
	return fmt.Sprintf("%s#%d", name, n)
}

// choose keeps the devices that the selectors name.
func (j *joined) choose(selectors []string) error {
	at, err := Select(j.devices, selectors...)
	if err != nil {
		return err
	}
	devices, places := make([]Device, len(at)), make([]place, len(at))
	for n, i := range at {
		devices[n], places[n] = j.devices[i], j.places[i]
	}
	j.devices, j.places = devices, places
	for i, at := range places {
		j.parts[at.part].of[at.index] = i
	}
	return nil
}

// measured returns which of the parts have devices.
func (j *joined) measured() []bool {
	list := make([]bool, len(j.parts))
	for _, at := range j.places {
		list[at.part] = true
	}
	return list
}

// byTime returns the names of the parts that are asked for the past, and of those that are
// read while a window is open.
func (j *joined) byTime() (past, live []string) {
	for i, has := range j.measured() {
		switch _, remembers := j.parts[i].src.(HistorySource); {
		case !has:
		case remembers:
			past = append(past, j.parts[i].name)
		default:
			live = append(live, j.parts[i].name)
		}
	}
	return past, live
}

// describe makes the info of all that have devices.
func (j *joined) describe() {
	var names, versions []string
	for i, has := range j.measured() {
		if !has {
			continue
		}
		p := j.parts[i]
		info := p.src.Info()
		names = append(names, p.name)
		if info.Version != "" {
			versions = append(versions, p.name+" "+info.Version)
		}
		j.info.Simulated = j.info.Simulated || info.Simulated
		j.info.Period = max(j.info.Period, info.Period)
		// A caller that does not know the parts must not read one too often.
		j.info.Poll = max(j.info.Poll, info.Poll)
	}
	j.info.Name, j.info.Version = strings.Join(names, "+"), strings.Join(versions, ", ")
}

func (j *joined) Info() Info { return j.info }

func (j *joined) Devices() []Device { return j.devices }

// at returns the part of a device, and where it is there; nil if there is no such device.
func (j *joined) at(device int) (p *part, index int) {
	if device < 0 || device >= len(j.places) {
		return nil, 0
	}
	at := j.places[device]
	return &j.parts[at.part], at.index
}

// Read lets each run of elements that are of one source be filled in by it, one run after
// another.
func (j *joined) Read(dst []Reading) {
	for n := 0; len(dst) > 0; dst = dst[n:] {
		p, _ := j.at(dst[0].Device)
		if n = 1; p == nil {
			now := time.Now()
			dst[0] = Reading{Device: dst[0].Device, Before: now, After: now, Err: ErrNoDevice}
			continue
		}
		for n < len(dst) {
			if next, _ := j.at(dst[n].Device); next != p {
				break
			}
			n++
		}
		run := dst[:n]
		for i := range run {
			_, run[i].Device = j.at(run[i].Device)
		}
		p.src.Read(run)
		for i := range run {
			run[i].Device = p.of[run[i].Device]
		}
	}
}

// Inspect is [Inspector]. Of a device whose source is none only the time is known.
func (j *joined) Inspect(dst []State) {
	for i := range dst {
		device := dst[i].Device
		dst[i] = State{At: time.Now(), Err: ErrNoDevice}
		if p, index := j.at(device); p != nil {
			dst[i].Err = nil
			if ins, ok := p.src.(Inspector); ok {
				dst[i].Device = index
				ins.Inspect(dst[i : i+1])
			}
		}
		dst[i].Device = device
	}
}

// LeftOut is [PartialSource].
func (j *joined) LeftOut() []LeftOut {
	var list []LeftOut
	for _, p := range j.parts {
		if partial, ok := p.src.(PartialSource); ok && !j.byName {
			list = append(list, partial.LeftOut()...)
		}
	}
	return list
}

// Findings is [FindingSource]: what one source notices is about its devices only.
func (j *joined) Findings(from, to time.Time) []Finding {
	var list []Finding
	for i, p := range j.parts {
		if notices, ok := p.src.(FindingSource); ok {
			list = append(list, j.scoped(i, notices.Findings(from, to))...)
		}
	}
	return list
}

// scoped returns findings of a part, as such. If the devices were selected by name, that
// there are others is none, nor is what a part lacks of which none were.
func (j *joined) scoped(part int, found []Finding) []Finding {
	var list []Finding
	none := j.byName && !j.measured()[part]
	for _, f := range found {
		if f.Device == "" {
			if none || j.byName && f.Reason == ExpectedGPUCountMismatch {
				continue
			}
			f.Source = j.parts[part].name
		}
		list = append(list, f)
	}
	return list
}

// Close closes all of the sources.
func (j *joined) Close() error {
	var errs []error
	for _, p := range j.parts {
		errs = append(errs, p.src.Close())
	}
	return errors.Join(errs...)
}

// joinedPast is several sources that know the past.
type joinedPast struct{ *joined }

// ReadRange is [HistorySource]: each is asked at the same time. What fails withholds the
// numbers of its own devices.
func (j *joinedPast) ReadRange(ctx context.Context, spans []Span, to []*History) ([]Finding, error) {
	of := make([][]*History, len(j.parts))
	for i, p := range j.parts {
		of[i] = make([]*History, len(p.src.Devices()))
	}
	for i, at := range j.places {
		of[at.part][at.index] = to[i]
	}
	found := make([][]Finding, len(j.parts))
	var wg sync.WaitGroup
	for i, p := range j.parts {
		wg.Go(func() { found[i] = j.scoped(i, p.recall(ctx, spans, of[i])) })
	}
	wg.Wait()
	return slices.Concat(found...), nil
}

// recall asks a part for the past; one that has none has no devices either.
func (p *part) recall(ctx context.Context, spans []Span, to []*History) []Finding {
	h, remembers := p.src.(HistorySource)
	if !remembers {
		if notices, ok := p.src.(FindingSource); ok && len(spans) > 0 {
			return notices.Findings(spans[0].Start, spans[len(spans)-1].End)
		}
		return nil
	}
	found, err := h.ReadRange(ctx, spans, to)
	if err != nil {
		found = append(found, unreported(err))
	}
	return found
}

// unreported is what to say of a source that did not report the past.
func unreported(err error) Finding {
	return Finding{Reason: SourceStalled, Detail: "the source did not report what was around the window: " + err.Error()}
}

// Unavailable returns a source without devices, for [Join]: what stands for one that could
// not be opened, and why. Sums over all devices lack it, and are withheld with
// [SourceUnavailable]; the others are not.
func Unavailable(name string, err error) Source { return &unavailable{name: name, err: err} }

type unavailable struct {
	name string
	err  error
}

func (u *unavailable) Info() Info        { return Info{Name: u.name} }
func (u *unavailable) Devices() []Device { return nil }
func (u *unavailable) Read(dst []Reading) {
	for i := range dst {
		now := time.Now()
		dst[i] = Reading{Device: dst[i].Device, Before: now, After: now, Err: ErrNoDevice}
	}
}
func (u *unavailable) Close() error { return nil }

func (u *unavailable) Findings(time.Time, time.Time) []Finding {
	return []Finding{{Reason: SourceUnavailable, Detail: u.err.Error()}}
}

// Missing returns why sources that are joined in one could not be opened: the errors of
// [Unavailable], each with the name of its source; nil if there are none.
func Missing(src Source) error {
	var errs []error
	for _, p := range Parts(src) {
		if u, ok := p.(*unavailable); ok {
			errs = append(errs, named(u.name, u.err))
		}
	}
	return errors.Join(errs...)
}
