package doctor

import (
	"fmt"
	"slices"
	"strings"
	"time"

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
	why := "there was no -load"
	if r.Load != nil {
		why = strings.Join(r.Load.Notes, "; ")
	}
	list := []string{}
	missing := func(is bool, what, why string) {
		if is {
			list = append(list, strings.TrimSuffix(what+": "+why, ": "))
		}
	}
	missing(d.Period == nil, "period and jitter", "too few ticks")
	missing(d.Rise == nil, "rise and fall", why)
	switch {
	case d.Rise == nil:
		missing(true, "delay", why)
	case d.Delay == nil:
		missing(true, "delay", fmt.Sprintf("rise (%v) and fall (%v) differ, so that a part is the load's own", d.Rise.Round(time.Millisecond), d.Fall.Round(time.Millisecond)))
	}
	missing(d.Tail == nil && d.Rise == nil, "tail", why)
	missing(d.Tail == nil && d.Rise != nil, "tail", "it is too short for the ticks to show")
	missing(d.Coverage == nil, "coverage", why)
	missing(d.Share == nil, "share", why)
	missing(d.Sensor == nil && d.Method == energy.Gauge, "sensor", "the source does not know its kind")
	switch {
	case r.Meter == nil:
		missing(true, "gain and offset", "there was no -meter")
	case d.Meter == nil:
		missing(true, "gain and offset", r.Meter.Reason)
	}
	return list
}
