//go:build cgo

package nvmlsource

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sync/atomic"
	"time"

	"github.com/joulebench/joulebench/powertest/energy"
)

// Source is an [energy.Source] and an [energy.Inspector] on the GPUs of this
// machine. Sources are independent of each other: closing one leaves the others
// as they are.
type Source struct {
	driver  *driver
	info    energy.Info
	devices []energy.Device
	meters  []*meter
	leftOut []energy.LeftOut

	closed     atomic.Bool
	reading    atomic.Bool // a Read is under way, perhaps one that was given up
	inspecting atomic.Bool // likewise an Inspect
}

var _ interface {
	energy.Source
	energy.Inspector
	energy.PartialSource
} = (*Source)(nil)

var (
	errClosed  = fmt.Errorf("nvml: the source is closed: %w", fs.ErrClosed)
	errReading = fmt.Errorf("nvml: %w: an earlier read has not come back", energy.ErrStalled)
	errIndex   = fmt.Errorf("nvml: %w: the reading's index is out of range", energy.ErrNoDevice)
)

// Open opens the GPUs that cfg selects. Its errors have what to do on a second line,
// and wrap [fs.ErrNotExist] if there is no NVML library, [fs.ErrPermission] if the driver
// denies access, [energy.ErrNoDevice] if no GPU is selected or one is not there,
// [energy.ErrDeviceLost] if a selected GPU is lost, [energy.ErrNoEnergy] if
// one reports neither energy nor power, and [energy.ErrStalled] if the driver does
// not answer within cfg.OpenTimeout.
func Open(cfg Config) (*Source, error) {
	start, timeout := time.Now(), cmp.Or(max(cfg.OpenTimeout, 0), defaultOpenTimeout)
	if openStalled.Load() {
		return nil, errOpening
	}
	select {
	case opening <- struct{}{}:
	case <-time.After(timeout):
		return nil, errOpening
	}
	var s *Source
	var err error
	if !within(timeout-time.Since(start), func() {
		s, err = open(cfg)
		openStalled.Store(false)
		<-opening
	}) {
		openStalled.Store(true)
		select {
		case opening <- struct{}{}: // it has come back meanwhile
			openStalled.Store(false)
			<-opening
		default:
		}
		return nil, fmt.Errorf("nvml: %w: the driver did not answer within %v\ncheck whether nvidia-smi answers", energy.ErrStalled, timeout)
	}
	return s, err
}

// within reports whether calls of the driver return in time. They are given up
// otherwise, since a call into C cannot be cancelled.
func within(timeout time.Duration, calls func()) bool {
	done := make(chan struct{})
	go func() {
		defer close(done)
		calls()
	}()
	select {
	case <-done:
		return true
	case <-time.After(timeout):
		return false
	}
}

var (
	// opening is held by the Open under way. A channel, since one may have to
	// be given up on.
	opening     = make(chan struct{}, 1)
	openStalled atomic.Bool
	errOpening  = fmt.Errorf("nvml: %w: an earlier attempt to open the driver has not come back", energy.ErrStalled)
)

func open(cfg Config) (*Source, error) {
	d, err := load(cfg.Library)
	if err != nil {
		return nil, err
	}
	gpus, handles, err := d.inventory()
	if err != nil {
		return nil, err
	}
	chosen, err := choose(gpus, cfg.Devices, os.LookupEnv)
	if err != nil {
		return nil, err
	}
	s := &Source{driver: d, info: energy.Info{Name: sourceName, Period: nominalPeriod}}
	if v, ret := d.version(); ret == 0 {
		s.info.Version = v
	}
	var unsupported error
	for _, c := range chosen {
		g, h := gpus[c.gpu], handles[c.gpu]
		if h.err != nil {
			return nil, fmt.Errorf("nvml: %s: %w\nchoose other GPUs, with POWERTEST_DEVICES or -devices", g, h.err)
		}
		m, dev, err := d.probe(g, h.device)
		if c.byDefault && errors.Is(err, errors.ErrUnsupported) {
			unsupported = err // such as the small GPU that drives the display
			s.leftOut = append(s.leftOut, energy.LeftOut{UUID: g.UUID, Index: g.Index, Name: g.Name, Why: "it reports neither energy nor power"})
			continue
		}
		if err != nil {
			return nil, err
		}
		dev.Marks, dev.Driver = append(dev.Marks, c.marks(g)...), s.info.Version
		s.devices, s.meters = append(s.devices, dev), append(s.meters, m)
	}
	if len(s.devices) == 0 {
		return nil, unsupported
	}
	return s, nil
}

// marks returns the findings that hold for every measurement of the choice.
func (c choice) marks(g gpu) []energy.Finding {
	if c.parentOf == "" {
		return nil
	}
	return []energy.Finding{{
		Reason: energy.MIGParentScope,
		Device: g.UUID,
		Detail: fmt.Sprintf("a MIG instance has no energy counter: this is the energy of the whole GPU, of which %s was used", c.parentOf),
	}}
}

// Info describes the source. Its version is that of the driver.
func (s *Source) Info() energy.Info { return s.info }

// Devices lists the GPUs that were selected, in that order.
func (s *Source) Devices() []energy.Device { return s.devices }

// LeftOut lists the GPUs that report neither energy nor power, where nothing says which to
// measure.
func (s *Source) LeftOut() []energy.LeftOut { return s.leftOut }

// Read reads one GPU after another. It does not allocate where the GPUs have
// field values; other calls take one small allocation each, inside go-nvml. If a
// driver hangs, Read does too, and until it has come back, another Read fails
// at once with [energy.ErrStalled].
func (s *Source) Read(dst []energy.Reading) {
	var err error
	switch {
	case s.closed.Load():
		err = errClosed
	case !s.reading.CompareAndSwap(false, true):
		err = errReading
	default:
		defer s.reading.Store(false)
	}
	for i := range dst {
		r := &dst[i]
		*r = energy.Reading{Device: r.Device, Before: time.Now(), Err: err}
		if err == nil && uint(r.Device) < uint(len(s.meters)) {
			m := s.meters[r.Device]
			m.read(m, r)
		} else if err == nil {
			r.Err = errIndex
		}
		r.After = time.Now()
	}
}

// Close closes the source. The driver stays initialised until the process ends,
// since a machine without persistence mode would unload it, and restart its
// energy counters.
func (s *Source) Close() error {
	s.closed.Store(true)
	return nil
}
