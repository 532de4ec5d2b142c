package amdsource

import (
	"errors"
	"fmt"
	"time"

	"github.com/joulebench/joulebench/internal/drm"
	"github.com/joulebench/joulebench/internal/sysfs"
	"github.com/joulebench/joulebench/powertest/energy"
)

// Errors of readings.
var (
	errNoEnergy = fmt.Errorf("%w: the table of metrics has no energy now", energy.ErrNoAnswer)
	errNoPower  = fmt.Errorf("%w: the driver has no power now", energy.ErrNoAnswer)
	errGarbled  = fmt.Errorf("%w: the table of metrics cannot be understood", energy.ErrNoAnswer)
)

// tableMeter reads the table of metrics: the energy counter with the power beside it, or
// only the power.
type tableMeter struct {
	file    *sysfs.File
	counter bool
	up      func() (time.Duration, bool) // the clock of the driver's stamps
	stamp   quantity                     // of the newest table
}

// read reads the table. Errors of one that is not understood are short, and the same
// each time: a reading must not allocate.
func (m *tableMeter) read() (table, error) {
	data, err := m.file.Bytes()
	if err != nil {
		return table{}, err
	}
	t, err := parse(data)
	if err != nil {
		return t, errGarbled
	}
	return t, nil
}

// Read reads the table once, so that energy and power are of one moment.
func (m *tableMeter) Read(r *energy.Reading) {
	t, err := m.read()
	if err != nil {
		r.Err = err
		return
	}
	watts, powered := t.power()
	if m.counter {
		if r.Joules, r.HasJoules = t.joules(); !r.HasJoules {
			r.Joules, r.Err = 0, errNoEnergy
			return
		}
		powered = powered && watts > 0
	} else if !powered {
		r.Err = errNoPower
		return
	}
	if powered {
		r.Watts, r.HasWatts = watts, true
	}
	m.place(r, t.clock)
}

// Close closes the file.
func (m *tableMeter) Close() error { return m.file.Close() }

const (
	// kept is how long a driver may keep a table, to say it again (newer ones do for 5 ms).
	kept = time.Second
	// making is the most that it takes a driver to get a table from the firmware.
	making = 5 * time.Millisecond
)

// place says when a value was taken, by the clock that the driver stamps its table by when
// it has it. A table that was made for this reading had its values before the stamp: what
// comes after is copying. One that the driver had already, made for another program, had
// them before the reading began. What it says again adds nothing, and a stamp of a clock
// that is not this machine's, as in a container with a time of its own, says nothing.
func (m *tableMeter) place(r *energy.Reading, clock quantity) {
	r.After = time.Now()
	up, ok := m.up()
	if !ok || !clock.known || clock.value == 0 || clock.value > uint64(up) || clock == m.stamp {
		return
	}
	m.stamp = clock
	age := up - time.Duration(clock.value)
	switch at := r.After.Add(-age); {
	case age > kept:
	case at.Before(r.Before):
		r.Before = at.Add(-making)
	default:
		r.After = at
	}
}

// gaugeMeter reads the power of the hardware monitor.
type gaugeMeter struct{ file *sysfs.File }

// Read reads the microwatts of the monitor.
func (m *gaugeMeter) Read(r *energy.Reading) {
	uw, err := m.file.Number()
	switch {
	case err != nil:
		r.Err = err
	case uw > mostWatts*1e6:
		r.Err = errNoPower
	default:
		r.Watts, r.HasWatts = float64(uw)/1e6, true
	}
}

// Close closes the file.
func (m *gaugeMeter) Close() error { return m.file.Close() }

// Errors of opening a GPU that say that a way of reading it has nothing to read, whatever
// one does.
var (
	errFrozen    = errors.New("the counter stands still")
	errZero      = errors.New("the power stays at 0")
	errSecondDie = fmt.Errorf("its energy and its power are 0, as those of the second die of a card are, whose first counts both: it %w", energy.ErrNoEnergy)
)

const (
	// alive is how long a counter may take to move, or a power to be there, when the GPU is
	// opened: it may just wake up, or be in reset.
	alive = 300 * time.Millisecond
	retry = 5 * time.Millisecond
)

// try reads until the meter shows what it must: a counter moves, a power is above 0.
func try(m drm.Meter) error {
	var first energy.Reading
	for start := time.Now(); ; time.Sleep(retry) {
		r := energy.Reading{Before: time.Now()}
		m.Read(&r)
		err := r.Err
		switch {
		case err != nil && !errors.Is(err, energy.ErrNoAnswer):
			return err
		case err != nil:
		case first.HasJoules && r.Joules > first.Joules, !r.HasJoules && r.Watts > 0:
			return nil
		case r.HasJoules && !first.HasJoules:
			first, err = r, errFrozen
		case r.HasJoules:
			err = errFrozen
		default:
			err = errZero
		}
		if time.Since(start) > alive {
			return err
		}
	}
}
