package doctor

import (
	"time"

	"github.com/joulebench/joulebench/powertest/doctor/internal/meter"
	"github.com/joulebench/joulebench/powertest/energy"
	"github.com/joulebench/joulebench/powertest/profile"
)

// A Meter is how the device compares with an external meter.
type Meter struct {
	// File is what the meter has written.
	File string `json:"file"`
	// Comparison is null where there is none, and Reason says why.
	Comparison *profile.Meter `json:"comparison"`
	Reason     string         `json:"reason,omitempty"`
}

// compare compares the only device with the meter. shown is what the meter has shown, or nil
// if that is still to be read; seen and loaded are what was seen of the device.
func compare(path string, shown meter.Series, seen, loaded *observation) *Meter {
	m := &Meter{File: path}
	var err error
	if shown == nil {
		shown, err = meter.Read(path)
	}
	var c meter.Comparison
	if err == nil {
		device := seen.series(0)
		if loaded != nil {
			device = append(device, after(loaded.series(0), device.End())...)
		}
		c, err = meter.Compare(shown, device)
	}
	if err != nil {
		m.Reason = err.Error()
		return m
	}
	m.Comparison = &profile.Meter{Scale: c.Scale, Ahead: c.Ahead, Fit: c.Fit}
	for _, l := range c.Levels {
		m.Comparison.Levels = append(m.Comparison.Levels, profile.Level(l))
	}
	return m
}

// after returns what of a series comes after a time.
func after(s meter.Series, at float64) meter.Series {
	for i, x := range s {
		if x.From >= at {
			return s[i:]
		}
	}
	return nil
}

// series returns the power of a device over time, as it reported it, in seconds since 1970.
func (o *observation) series(i int) (s meter.Series) {
	d := o.devices[i]
	base := float64(o.base.UnixNano()) / float64(time.Second)
	add := func(from, to, watts float64) {
		if to > from {
			s = append(s, meter.Segment{From: base + from/float64(time.Second), To: base + to/float64(time.Second), Watts: watts})
		}
	}
	for k := 1; k < len(d.ticks); k++ {
		switch a, b := d.ticks[k-1], d.ticks[k]; {
		case d.Method == energy.Gauge:
			add(a.mid(), b.mid(), a.value)
		case !b.broken:
			add(a.mid(), b.mid(), between(a, b))
		}
	}
	if n := len(d.ticks); n > 0 && d.Method == energy.Gauge && d.gauge != nil {
		add(d.ticks[n-1].mid(), d.gauge.until, d.ticks[n-1].value)
	}
	return s
}

const (
	// aroundMeter is what a source that knows the past is asked for beyond what the meter
	// shows, and longestMeter the longest time that it is asked for.
	aroundMeter  = 30 * time.Second
	longestMeter = 24 * time.Hour
)

// pastOf returns how far before the newest sample of a source the meter begins. If its times
// are not the time of day, that is how long it is.
func pastOf(shown meter.Series, newest time.Time) time.Duration {
	length := time.Duration((float64(newest.UnixNano())/float64(time.Second) - shown.Start()) * float64(time.Second))
	if length < 0 || length > longestMeter {
		length = min(shown.Length(), longestMeter)
	}
	return length + aroundMeter
}
