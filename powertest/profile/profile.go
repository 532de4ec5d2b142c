// Package profile reads and writes profiles: what was measured of one's own devices. It is
// what "powertest doctor -load COMMAND -profile gpu.json" writes, and what POWERTEST_PROFILE
// names, for benchmarks, meters, annotate and doctor alike.
//
// A profile says of each device how its counter or its gauge follows a load: by how much it
// is late, and which share of the time it samples; and, where it was compared with an
// external meter, its gain and offset. What was not measured it says too. A profile is of one
// device as one driver reads it: of another it is refused.
//
//	p, err := profile.Read("gpu.json")
//	…
//	rec := energy.NewRecorder(src)
//	err = p.Calibrate(rec)
//
// docs/calibration.md has the way from a meter to joules.
package profile

import (
	"time"

	"github.com/joulebench/joulebench/powertest/energy"
)

// SchemaVersion is the version of a profile's JSON.
const SchemaVersion = 1

// Profile is what was measured of some devices. In JSON times are in ns, and null is what
// was not measured; keys are added, but not renamed or removed.
type Profile struct {
	// SchemaVersion is [SchemaVersion].
	SchemaVersion int `json:"schema_version"`
	// Version is that of the program that made it, as it says, and Made when that was.
	Version string    `json:"version"`
	Made    time.Time `json:"made"`
	// Devices are what was measured, each device once.
	Devices []Device `json:"devices"`

	// id is the beginning of the SHA-256 of the file, and path its name.
	id, path string
	// byDefault reports whether nobody has named it.
	byDefault bool
}

// ID returns what the header line "calibration:" says: the first twelve digits of the
// SHA-256 of the file. It is empty for a profile that was not read from one.
func (p *Profile) ID() string { return p.id }

// Device is what was measured of one device.
type Device struct {
	// UUID, Name, Driver and VBIOS are those of the device; what is empty is not known.
	UUID   string `json:"uuid"`
	Name   string `json:"name,omitempty"`
	Driver string `json:"driver,omitempty"`
	VBIOS  string `json:"vbios,omitempty"`
	// Source is by what it was measured, Method and Metric what was read.
	Source string        `json:"source"`
	Method energy.Method `json:"method"`
	Metric string        `json:"via,omitempty"`

	// Period is the refresh period, and Jitter the standard deviation of ticks from it.
	Period *time.Duration `json:"period_ns"`
	Jitter *time.Duration `json:"jitter_ns"`
	// Delay is by how much a counter is late: what its Rise, after a load begins, and its
	// Fall, after it ends, have in common, known to ± twice DelaySD. It is 0 if that is
	// no more than a load itself takes to begin.
	Delay   *time.Duration `json:"delay_ns"`
	DelaySD *time.Duration `json:"delay_sd_ns"`
	Rise    *time.Duration `json:"rise_ns"`
	Fall    *time.Duration `json:"fall_ns"`
	// Tail is the time constant with which power decays after a load.
	Tail *time.Duration `json:"tail_ns"`
	// Coverage is the energy of a square wave by the counter over that of its power and
	// time, and Modulation by how much the energy between ticks varies along it, over its
	// mean. Share is the share of the time that the counter samples, by that: 1 if all.
	Coverage   *float64 `json:"coverage"`
	Modulation *float64 `json:"modulation"`
	Share      *float64 `json:"share"`
	// Sensor is what kind of sensor the power readings come from, as its source says.
	Sensor *energy.Sensor `json:"sensor"`
	// Meter is the comparison with an external meter.
	Meter *Meter `json:"meter"`
	// NotMeasured says what was not measured, and why.
	NotMeasured []string `json:"not_measured"`
}

// Meter is how a device compares with an external meter.
type Meter struct {
	// Scale turns what the meter shows into what the device reports.
	energy.Scale
	// Levels are what it rests on.
	Levels []Level `json:"levels"`
	// Ahead is the meter's clock minus that of the device's readings, by correlation.
	// What the device's readings are late by is part of it.
	Ahead time.Duration `json:"meter_ahead_ns"`
	// Fit is the correlation of the two powers, at most 1.
	Fit float64 `json:"fit"`
}

// Level is a steady power by the meter and by the device, in watts, for Seconds in all.
type Level struct {
	Meter   float64 `json:"meter_watts"`
	Device  float64 `json:"device_watts"`
	Seconds float64 `json:"seconds"`
}

// calibration is what the instrument is told of the device.
func (d *Device) calibration(id string) *energy.Calibration {
	c := &energy.Calibration{Profile: id}
	if d.Meter != nil {
		c.Scale = d.Meter.Scale
	}
	if d.Delay != nil {
		c.Delay = *d.Delay
	}
	if d.DelaySD != nil && c.Delay > 0 {
		c.DelaySD = *d.DelaySD
	}
	if d.Share != nil {
		c.Share = *d.Share
	}
	return c
}
