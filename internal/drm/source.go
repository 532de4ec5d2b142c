package drm

import (
	"errors"
	"fmt"
	"io/fs"
	"sync/atomic"
	"time"

	"github.com/joulebench/joulebench/internal/sysfs"
	"github.com/joulebench/joulebench/powertest/energy"
)

// A Meter reads one device.
type Meter interface {
	// Read sets the value of a reading, or its error. Before is set; it may be moved, and
	// After set, where it is known more closely when the value was taken.
	Read(r *energy.Reading)
	// Close closes what is read.
	Close() error
}

// Source is an [energy.Source] on meters.
type Source struct {
	info         energy.Info
	devices      []energy.Device
	meters       []Meter
	thermometers []string // files; empty where there is none
	leftOut      []energy.LeftOut

	closed  atomic.Bool
	reading chan struct{} // held by the Read under way, which may hang in a driver

	errClosed, errStalled, errIndex error
}

var _ interface {
	energy.Source
	energy.Inspector
	energy.PartialSource
} = (*Source)(nil)

// NewSource returns a source without devices.
func NewSource(info energy.Info) *Source {
	return &Source{
		info: info, reading: make(chan struct{}, 1),
		errClosed:  fmt.Errorf("%s: the source is closed: %w", info.Name, fs.ErrClosed),
		errStalled: fmt.Errorf("%s: %w: an earlier read has not come back", info.Name, energy.ErrStalled),
		errIndex:   fmt.Errorf("%s: %w: the reading's index is out of range", info.Name, energy.ErrNoDevice),
	}
}

// Add adds a device with its meter, and the file of its temperature if that is not empty.
// It must not be called once the source is read.
func (s *Source) Add(d energy.Device, m Meter, thermometer string) {
	s.devices, s.meters, s.thermometers = append(s.devices, d), append(s.meters, m), append(s.thermometers, thermometer)
}

// Leave adds a device that is left out, though nobody chose to, and why it is.
func (s *Source) Leave(d energy.Device, why string) {
	s.leftOut = append(s.leftOut, energy.LeftOut{UUID: d.UUID, Kind: d.Kind, Index: d.Index, Name: d.Name, Why: why})
}

// Mark adds a finding to each of the devices that fits.
func (s *Source) Mark(reason energy.Reason, detail string, fits func(energy.Device) bool) {
	for i := range s.devices {
		if d := &s.devices[i]; fits(*d) {
			d.Marks = append(d.Marks, energy.Finding{Reason: reason, Device: d.UUID, Detail: detail})
		}
	}
}

// Info describes the source. Its version is that of the driver.
func (s *Source) Info() energy.Info { return s.info }

// Devices lists the GPUs that were selected, in that order.
func (s *Source) Devices() []energy.Device { return s.devices }

// LeftOut lists the GPUs that report neither energy nor power, where nothing says which to
// measure.
func (s *Source) LeftOut() []energy.LeftOut { return s.leftOut }

// Read reads one GPU after another. It does not allocate. If a driver hangs, Read does
// too, and until it has come back, another Read fails at once with [energy.ErrStalled].
func (s *Source) Read(dst []energy.Reading) {
	var failure error
	select {
	case s.reading <- struct{}{}:
		defer func() { <-s.reading }()
		if s.closed.Load() {
			failure = s.errClosed
		}
	default:
		failure = s.errStalled
	}
	for i := range dst {
		r := &dst[i]
		*r = energy.Reading{Device: r.Device, Before: time.Now(), Err: failure}
		switch {
		case failure != nil:
		case uint(r.Device) >= uint(len(s.meters)):
			r.Err = s.errIndex
		default:
			s.meters[r.Device].Read(r)
		}
		if r.After.IsZero() {
			r.After = time.Now()
		}
	}
}

// Inspect reads the temperature of devices.
func (s *Source) Inspect(dst []energy.State) {
	for i := range dst {
		st := &dst[i]
		*st = energy.State{Device: st.Device, At: time.Now()}
		switch {
		case s.closed.Load():
			st.Err = s.errClosed
		case uint(st.Device) >= uint(len(s.thermometers)):
			st.Err = s.errIndex
		case s.thermometers[st.Device] != "":
			var thousandths uint64
			thousandths, st.Err = sysfs.Number(s.thermometers[st.Device])
			st.Celsius, st.HasCelsius = float64(thousandths)/1000, st.Err == nil
		}
	}
}

// Close closes the files, once a Read that is under way has come back.
func (s *Source) Close() error {
	if s.closed.Swap(true) {
		return nil
	}
	release := func() error {
		defer func() { <-s.reading }()
		return s.release()
	}
	select {
	case s.reading <- struct{}{}:
		return release()
	default:
		go func() { // a driver that hangs must not hang who closes it
			s.reading <- struct{}{}
			_ = release()
		}()
		return nil
	}
}

func (s *Source) release() error {
	var errs []error
	for _, m := range s.meters {
		errs = append(errs, m.Close())
	}
	return errors.Join(errs...)
}
