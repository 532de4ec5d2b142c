package amdsource

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
)

// table is what is read of a table of gpu_metrics. What is absent, which the driver says
// by all ones, is not there.
type table struct {
	format, content uint8
	energy          quantity // in the unit of the device
	watts           quantity // W
	clock           quantity // ns of CLOCK_BOOTTIME when the driver had the table
	firmware        quantity // when the firmware made it, in 10 ns of its own clock
}

// quantity is a number, if it is there.
type quantity struct {
	value uint64
	known bool
}

// Errors of a table. They say that it has nothing of use, rather than that it could not
// be read.
var (
	errTable    = errors.New("it is no table of metrics")
	errRevision = errors.New("it is of a revision that is not known")
)

// layout is where the quantities of a revision are; 0 is nowhere.
type layout struct {
	size                           int
	watts, energy, clock, firmware int
	narrow                         bool // the energy has 32 bits
}

// layouts are those of format 1, which GPUs have, by their content revision. A revision
// can have had two of them, so that the size distinguishes, too. The offsets are those
// of the structures gpu_metrics_v1_* in the kernel's kgd_pp_interface.h.
var layouts = map[uint8][]layout{
	0: {{size: 80, watts: 34, energy: 36, clock: 8, narrow: true}},
	1: {{size: 96, watts: 22, energy: 24, clock: 32}},
	2: {{size: 104, watts: 22, energy: 24, clock: 32, firmware: 96}},
	3: {{size: 120, watts: 22, energy: 24, clock: 32, firmware: 96}},
	4: {{size: 288, watts: 10, energy: 24, clock: 32, firmware: 232}},
	5: {{size: 360, watts: 10, energy: 88, clock: 96, firmware: 304}},
	6: {{size: 384, watts: 10, energy: 88, clock: 96, firmware: 328}, {size: 1664, watts: 10, energy: 16, clock: 24, firmware: 256}},
	7: {{size: 2208, watts: 10, energy: 24, clock: 32, firmware: 288}},
	8: {{size: 3872, watts: 10, energy: 24, clock: 32, firmware: 288}},
}

const (
	header     = 4 // bytes: size, format revision, content revision
	attributes = 9 // the content revision from which on a table is a list of attributes
)

// parse reads a table. Of an APU's, which has another format, only the revision is.
func parse(data []byte) (t table, err error) {
	if len(data) < header {
		return t, fmt.Errorf("%w: it has %d bytes", errTable, len(data))
	}
	size := int(binary.LittleEndian.Uint16(data))
	t.format, t.content = data[2], data[3]
	if size < header || len(data) < size { // some drivers write a whole page
		return t, fmt.Errorf("%w: it has %d bytes, and says that it has %d", errTable, len(data), size)
	}
	data = data[:size]
	if t.apu() {
		return t, nil
	}
	if t.format == 1 && t.content == attributes {
		return t, t.list(data)
	}
	for _, l := range layouts[t.content] {
		if t.format == 1 && l.size == size {
			t.lay(data, l)
			return t, nil
		}
	}
	return t, fmt.Errorf("%w: %v of %d bytes", errRevision, t, size)
}

// String is the revision of a table.
func (t table) String() string { return fmt.Sprintf("%d.%d", t.format, t.content) }

// apu reports whether the table is that of a processor with graphics.
func (t table) apu() bool { return t.format == 2 || t.format == 3 }

func (t *table) lay(data []byte, l layout) {
	at := func(offset, width int) quantity {
		if offset == 0 {
			return quantity{}
		}
		return quantityOf(data[offset : offset+width])
	}
	width := 8
	if l.narrow {
		width = 4
	}
	t.watts, t.energy, t.clock, t.firmware = at(l.watts, 2), at(l.energy, width), at(l.clock, 8), at(l.firmware, 8)
}

// quantityOf returns a number of 1, 2, 4 or 8 bytes, unless it is all ones.
func quantityOf(b []byte) quantity {
	ones, v := true, uint64(0)
	for i, c := range b {
		v |= uint64(c) << (8 * i)
		ones = ones && c == 0xff
	}
	return quantity{v, !ones}
}

// Attributes of a list, by their numbers in amdgpu_metrics_attr_id.
const (
	attributeWatts    = 3
	attributeEnergy   = 7
	attributeClock    = 8
	attributeFirmware = 32
)

// list reads a table that is a list of attributes, each with what it is and how long, and
// packed without gaps: amdgpu_metrics_attr_type has the widths of 1, 2, 4 and 8 bytes,
// without a sign and with one.
func (t *table) list(data []byte) error {
	const begin, encoding = header + 4, 8
	if len(data) < begin {
		return fmt.Errorf("%w: it has %d bytes", errTable, len(data))
	}
	n := binary.LittleEndian.Uint32(data[header:])
	rest := data[begin:]
	for range n {
		if len(rest) < encoding {
			return fmt.Errorf("%w: its list is cut", errTable)
		}
		what := binary.LittleEndian.Uint64(rest)
		kind, id, instances := what>>20&0xf, what>>10&0x3ff, int(what&0x3ff)
		rest = rest[encoding:]
		if kind > 7 || instances == 0 {
			return fmt.Errorf("%w: its list has an attribute of type %d, %d times", errTable, kind, instances)
		}
		width := 1 << (kind / 2)
		if len(rest) < width*instances {
			return fmt.Errorf("%w: its list is cut", errTable)
		}
		if unsigned := kind%2 == 0; unsigned && instances == 1 {
			t.attribute(id, rest[:width])
		}
		rest = rest[width*instances:]
	}
	return nil
}

func (t *table) attribute(id uint64, value []byte) {
	switch q := quantityOf(value); id {
	case attributeWatts:
		t.watts = q
	case attributeEnergy:
		t.energy = q
	case attributeClock:
		t.clock = q
	case attributeFirmware:
		t.firmware = q
	}
}

const (
	// unit is that of the energy of Instinct GPUs, in joules. (AMD's tools take it for
	// 15.3 µJ, which is 0.27 % more.)
	unit = 1.0 / (1 << 16)
	// mostJoules is more than a device uses in its life: 15 years at 20 kW.
	mostJoules = 1e13
	mostWatts  = 20_000
)

// joules returns the energy of a table whose unit is known. It is on GPUs whose firmware
// says when it made the table, which are the Instinct ones: on others the field has
// another unit, which differs from model to model, or nothing.
func (t table) joules() (float64, bool) {
	if !t.firmware.known || t.firmware.value == 0 || !t.energy.known {
		return 0, false
	}
	j := float64(t.energy.value) * unit
	return j, j < mostJoules
}

// power returns the power of a table. That of revision 1.0 is not believed: on some GPUs
// (Vega 20) it is not what the revision says.
func (t table) power() (float64, bool) {
	if t.format != 1 || t.content == 0 || !t.watts.known || t.watts.value > mostWatts {
		return 0, false
	}
	return float64(t.watts.value), true
}

// secondDie reports whether the table is of the second die of a card that counts the
// energy of both in its first: its energy and its power are 0, where others have them.
func (t table) secondDie() bool {
	j, counts := t.joules()
	return counts && j == 0 && t.watts == quantity{0, true}
}

// longest is how long a table may be: drivers write at most a page.
const longest = math.MaxUint16
