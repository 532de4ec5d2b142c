package raplsource

import (
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/joulebench/joulebench/powertest/energy"
)

// Source is an [energy.Source] on the processor packages of this machine.
type Source struct {
	info    energy.Info
	devices []energy.Device
	leftOut []energy.LeftOut

	mu     sync.Mutex // guards the files against Close
	meters []*meter
	closed bool
}

var _ interface {
	energy.Source
	energy.PartialSource
} = (*Source)(nil)

var (
	errClosed = fmt.Errorf("rapl: the source is closed: %w", fs.ErrClosed)
	errIndex  = fmt.Errorf("rapl: %w: the reading's index is out of range", energy.ErrNoDevice)
)

// Open opens the packages that cfg selects. Its errors have what to do on further lines, and
// wrap [fs.ErrPermission] if the counters may not be read, [fs.ErrNotExist] if a container
// hides them, and [energy.ErrNoDevice] if there are none, or if a selected one is not there.
func Open(cfg Config) (*Source, error) { return open(cfg, perf) }

func open(cfg Config, k kernel) (*Source, error) {
	t := tree{cfg.Root}
	cpu := t.processor()
	s, err := t.openPowercap(cpu)
	if err != nil {
		var pmuErr error
		if s, pmuErr = t.openPMU(cpu, k); pmuErr != nil {
			return nil, t.unavailable(cpu, err, pmuErr)
		}
	}
	s.info = energy.Info{Name: sourceName, Period: period}
	if err := s.choose(cfg.Devices); err != nil {
		_ = s.Close()
		return nil, err
	}
	return s, nil
}

// openPowercap opens all devices that powercap shows. The error is that there is no package
// that can be read.
func (t tree) openPowercap(cpu processor) (*Source, error) {
	zones, err := t.zones()
	if err != nil {
		return nil, err
	}
	s, host := &Source{}, t.host()
	for _, d := range devicesOf(zones, cpu.amd) {
		dev := cpu.device(d.place, host)
		dev.Rows = len(d.zones)
		m, z, openErr := d.open(&dev)
		if openErr != nil {
			s.leaveOut(dev, openErr)
			if d.kind == energy.CPU && err == nil {
				err = openErr
			}
			continue
		}
		dev.Metric = "powercap " + z.dir + "/energy_uj"
		s.add(dev, m)
	}
	for _, z := range zones {
		if z.err != nil && (!z.mmio || zones[0].mmio) {
			entry := z.dir[strings.LastIndexByte(z.dir, '/')+1:]
			s.leaveOut(energy.Device{UUID: entry, Kind: energy.CPU, Index: int(z.numbers[0])}, z.err)
		}
	}
	if s.hasPackage() {
		return s, nil
	}
	_ = s.Close()
	if err == nil {
		err = errNoZone
	}
	return nil, err
}

// errNoZone says that powercap shows no package.
var errNoZone = fmt.Errorf("%w: there is no zone of a package in it", energy.ErrNoDevice)

// open opens the first zone of a device that can be read; the error is that of the one which
// is preferred.
func (d placed) open(dev *energy.Device) (m *meter, z zone, err error) {
	for _, z := range d.zones {
		most := float64(mostMemory)
		if d.kind == energy.CPU {
			dev.PowerLimit, most = z.powerLimit(), mostPackage
			if dev.PowerLimit > 0 {
				most = 2 * dev.PowerLimit
			}
		}
		m, openErr := openZone(z, most)
		if openErr == nil {
			return m, z, nil
		}
		if err == nil {
			err = openErr
		}
	}
	return nil, zone{}, err
}

// openPMU opens all devices of the PMU.
func (t tree) openPMU(cpu processor, k kernel) (*Source, error) {
	counters, err := t.pmuCounters(cpu.amd)
	if err != nil {
		return nil, err
	}
	s, host := &Source{}, t.host()
	for _, c := range counters {
		dev := cpu.device(c.place, host)
		m, openErr := k.openEvent(c)
		if openErr != nil {
			s.leaveOut(dev, openErr)
			if err == nil {
				err = openErr
			}
			continue
		}
		dev.Metric = fmt.Sprintf("perf event power/%s/ on CPU %d", c.name, c.cpu)
		s.add(dev, m)
	}
	if s.hasPackage() {
		return s, nil
	}
	_ = s.Close()
	return nil, err
}

// device describes the device of a place.
func (p processor) device(at place, host string) energy.Device {
	d := energy.Device{
		UUID: "CPU-" + at.String() + host, Kind: at.kind, Index: at.pkg, Name: p.model, Method: energy.Counter,
	}
	if at.kind == energy.DRAM {
		d.UUID, d.Name = "DRAM-"+at.String()+host, "memory of "+at.String()
	}
	if p.virtual {
		d.Marks = []energy.Finding{{
			Reason: energy.EstimatedCounter, Device: d.UUID,
			Detail: "this is a virtual machine: its counter is what its host estimates",
		}}
	}
	return d
}

func (s *Source) add(d energy.Device, m *meter) {
	d.Resolution, d.ReadWithin = m.unit, m.within()
	s.devices, s.meters = append(s.devices, d), append(s.meters, m)
}

func (s *Source) leaveOut(d energy.Device, why error) {
	s.leftOut = append(s.leftOut, energy.LeftOut{UUID: d.UUID, Kind: d.Kind, Index: d.Index, Name: d.Name, Why: why.Error()})
}

func (s *Source) hasPackage() bool {
	return slices.ContainsFunc(s.devices, func(d energy.Device) bool { return d.Kind == energy.CPU })
}

// choose numbers the devices, keeps those that are selected, and closes the others. What
// nobody asked for is not left out.
func (s *Source) choose(selectors []string) error {
	count := map[energy.Kind]int{}
	dies := slices.ContainsFunc(s.devices, func(d energy.Device) bool { return strings.Contains(d.UUID, "-die-") })
	for i := range s.devices {
		if d := &s.devices[i]; dies { // several have the number of their package
			d.Index = count[d.Kind]
			count[d.Kind]++
		}
	}
	at, err := energy.Select(s.devices, selectors...)
	if err != nil {
		return fmt.Errorf("rapl: %w", err)
	}
	var devices []energy.Device
	var meters []*meter
	for i, m := range s.meters {
		if !slices.Contains(at, i) {
			m.close()
		}
	}
	for _, i := range at {
		devices, meters = append(devices, s.devices[i]), append(meters, s.meters[i])
	}
	s.devices, s.meters = devices, meters
	if selected, _ := energy.Selectors(selectors...); len(selected) > 0 {
		s.leftOut = nil
	}
	return nil
}

// Info describes the source.
func (s *Source) Info() energy.Info { return s.info }

// Devices lists the packages, and then the memories.
func (s *Source) Devices() []energy.Device { return s.devices }

// LeftOut lists the packages and memories that are there and cannot be read, where nothing
// says which to measure.
func (s *Source) LeftOut() []energy.LeftOut { return s.leftOut }

// Read reads one counter after another, by a call of the kernel each.
func (s *Source) Read(dst []energy.Reading) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range dst {
		r := &dst[i]
		*r = energy.Reading{Device: r.Device, Before: time.Now()}
		switch {
		case s.closed:
			r.Err = errClosed
		case uint(r.Device) >= uint(len(s.meters)):
			r.Err = errIndex
		default:
			s.meters[r.Device].read(r)
			continue
		}
		r.After = r.Before
	}
}

// Close closes the counters.
func (s *Source) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.closed {
		for _, m := range s.meters {
			m.close()
		}
	}
	s.closed = true
	return nil
}
