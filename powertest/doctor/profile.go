package doctor

import (
	"fmt"
	"slices"
	"strings"

	"github.com/joulebench/joulebench/powertest/energy"
	"github.com/joulebench/joulebench/powertest/profile"
)

// Profile returns what was measured of the devices, as POWERTEST_PROFILE takes it once
// [profile.Profile.WriteFile] has written it: whatever was not measured it says too.
func (r Report) Profile() *profile.Profile {
	p := &profile.Profile{SchemaVersion: profile.SchemaVersion, Version: r.Version, Devices: []profile.Device{}}
	if r.Watch != nil {
		p.Made = r.Watch.Start.Add(r.Watch.For).UTC()
	}
	source := ""
	for _, s := range r.Sources {
		if s.Chosen {
			source = s.Name
		}
	}
	for _, g := range r.GPUs {
		p.Devices = append(p.Devices, r.profileOf(g, source))
	}
	return p
}

func (r Report) profileOf(g GPU, source string) profile.Device {
	d := profile.Device{
		UUID: g.UUID, Name: g.Name, Driver: g.Driver, VBIOS: g.VBIOS,
		Source: source, Method: g.Method, Metric: g.Metric, Period: g.Period, Jitter: g.Jitter,
	}
	if len(g.Sensor.Kernels) > 0 {
		d.Sensor = &g.Sensor
	}
	if l := r.loaded(g.UUID); l != nil {
		d.Rise, d.Fall, d.Delay, d.DelaySD, d.Tail = l.Rise, l.Fall, l.Delay, l.DelaySD, l.Tail
		d.Coverage, d.Modulation, d.Share = l.Coverage, l.Modulation, l.share()
	}
	if r.Meter != nil {
		d.Meter = r.Meter.Comparison
	}
	d.NotMeasured = r.notMeasured(d)
	return d
}

// loaded returns what was measured of a device under load; nil if nothing was.
func (r Report) loaded(uuid string) *LoadedGPU {
	if r.Load == nil {
		return nil
	}
	i := slices.IndexFunc(r.Load.GPUs, func(l LoadedGPU) bool { return l.UUID == uuid })
	if i < 0 {
		return nil
	}
	return &r.Load.GPUs[i]
}

// share returns the share of the time that a counter samples: of one that samples, a pulse is
// either in a sample or not, and the energy between ticks varies by the inverse of the share.
func (l *LoadedGPU) share() *float64 {
	switch {
	case l.Integrates == nil:
		return nil
	case *l.Integrates:
		return new(1.0)
	}
	return thousandths(min(1 / *l.Modulation, 1))
}

// notMeasured says what of a device was not measured, and why.
func (r Report) notMeasured(d profile.Device) []string {
	list := []string{}
	missing := func(is bool, what, why string) {
		if is {
			list = append(list, what+": "+why)
		}
	}
	why := r.whyNot(d.UUID)
	missing(d.Period == nil, "period and jitter", "too few ticks were seen")
	if d.Rise == nil {
		missing(true, "rise, fall, delay, tail, coverage and share", why)
	} else {
		missing(d.Delay == nil, "delay", fmt.Sprintf("rise (%s) and fall (%s) differ, so that a part is the load's own", took(d.Rise), took(d.Fall)))
		tail := "it is too short for the ticks to show"
		if d.Method == energy.Gauge {
			tail = "a gauge shows a mean of it"
		}
		missing(d.Tail == nil, "tail", tail)
		missing(d.Coverage == nil || d.Share == nil, "coverage or share", why)
	}
	missing(d.Sensor == nil && d.Method == energy.Gauge, "sensor", "the source does not know its kind")
	switch {
	case r.Meter == nil:
		missing(true, "gain and offset", "there was no -meter")
	case d.Meter == nil:
		missing(true, "gain and offset", r.Meter.Reason)
	}
	return list
}

// whyNot returns what is noted of a load about a device, or about all.
func (r Report) whyNot(uuid string) string {
	if r.Load == nil {
		return "there was no -load"
	}
	var list []string
	for _, note := range r.Load.Notes {
		if rest, about := strings.CutPrefix(note, "GPU "); about {
			var found bool
			if note, found = strings.CutPrefix(rest, uuid+": "); !found {
				continue
			}
		}
		list = append(list, strings.TrimPrefix(strings.TrimPrefix(note, unmeasured), uncovered))
	}
	if list == nil {
		return "the load did not show it"
	}
	return strings.Join(list, "; ")
}
