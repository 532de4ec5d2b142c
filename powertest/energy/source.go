package energy

import (
	"cmp"
	"errors"
	"fmt"
	"time"

	"github.com/joulebench/joulebench/powertest/energy/internal/pace"
)

// Errors of a [Reading] or of opening a source. They are wrapped: test with
// errors.Is. A source that cannot work on this platform or in this build wraps
// [errors.ErrUnsupported]; one that lacks permission wraps [io/fs.ErrPermission].
var (
	// ErrDeviceLost means that the device is gone (fallen off the bus, needs a
	// reset): it will not answer again in this process.
	ErrDeviceLost = errors.New("device lost")
	// ErrStalled means that the source did not answer in time: a window that
	// goes on meanwhile has no number.
	ErrStalled = errors.New("source stalled")
	// ErrNoAnswer means that the source did not answer this time, or not
	// usefully. A window has no number only if that goes on over its end.
	ErrNoAnswer = errors.New("no answer")
	// ErrNoDevice means that there is no device to read, or none that matches;
	// as the error of a reading, that the source does not report it now.
	ErrNoDevice = errors.New("no such device")
	// ErrNoEnergy means that a device is there, and reports neither energy nor power. It
	// wraps [errors.ErrUnsupported], too.
	ErrNoEnergy error = noEnergy{}
)

type noEnergy struct{}

func (noEnergy) Error() string { return "reports neither energy nor power" }

func (noEnergy) Is(target error) bool { return target == errors.ErrUnsupported }

// Method is how a device reports its energy.
type Method uint8

const (
	// Counter devices report cumulative joules that change at ticks.
	Counter Method = iota + 1
	// Gauge devices report watts, which are integrated over time.
	Gauge
)

// String returns "counter" or "gauge".
func (m Method) String() string {
	switch m {
	case Counter:
		return "counter"
	case Gauge:
		return "gauge"
	}
	return "unknown method"
}

// MarshalText encodes the method as [Method.String] does.
func (m Method) MarshalText() ([]byte, error) { return []byte(m.String()), nil }

// UnmarshalText decodes what MarshalText encodes.
func (m *Method) UnmarshalText(text []byte) error {
	for _, known := range []Method{Counter, Gauge} {
		if string(text) == known.String() {
			*m = known
			return nil
		}
	}
	return fmt.Errorf("%q is neither counter nor gauge: %w", text, ErrMalformed)
}

// A Source reports what energy devices have used. All methods are called from one
// goroutine at a time, except Close and Info, which may be called at any time.
//
// A source is read only while a window is open. How far apart the reads of a device
// then are is for the recorder to choose: several in each refresh period near the
// edges of a window, and between them as few as one in a refresh period, or in 0.13 s
// for each device of the source if that is longer (two minutes, for a thousand). Where
// a source must be read more often than that [Device].ReadWithin says so.
//
// A source that also implements [Inspector] is asked for the state of its
// devices outside of windows.
type Source interface {
	// Info describes the source. It does not change while the source is open.
	Info() Info
	// Devices lists the devices, each UUID once. The list does not change
	// while the source is open, and callers do not modify it.
	Devices() []Device
	// Read fills in dst: element i is a reading of the device
	// Devices()[dst[i].Device], which the caller has set. A device that fails
	// carries its error, and the others are read all the same. Read does not
	// allocate and does not keep dst.
	Read(dst []Reading)
	// Close releases what the source holds. It is idempotent.
	Close() error
}

// Info describes a [Source].
type Info struct {
	// Name is the source's name: "nvml", "simulated", "dcgm".
	Name string `json:"name"`
	// Simulated reports whether no real device is behind the readings.
	Simulated bool `json:"simulated,omitempty"`
	// Period is the nominal refresh period: a first guess, which the recorder
	// replaces by what it sees. Zero means 100 ms.
	Period time.Duration `json:"period_ns,omitempty"`
	// Poll is the shortest time between two reads of a device, for a source that
	// is far away or costs its host something. Such a source need not know its
	// period: the recorder looks for it, from Poll up. Zero means that it may be
	// read as often as its ticks need.
	Poll time.Duration `json:"poll_ns,omitempty"`
	// Version is what provides the readings, such as a driver version.
	Version string `json:"version,omitempty"`
}

// A PartialSource is a [Source] that may lack devices which nobody chose to leave out.
type PartialSource interface {
	// LeftOut lists the devices that would have been measured too, but report nothing.
	// It does not change while the source is open.
	LeftOut() []LeftOut
}

// A FindingSource is a [Source] that notices, while it is read, what concerns all of its
// devices, such as one that was not there when it was opened. Findings may be called at any
// time.
type FindingSource interface {
	// Findings returns what concerns the time from one time to another.
	Findings(from, to time.Time) []Finding
}

// LeftOut is a device that nobody chose to leave out, and that is not measured all the
// same: a sum over the others lacks it, and says so.
type LeftOut struct {
	UUID string `json:"uuid"`
	// Kind is what the device is; empty reads as [GPU].
	Kind  Kind   `json:"kind,omitempty"`
	Index int    `json:"index"`
	Name  string `json:"name,omitempty"`
	// Why says what keeps it from being measured: "it reports neither energy nor power".
	Why string `json:"why"`
}

// String names the device and says why it is left out.
func (l LeftOut) String() string {
	return fmt.Sprintf("%s %d (%s, %s): %s", l.Kind.Title(), l.Index, cmp.Or(l.Name, "no name"), l.UUID, l.Why)
}

// Title names the device as people do, with its host if that is known: "node-1 GPU 0".
func (d Device) Title() string {
	name := fmt.Sprintf("%s %d", d.Kind.Title(), d.Index)
	if d.Host != "" {
		name = d.Host + " " + name
	}
	return name
}

// defaultPeriod is the nominal refresh period where the source says none.
const defaultPeriod = 100 * time.Millisecond

// PeriodOf returns the nominal refresh period of a device of the source.
func (i Info) PeriodOf(d Device) time.Duration {
	return cmp.Or(d.Period, i.Period, defaultPeriod)
}

// Continuous reports whether a counter of the source is refreshed so often, each 2 ms or
// faster, that its ticks are not told apart: each reading is one.
func (i Info) Continuous(d Device) bool {
	return d.Method == Counter && pace.Fine(pace.Config{Nominal: i.PeriodOf(d), Poll: i.Poll})
}

// Device is one thing that uses energy: a GPU, never a slice of one, or what its Kind is.
type Device struct {
	// UUID is the identity of the device, unique across hosts.
	UUID string `json:"uuid"`
	// Kind is what the device is; empty reads as [GPU].
	Kind Kind `json:"kind,omitempty"`
	// Index is the device's number among those of its kind on its host, as its vendor counts.
	Index int `json:"index"`
	// Name is the model, such as "NVIDIA H200".
	Name string `json:"name,omitempty"`
	// Source is the name of the source that the device is of, where several are joined;
	// otherwise empty.
	Source string `json:"source,omitempty"`
	// PCI is the PCI address; empty if unknown.
	PCI string `json:"pci,omitempty"`
	// Driver and VBIOS are the versions of the driver and of the device's own firmware;
	// empty if unknown. How it reports its energy may differ with either.
	Driver string `json:"driver,omitempty"`
	VBIOS  string `json:"vbios,omitempty"`
	// Host is the name of the machine that the device is in; empty if it is
	// this one, or unknown. It is for people: it does not identify.
	Host string `json:"host,omitempty"`
	// Endpoint is where the device is read, such as a URL without credentials.
	// Devices with the same Endpoint are read together, since one request reads
	// all of them, and so they tick together. Empty means that the device is
	// read by itself.
	Endpoint string `json:"endpoint,omitempty"`
	// Role is what the device does in a server that divides its work, such as
	// "prefill" or "decode"; empty if it has none.
	Role string `json:"role,omitempty"`
	// Rows is how many entries of the source are about the device (MIG instances,
	// pods, jobs, endpoints), of which it is the one that counts; 0 means 1.
	Rows int `json:"rows,omitempty"`
	// PowerLimit is the enforced power limit in watts of what the energy is of; 0 if
	// unknown. It bounds what is published: see [Device.MostWatts].
	PowerLimit float64 `json:"power_limit_watts,omitempty"`
	// Method is how the device reports its energy.
	Method Method `json:"method"`
	// Metric is the call or metric that is read, for people.
	Metric string `json:"metric,omitempty"`
	// Resolution is the smallest step of the counter in joules; 0 if unknown.
	Resolution float64 `json:"resolution_joules,omitempty"`
	// Period is the device's nominal refresh period where it differs from
	// [Info.Period]; otherwise 0.
	Period time.Duration `json:"period_ns,omitempty"`
	// ReadWithin is the longest time between two reads of the device that the source
	// needs while a window is open; 0 means any. A counter that wraps needs it, since its
	// wraps can be counted only if it comes round less than once between two reads. A read
	// that is late or fails makes the time longer: leave room for one.
	ReadWithin time.Duration `json:"read_within_ns,omitempty"`
	// Fresh is how old a counter's value can be when it is read, where that is
	// known to be less than the time since the reading before; otherwise 0.
	Fresh time.Duration `json:"fresh_ns,omitempty"`
	// Behind is how far a counter can be behind when it ticks: its value is that
	// of a moment up to so much earlier, as where it samples another counter
	// that ticks by itself. Otherwise 0.
	Behind time.Duration `json:"behind_ns,omitempty"`
	// Delay is by how much a counter of this kind is late when it ticks, always by about
	// the same, known to ± twice DelaySD; 0 if nothing is known of it. What was measured
	// of the very device, [Calibration].Delay, counts in its place, unless it is 0.
	Delay   time.Duration `json:"delay_ns,omitempty"`
	DelaySD time.Duration `json:"delay_sd_ns,omitempty"`
	// Sensor is what is known of how a device's power readings come about.
	Sensor Sensor `json:"sensor,omitzero"`
	// Calibration is what was measured of this very device; nil if nothing was. Sources
	// leave it nil: [Recorder.Calibrate] sets it.
	Calibration *Calibration `json:"calibration,omitempty"`
	// MaxGap is how far apart two readings of a gauge may be for the time between
	// them to count as known; 0 means five refresh periods, and at least 500 ms.
	MaxGap time.Duration `json:"max_gap_ns,omitempty"`
	// Hint says what would make the values change more often, such as "start
	// the exporter with -c 1000"; empty if nothing would. It is shown where a
	// number is withheld because they change too seldom.
	Hint string `json:"hint,omitempty"`
	// Marks are findings that hold for every measurement of the device, such
	// as [MIGParentScope].
	Marks []Finding `json:"marks,omitempty"`
}

// Reading is what a source reported of one device at one time. The value was taken
// at some moment between Before and After.
type Reading struct {
	// Device is the index into [Source.Devices]; the caller sets it.
	Device int
	// Before and After are the times just before and just after the call.
	Before, After time.Time
	// Joules is the cumulative energy, if HasJoules.
	Joules float64
	// Watts is the power, if HasWatts. A counter device may report it too; it
	// is then the cross-check of the counter.
	Watts float64
	// HasJoules and HasWatts say which of the values were read: absent is not
	// zero.
	HasJoules, HasWatts bool
	// Err says why there is no value.
	Err error
}

// An Inspector is a [Source] that can report the state of its devices. It is
// called before a window begins and after it has ended, since such calls can take
// milliseconds; other windows may be open then.
type Inspector interface {
	// Inspect fills in dst: element i is the state of the device
	// Devices()[dst[i].Device], which the caller has set.
	Inspect(dst []State)
}

// State is the state of a device at one time. Nil or absent means unknown.
type State struct {
	// Device is the index into [Source.Devices]; the caller sets it.
	Device int `json:"-"`
	// At is when the state was read.
	At time.Time `json:"at"`
	// Celsius is the temperature of the device, if HasCelsius.
	Celsius    float64 `json:"celsius"`
	HasCelsius bool    `json:"has_celsius"`
	// Throttled is, by cause, for how long in all the device's clocks have
	// been held down since its driver was loaded.
	Throttled map[string]time.Duration `json:"throttled_ns,omitempty"`
	// Processes are the processes that use the device, other than this one.
	Processes []Process `json:"processes,omitempty"`
	// Err says what could not be read; what could be read is set all the same.
	Err error `json:"-"`
}

// Process is a process that uses a device.
type Process struct {
	PID  int    `json:"pid"`
	Name string `json:"name,omitempty"` // empty if unknown
}
