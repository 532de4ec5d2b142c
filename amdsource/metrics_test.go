package amdsource

import (
	"cmp"
	"encoding/binary"
	"math"
	"os"
	"reflect"
	"strconv"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// capture is what the driver of a real GPU said: others recorded it.
func capture(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile("testdata/" + name + ".bin")
	require.NoError(t, err)
	return data
}

// TestCaptures: real tables decode, and the energy of none of them is believed: none is of
// an Instinct GPU.
func TestCaptures(t *testing.T) {
	for name, want := range map[string]struct {
		revision string
		watts    float64
		clock    uint64
	}{
		"rx6900xt":   {"1.3", 36, 533474291244},
		"rx7600s":    {"1.3", 1, 550594368957},
		"rx7800xt":   {"1.3", 32, 2905311021620},
		"rx9070":     {"1.3", 49, 35459650217290},
		"phoenix":    {"2.1", 0, 0},
		"strixpoint": {"3.0", 0, 0},
	} {
		got, err := parse(capture(t, name))
		require.NoError(t, err, name)
		watts, has := got.power()
		assert.Equal(t, want.revision, got.String(), name)
		assert.Equal(t, got.format > 1, got.apu(), name)
		assert.Equal(t, !got.apu(), has, name)
		if want.clock != 0 {
			assert.Equal(t, want.watts, watts, name)
			assert.Equal(t, quantity{want.clock, true}, got.clock, name)
		}
		_, counts := got.joules()
		assert.False(t, counts, name)
		assert.False(t, got.secondDie(), name)
	}
}

// The beginnings of the kernel's structures, as kgd_pp_interface.h has them, so that the
// compiler says where their fields are.
type (
	MetricsHeader struct {
		Size            uint16
		Format, Content uint8
	}
	Metrics11 struct {
		MetricsHeader
		Temperatures, Activity [3]uint16
		Vr                     [3]uint16 // temperatures, too
		Watts                  uint16
		Energy, Clock          uint64
		Clocks                 [14]uint16
		Throttle               uint32
		Fan, Width, Speed, Pad uint16
		Activities             [2]uint32
		Hbm                    [4]uint16
	}
	Metrics12 struct {
		Metrics11
		Firmware uint64
	}
	metrics13 struct {
		Metrics12
		Voltage  [4]uint16
		Throttle uint64
	}
	metrics14 struct {
		MetricsHeader
		Temperatures  [3]uint16
		Watts         uint16
		Activity      [2]uint16
		Vcn           [4]uint16
		Energy, Clock uint64
		Throttle      [2]uint32
		Links         [4]uint16
		Activities    [2]uint32
		Pcie          [5]uint64
		Xgmi          [2][8]uint64
		Firmware      uint64
		Clocks        [22]uint16
	}
	metrics15 struct {
		MetricsHeader
		Temperatures  [3]uint16
		Watts         uint16
		Activity      [2]uint16
		Vcn           [4]uint16
		Jpeg          [32]uint16
		Energy, Clock uint64
		Throttle      [2]uint32
		Links         [4]uint16
		Activities    [2]uint32
		Pcie          [5]uint64
		Nak           [2]uint32
		Xgmi          [2][8]uint64
		Firmware      uint64
		Clocks        [22]uint16
	}
	metrics16old struct {
		MetricsHeader
		Temperatures  [3]uint16
		Watts         uint16
		Activity      [2]uint16
		Vcn           [4]uint16
		Jpeg          [32]uint16
		Energy, Clock uint64
		Residency     [6]uint32
		Throttle      [2]uint32
		Links         [4]uint16
		Activities    [2]uint32
		Pcie          [5]uint64
		Nak           [2]uint32
		Xgmi          [2][8]uint64
		Firmware      uint64
		Clocks        [22]uint16
	}
	metrics16 struct {
		MetricsHeader
		Temperatures  [3]uint16
		Watts         uint16
		Activity      [2]uint16
		Energy, Clock uint64
		Residency     [6]uint32
		Lock          uint32
		Links         [4]uint16
		Activities    [2]uint32
		Pcie          [5]uint64
		Nak           [2]uint32
		Xgmi          [2][8]uint64
		Firmware      uint64
	}
	metrics17 struct { // and 1.8
		MetricsHeader
		Temperatures  [3]uint16
		Watts         uint16
		Activity      [2]uint16
		Bandwidth     uint64
		Energy, Clock uint64
		Residency     [6]uint32
		Lock          uint32
		Links         [4]uint16
		Activities    [2]uint32
		Pcie          [5]uint64
		Nak           [2]uint32
		Xgmi          [2][8]uint64
		Status        [8]uint16
		Pad           uint16
		Firmware      uint64
	}
)

// TestLayouts: the offsets are where a compiler puts the fields of the kernel's structures.
func TestLayouts(t *testing.T) {
	if strconv.IntSize == 32 {
		t.Skip("the kernel's are aligned as on 64 bits")
	}
	of := func(structure any, size int) layout { // its own, if only its beginning is above
		s := reflect.TypeOf(structure)
		at := func(name string) int {
			f, _ := s.FieldByName(name)
			return int(f.Offset)
		}
		return layout{cmp.Or(size, int(s.Size())), at("Watts"), at("Energy"), at("Clock"), at("Firmware"), false}
	}
	for content, want := range map[uint8][]layout{
		1: {of(Metrics11{}, 0)},
		2: {of(Metrics12{}, 0)},
		3: {of(metrics13{}, 0)},
		4: {of(metrics14{}, 0)},
		5: {of(metrics15{}, 0)},
		6: {of(metrics16old{}, 0), of(metrics16{}, 1664)},
		7: {of(metrics17{}, 2208)},
		8: {of(metrics17{}, 3872)},
	} {
		assert.Equal(t, want, layouts[content], "1.%d", content)
	}
}

// fields are what a made-up table says.
type fields struct {
	watts                   uint16
	energy, clock, firmware uint64
}

// blob makes a table of a revision of format 1; size chooses among its layouts.
func blob(content uint8, size int, f fields) []byte {
	if content == attributes {
		return listOf(f)
	}
	b := make([]byte, size)
	for i := range b {
		b[i] = 0xff // what the driver does not know
	}
	binary.LittleEndian.PutUint16(b, uint16(size))
	b[2], b[3] = 1, content
	for _, l := range layouts[content] {
		if l.size != size {
			continue
		}
		binary.LittleEndian.PutUint16(b[l.watts:], f.watts)
		binary.LittleEndian.PutUint64(b[l.clock:], f.clock)
		if l.narrow {
			binary.LittleEndian.PutUint32(b[l.energy:], uint32(f.energy))
		} else {
			binary.LittleEndian.PutUint64(b[l.energy:], f.energy)
		}
		if l.firmware != 0 {
			binary.LittleEndian.PutUint64(b[l.firmware:], f.firmware)
		}
	}
	return b
}

// listOf makes a table of revision 1.9, with an array among what is read.
func listOf(f fields) []byte {
	b := []byte{0, 0, 1, attributes, 6, 0, 0, 0}
	add := func(unit, kind, id, instances uint64, value []byte) {
		b = binary.LittleEndian.AppendUint64(b, unit<<24|kind<<20|id<<10|instances)
		b = append(b, value...)
	}
	wide := func(v uint64) []byte { return binary.LittleEndian.AppendUint64(nil, v) }
	add(2, 3, 0, 1, []byte{45, 0})
	add(3, 2, attributeWatts, 1, binary.LittleEndian.AppendUint16(nil, f.watts))
	add(0, 4, 40, 3, make([]byte, 12))
	add(0, 6, attributeEnergy, 1, wide(f.energy))
	add(4, 6, attributeClock, 1, wide(f.clock))
	add(5, 6, attributeFirmware, 1, wide(f.firmware))
	binary.LittleEndian.PutUint16(b, uint16(len(b)))
	return b
}

// revisions are all tables that are understood.
var revisions = []struct {
	content uint8
	size    int
}{{0, 80}, {1, 96}, {2, 104}, {3, 120}, {4, 288}, {5, 360}, {6, 384}, {6, 1664}, {7, 2208}, {8, 3872}, {attributes, 0}}

// TestRevisions: each revision says its energy, power and time, by itself and at the
// beginning of a page; those without a stamp of the firmware have no energy.
func TestRevisions(t *testing.T) {
	for _, r := range revisions {
		f := fields{watts: 750, energy: 123456789 << 8, clock: 5_000_000_000, firmware: 777}
		if r.content == 0 {
			f.energy = 123456789
		}
		data := blob(r.content, r.size, f)
		for _, data := range [][]byte{data, append(append([]byte{}, data...), make([]byte, 4096-len(data))...)} {
			got, err := parse(data)
			require.NoError(t, err, "1.%d", r.content)
			assert.Equal(t, quantity{f.energy, true}, got.energy, "%v", got)
			assert.Equal(t, quantity{f.clock, true}, got.clock, "%v", got)
			assert.Equal(t, quantity{750, true}, got.watts, "%v", got)
			assert.Equal(t, r.content >= 2, got.firmware == quantity{777, true}, "%v", got)
			joules, counts := got.joules()
			assert.Equal(t, r.content >= 2, counts, "%v", got)
			if counts {
				assert.Equal(t, float64(f.energy)/65536, joules, "%v", got)
			}
			_, powered := got.power()
			assert.Equal(t, r.content >= 1, powered, "that of Vega 20 is garbage: %v", got)
		}
		got, err := parse(blob(r.content, r.size, fields{math.MaxUint16, math.MaxUint64, math.MaxUint64, math.MaxUint64}))
		require.NoError(t, err)
		assert.Equal(t, table{format: 1, content: r.content}, zeroed(got), "all ones are absent")
		_, counts := got.joules()
		assert.False(t, counts)
	}
}

// TestUnbelievable: a counter without a time of the firmware, or beyond what a device uses in
// its life, is none.
func TestUnbelievable(t *testing.T) {
	for name, f := range map[string]fields{"no time": {750, 1 << 30, 1, 0}, "too much": {750, 1 << 60, 1, 1}} {
		got, err := parse(blob(3, 120, f))
		require.NoError(t, err, name)
		_, counts := got.joules()
		assert.False(t, counts, name)
	}
}

// zeroed is a table in which absent numbers are 0.
func zeroed(t table) table {
	for _, q := range []*quantity{&t.watts, &t.energy, &t.clock, &t.firmware} {
		if !q.known {
			q.value = 0
		}
	}
	return t
}

// TestNoTables: what is cut, of another size, or of another revision is no table.
func TestNoTables(t *testing.T) {
	whole := blob(3, 120, fields{100, 1 << 30, 1, 1})
	list := listOf(fields{100, 1 << 30, 1, 1})
	broken := func(data []byte, at int, value byte) []byte {
		data = append([]byte{}, data...)
		data[at] = value
		return data
	}
	for name, tt := range map[string]struct {
		data []byte
		want error
	}{
		"nothing":              {nil, errTable},
		"text":                 {[]byte("N/A"), errTable},
		"cut":                  {whole[:119], errTable},
		"a size of 0":          {broken(whole, 0, 0), errTable},
		"another size":         {broken(whole, 0, 112), errRevision},
		"a new revision":       {broken(whole, 3, 10), errRevision},
		"a new format":         {broken(whole, 2, 4), errRevision},
		"format 0":             {broken(whole, 2, 0), errRevision},
		"a list without count": {[]byte{4, 0, 1, attributes}, errTable},
		"a longer list":        {broken(list, 4, 7), errTable},
		"an endless list":      {broken(list, 7, 0xff), errTable},
		"an unknown type":      {broken(list, 8+2, 0xf0), errTable},
		"no instances":         {broken(list, 8, 0), errTable},
	} {
		got, err := parse(tt.data)
		assert.ErrorIs(t, err, tt.want, name)
		_, counts := got.joules()
		assert.False(t, counts && err == nil, name)
	}
	// An array is no counter, and nor is what has a sign.
	for name, what := range map[string]uint64{"two": 6<<20 | attributeEnergy<<10 | 2, "signed": 7<<20 | attributeEnergy<<10 | 1} {
		list := []byte{4 + 4 + 8 + 16, 0, 1, attributes, 1, 0, 0, 0}
		list = append(binary.LittleEndian.AppendUint64(list, what), make([]byte, 16)...)
		got, err := parse(list)
		assert.NoError(t, err, name)
		assert.False(t, got.energy.known, name)
	}
}

// FuzzParse: no bytes make a panic, an energy that no device can have used, or a power
// that none draws.
func FuzzParse(f *testing.F) {
	for _, name := range []string{"rx6900xt", "rx7600s", "rx7800xt", "rx9070", "phoenix", "strixpoint"} {
		f.Add(capture(f, name))
	}
	for _, r := range revisions {
		f.Add(blob(r.content, r.size, fields{750, 1 << 40, 1 << 40, 1 << 30}))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		got, err := parse(data)
		if err != nil {
			return
		}
		if j, ok := got.joules(); ok && !(j >= 0 && j < mostJoules) {
			t.Errorf("%v: %v J", got, j)
		}
		if w, ok := got.power(); ok && !(w >= 0 && w <= mostWatts) {
			t.Errorf("%v: %v W", got, w)
		}
		if got.apu() && (got.energy.known || got.watts.known) {
			t.Errorf("%v: an APU has no such table", got)
		}
	})
}
