package smisource

import (
	"bytes"
	"cmp"
	"slices"
	"strings"

	"github.com/joulebench/joulebench/powertest/energy"
)

// column is where in a row a quantity is.
type column struct {
	at       int
	name     string // as in the header
	energy   bool   // cumulative, rather than a power
	averaged bool   // over about a second
	scale    float64
	rank     int // the least is best
}

// header is what is known of a log's columns; -1 is a column that there is not.
type header struct {
	// usable says that rows can be read: no column is missing.
	usable    bool
	line      []byte
	separator byte
	width     int
	stamp     int
	stampName string
	// values are the columns of power, or if there is none those of energy, the
	// best first: a device is read by the first that it has.
	values []column
	// energies are the columns of energy, the best first.
	energies []column

	uuid, index, serial, pci, name int
	limits                         []column
	// suspect is a column that may say which GPU a row is of, by a name that is not
	// known.
	suspect int
}

// id returns the column that distinguishes GPUs, as people count them.
func (h *header) id() int {
	for _, c := range []int{h.index, h.uuid, h.serial, h.pci} {
		if c >= 0 {
			return c
		}
	}
	return -1
}

// parseHeader finds the columns of a header. known is how many kinds of
// column it has: a line with none is not a header.
func parseHeader(line []byte) (h *header, known int) {
	h = &header{line: bytes.Clone(line), stamp: -1, uuid: -1, index: -1, serial: -1, pci: -1, name: -1, suspect: -1}
	var list [][]byte
	for _, s := range []byte(separators) {
		if l, ok := cells(nil, bytes.Clone(line), s); ok && len(l) > len(list) {
			list, h.separator = l, s
		}
	}
	h.width = len(list)
	stampRank := 0
	for i, cell := range list {
		name, unit := plain(string(cell))
		if r := stampNames[name]; r > stampRank {
			h.stamp, h.stampName, stampRank = i, string(cell), r
		}
		c, ok := columnOf(name, unit)
		c.at, c.name = i, string(cell)
		switch {
		case !ok:
		case c.energy:
			h.energies = append(h.energies, c)
		case c.rank >= rankLimit:
			h.limits = append(h.limits, c)
		default:
			h.values = append(h.values, c)
		}
		h.identity(i, name)
		if isSuspect(name) {
			h.suspect = i
		}
	}
	byRank := func(a, b column) int { return cmp.Compare(a.rank, b.rank) }
	slices.SortStableFunc(h.energies, byRank)
	if len(h.values) == 0 {
		h.values = h.energies
	}
	slices.SortStableFunc(h.values, byRank)
	slices.SortStableFunc(h.limits, byRank)
	missing := h.missing()
	h.usable = len(missing) == 0 || h.unnamed() && len(missing) == 1
	for _, has := range []bool{h.stamp >= 0, len(h.values) > 0, h.id() >= 0, len(h.limits) > 0} {
		if has {
			known++
		}
	}
	return h, known
}

// unnamed reports whether no column says which GPU a row is of, nor may: the rows are
// those of one GPU, if their time stamps agree.
func (h *header) unnamed() bool { return h.id() < 0 && h.suspect < 0 && len(h.alike()) < 2 }

// alike returns the best columns of power where there are several that are equally
// good, such as gpu0_power and gpu1_power.
func (h *header) alike() (names []string) {
	for _, c := range h.values {
		if c.rank == rankOther && c.rank == h.values[0].rank {
			names = append(names, c.name)
		}
	}
	return names
}

// unit returns that of the values of a header that is usable.
func (h *header) unit() string {
	switch {
	case !h.usable:
		return ""
	case h.values[0].energy:
		return "J"
	}
	return "W"
}

// missing returns the reasons why rows under the header cannot be read.
func (h *header) missing() (reasons []energy.Reason) {
	if h.stamp < 0 {
		reasons = append(reasons, TimestampColumnMissing)
	}
	if len(h.values) == 0 {
		reasons = append(reasons, PowerColumnMissing)
	}
	if h.id() < 0 {
		reasons = append(reasons, GPUIdentityColumnMissing)
	}
	return reasons
}

// certain reports whether the cells of a line that is not complete are complete
// as far as they are needed: another cell follows, or a unit.
func (h *header) certain(row [][]byte) bool {
	last := len(row) - 1
	if last <= max(h.stamp, h.uuid, h.index, h.serial, h.pci) {
		return false
	}
	for _, c := range h.values {
		if last < c.at {
			return false
		}
		if last == c.at {
			_, unit := split(row[last])
			return len(unit) == 1 && (unit[0] == 'W' || unit[0] == 'J')
		}
	}
	return true
}

// fits reports whether a row has the cells that are needed, and none too many,
// as one would that another was written into.
func fits(row [][]byte, h *header) bool {
	for i := h.width; i < len(row); i++ {
		if len(row[i]) > 0 {
			return false
		}
	}
	return len(row) >= h.width || h.certain(row)
}

// key returns what the GPU of a row is known by, if the row says it.
func (h *header) key(row [][]byte) ([]byte, bool) {
	for _, c := range [...]int{h.uuid, h.index, h.serial, h.pci} {
		if key := cell(row, c); !absent(key) {
			return key, true
		}
	}
	return nil, false
}

// plain returns the name of a column in lower case with underscores, and its
// unit, if it has one in brackets.
func plain(cell string) (name, unit string) {
	cell = strings.TrimSpace(cell)
	if i := strings.IndexAny(cell, "[("); i >= 0 {
		unit = strings.Trim(cell[i:], "[]() ")
		cell = cell[:i]
	}
	words := strings.FieldsFunc(strings.ToLower(cell), func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < '0' || r > '9')
	})
	return strings.Join(words, "_"), unit
}

// stampNames are the names of time stamps; the greatest is best.
var stampNames = map[string]int{"timestamp": 3, "timestamp_unix": 3, "time_stamp": 3, "datetime": 2, "time": 1, "unix_time": 1, "date": 1}

func (h *header) identity(i int, name string) {
	first := func(field *int) {
		if *field < 0 {
			*field = i
		}
	}
	switch name {
	case "uuid", "gpu_uuid":
		first(&h.uuid)
	case "index", "gpu", "gpu_id", "gpu_index", "card", "device":
		first(&h.index)
	case "serial", "gpu_serial", "serial_number":
		first(&h.serial)
	case "pci_bus_id", "gpu_bus_id", "bdf", "gpu_bdf":
		first(&h.pci)
	case "name", "gpu_name", "market_name":
		first(&h.name)
	}
}

// Ranks of power columns: what a reading is an instant of comes first.
const (
	rankInstant = iota
	rankDraw
	rankSocket
	rankOther
	rankAverage
	rankLimit // and above: not a power that is drawn
	rankRequested
)

var powerRanks = map[string]int{
	"power_draw_instant":   rankInstant,
	"power_draw":           rankDraw,
	"socket_power":         rankSocket,
	"current_socket_power": rankSocket,
	"power_draw_average":   rankAverage,
	"average_socket_power": rankAverage,
	"enforced_power_limit": rankLimit,
	"power_limit":          rankRequested,
}

// notPower are words in the names of columns that are about power, but not the
// power that a GPU draws.
var notPower = []string{"limit", "cap", "max", "min", "default", "enforced", "requested", "management", "brake", "slowdown", "hw", "sw", "state", "status",
	"violation", "threshold", "reason", "module", "memory", "mem", "cpu", "profile", "smoothing", "count", "time", "supported", "sensor", "supply", "mode", "cycle"}

// suffixed divides the name of a column from the unit that it ends with, as
// energy_mj does, where the header gives no other.
func suffixed(name, unit string) (bare, u string) {
	const longest = len("mj")
	i := strings.LastIndexByte(name, '_')
	if last := name[i+1:]; unit == "" && i > 0 && len(last) <= longest {
		if _, known := units[last]; known {
			return name[:i], last
		}
	}
	return name, unit
}

// energyNames are the names of cumulative energy, the best first.
var energyNames = []string{"total_energy_consumption", "total_energy", "energy_consumption", "energy"}

// columnOf says what column of power or energy the name is.
func columnOf(name, unit string) (c column, ok bool) {
	bare, unit := suffixed(name, unit)
	words := strings.Split(name, "_")
	has := func(word string) bool { return slices.Contains(words, word) }
	if rank, known := powerRanks[name]; known {
		c.rank = rank
	} else if c.rank = slices.Index(energyNames, bare); c.rank >= 0 {
		c.energy = true
	} else if !has("power") || slices.ContainsFunc(notPower, has) {
		return c, false
	} else if c.rank = rankOther; has("average") || has("avg") {
		c.rank = rankAverage
	}
	c.averaged = !c.energy && c.rank == rankAverage
	c.scale, ok = scaleOf(unit, c.energy)
	return c, ok
}
