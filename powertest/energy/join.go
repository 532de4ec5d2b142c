package energy

import (
	"context"
	"errors"
	"fmt"
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
// The error wraps [ErrMalformed] if two sources have a device in common, or if some are
// read while a window is open and others are asked for the past: such have no times in
// common that are exact enough. One source is returned as it is.
func Join(sources ...Source) (Source, error) {
	j := &joined{}
	past := 0
	for _, src := range sources {
		for _, p := range partsOf(src) {
			if _, remembers := p.src.(HistorySource); remembers {
				past++
			}
			if err := j.add(p.src); err != nil {
				return nil, fmt.Errorf("join sources: %w", err)
			}
		}
	}
	switch {
	case len(j.parts) == 0:
		return nil, fmt.Errorf("join sources: %w: there are none", ErrMalformed)
	case len(j.parts) == 1:
		return j.parts[0].src, nil
	case past == 0:
		j.describe()
		return j, nil
	}
	if err := j.allPast(); err != nil {
		return nil, fmt.Errorf("join sources: %w", err)
	}
	j.describe()
	return &joinedPast{j}, nil
}

// part is one of the sources that are joined.
type part struct {
	src            Source
	name           string // among the others
	first, devices int    // its devices, among those of all
}

// joined is several sources that are read while windows are open.
type joined struct {
	info    Info
	parts   []part
	devices []Device
}

// partsOf returns the sources that are joined in one, or itself.
func partsOf(src Source) []part {
	switch j := src.(type) {
	case *joined:
		return j.parts
	case *joinedPast:
		return j.parts
	}
	return []part{{src: src, devices: len(src.Devices())}}
}

// Parts returns the sources that are joined in one by [Join], in their order; itself if none
// are.
func Parts(src Source) []Source {
	var list []Source
	for _, p := range partsOf(src) {
		list = append(list, p.src)
	}
	return list
}

// add adds a source with its devices.
func (j *joined) add(src Source) error {
	info := src.Info()
	p := part{src: src, name: j.unused(info.Name), first: len(j.devices), devices: len(src.Devices())}
	for _, d := range src.Devices() {
		for i := range j.devices {
			if other := &j.devices[i]; other.UUID == d.UUID {
				return fmt.Errorf("%w: %s is a device of both %s and %s, and would count twice", ErrMalformed, d.UUID, other.Source, p.name)
			}
		}
		d.Period, d.Source = info.PeriodOf(d), p.name
		j.devices = append(j.devices, d)
	}
	j.parts = append(j.parts, p)
	return nil
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

// allPast returns an error unless all that have devices are asked for the past.
func (j *joined) allPast() error {
	var past, live []string
	for _, p := range j.parts {
		switch _, remembers := p.src.(HistorySource); {
		case remembers:
			past = append(past, p.name)
		case p.devices > 0:
			live = append(live, p.name)
		}
	}
	if len(live) == 0 {
		return nil
	}
	return fmt.Errorf("%w: %s is read while a window is open, and %s is asked for it afterwards\nmeasure with one of them, or with an exporter in place of a server or a log",
		ErrMalformed, strings.Join(live, ", "), strings.Join(past, ", "))
}

// describe makes the info of all.
func (j *joined) describe() {
	var names, versions []string
	for _, p := range j.parts {
		info := p.src.Info()
		if p.devices == 0 {
			continue
		}
		names = append(names, p.name)
		if info.Version != "" {
			versions = append(versions, p.name+" "+info.Version)
		}
		j.info.Simulated = j.info.Simulated || info.Simulated
		j.info.Period = max(j.info.Period, info.Period)
		// Whoever does not know the parts must not read one too often.
		j.info.Poll = max(j.info.Poll, info.Poll)
	}
	j.info.Name, j.info.Version = strings.Join(names, "+"), strings.Join(versions, ", ")
}

func (j *joined) Info() Info { return j.info }

func (j *joined) Devices() []Device { return j.devices }

// partOf returns the source of a device; nil if there is no such device.
func (j *joined) partOf(device int) *part {
	for i := range j.parts {
		if p := &j.parts[i]; device >= p.first && device < p.first+p.devices {
			return p
		}
	}
	return nil
}

// Read lets each run of elements that are of one source be filled in by it.
func (j *joined) Read(dst []Reading) {
	for n := 0; len(dst) > 0; dst = dst[n:] {
		p := j.partOf(dst[0].Device)
		if n = 1; p == nil {
			now := time.Now()
			dst[0] = Reading{Device: dst[0].Device, Before: now, After: now, Err: ErrNoDevice}
			continue
		}
		for n < len(dst) && j.partOf(dst[n].Device) == p {
			n++
		}
		p.shift(dst[:n], -p.first)
		p.src.Read(dst[:n])
		p.shift(dst[:n], p.first)
	}
}

// shift renumbers the devices of readings.
func (p *part) shift(list []Reading, by int) {
	for i := range list {
		list[i].Device += by
	}
}

// Inspect is [Inspector]. Of a device whose source is none only the time is known.
func (j *joined) Inspect(dst []State) {
	for i := range dst {
		device := dst[i].Device
		p := j.partOf(device)
		switch ins, ok := inspector(p); {
		case p == nil:
			dst[i] = State{At: time.Now(), Err: ErrNoDevice}
		case !ok:
			dst[i] = State{At: time.Now()}
		default:
			one := dst[i : i+1]
			one[0].Device -= p.first
			ins.Inspect(one)
		}
		dst[i].Device = device
	}
}

func inspector(p *part) (ins Inspector, ok bool) {
	if p != nil {
		ins, ok = p.src.(Inspector)
	}
	return ins, ok
}

// LeftOut is [PartialSource].
func (j *joined) LeftOut() []LeftOut {
	var list []LeftOut
	for _, p := range j.parts {
		if partial, ok := p.src.(PartialSource); ok {
			list = append(list, partial.LeftOut()...)
		}
	}
	return list
}

// Findings is [FindingSource]: what one source notices is about its devices only.
func (j *joined) Findings(from, to time.Time) []Finding {
	var list []Finding
	for _, p := range j.parts {
		if notices, ok := p.src.(FindingSource); ok {
			list = append(list, p.scoped(notices.Findings(from, to))...)
		}
	}
	return list
}

// scoped returns findings of the source as those of a part.
func (p *part) scoped(found []Finding) []Finding {
	list := append([]Finding(nil), found...)
	for i := range list {
		if list[i].Device == "" {
			list[i].Source = p.name
		}
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
	found := make([][]Finding, len(j.parts))
	var wg sync.WaitGroup
	for i, p := range j.parts {
		h, remembers := p.src.(HistorySource)
		if !remembers { // it has no devices
			if notices, ok := p.src.(FindingSource); ok && len(spans) > 0 {
				found[i] = p.scoped(notices.Findings(spans[0].Start, spans[len(spans)-1].End))
			}
			continue
		}
		wg.Go(func() {
			list, err := h.ReadRange(ctx, spans, to[p.first:p.first+p.devices])
			if err != nil {
				list = append(list, unreported(err))
			}
			found[i] = p.scoped(list)
		})
	}
	wg.Wait()
	var all []Finding
	for _, list := range found {
		all = append(all, list...)
	}
	return all, nil
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
	for _, p := range partsOf(src) {
		if u, ok := p.src.(*unavailable); ok {
			errs = append(errs, fmt.Errorf("%s: %w", u.name, u.err))
		}
	}
	return errors.Join(errs...)
}
