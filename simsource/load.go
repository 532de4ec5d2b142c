package simsource

import "fmt"

// loads are the loads that are under way. A slot is used again once its load
// has ended, so there are as many as there ever were at one time; its
// generation tells a second call of done from the first.
type loads struct {
	slots []load
	free  []int
}

type load struct {
	generation uint64
	units      int64  // of fullLoad
	devices    uint64 // bit set
}

// begin puts a load on the devices, and returns what ends it.
func (m *machine) begin(units int64, devices uint64) (done func()) {
	m.mu.Lock()
	defer m.mu.Unlock()
	l := &m.loads
	slot := len(l.slots)
	if n := len(l.free); n > 0 {
		slot, l.free = l.free[n-1], l.free[:n-1]
	} else {
		l.slots = append(l.slots, load{})
	}
	s := &l.slots[slot]
	s.generation++
	s.units, s.devices = units, devices
	m.apply(units, devices)
	generation := s.generation
	return func() { m.end(slot, generation) }
}

func (m *machine) end(slot int, generation uint64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	s := &m.loads.slots[slot]
	if s.generation != generation {
		return
	}
	s.generation++
	m.loads.free = append(m.loads.free, slot)
	m.apply(-s.units, s.devices)
}

// apply changes the load of the devices now. The caller holds mu.
func (m *machine) apply(units int64, devices uint64) {
	t := m.tell()
	for i, d := range m.devices {
		if devices&(1<<i) != 0 {
			d.addLoad(t, units)
		}
	}
}

// Busy puts full load on devices of the source, given by their index in
// [Source.Devices]; on all of them if none is given. The load lasts until done
// is called; calling it again does nothing. Loads add up until a device is
// fully loaded. Busy is safe to call from any goroutine. It panics if there is
// no such device.
func (s *Source) Busy(devices ...int) (done func()) {
	return s.sim.begin(fullLoad, s.bits(devices))
}

// BusyLoad is [Source.Busy] with a load between 0 (idle) and 1 (full). It
// panics if fraction is not in that range.
func (s *Source) BusyLoad(fraction float64, devices ...int) (done func()) {
	return s.sim.begin(unitsOf(fraction), s.bits(devices))
}

func unitsOf(fraction float64) int64 {
	if !(fraction >= 0 && fraction <= 1) {
		panic(fmt.Sprintf("simsource: load %v is not between 0 and 1", fraction))
	}
	return int64(fraction*fullLoad + 0.5)
}

// bits returns the machine's devices for indexes of the source's.
func (s *Source) bits(devices []int) uint64 {
	set := uint64(0)
	if len(devices) == 0 {
		for _, d := range s.pick {
			set |= 1 << d
		}
	}
	for _, i := range devices {
		if i < 0 || i >= len(s.pick) {
			panic(fmt.Sprintf("simsource: there is no device %d: the source has %d", i, len(s.pick)))
		}
		set |= 1 << s.pick[i]
	}
	return set
}
