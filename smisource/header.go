package smisource

import (
	"bytes"
	"cmp"
	"slices"
	"strings"

	"github.com/joulebench/joulebench/internal/sensors"
	"github.com/joulebench/joulebench/powertest/energy"
)

// column is where in a row a quantity is.
type column struct {
	at      int
	name    string // as in the header
	energy  bool   // cumulative, rather than a power
	reading sensors.Reading
	scale   float64
	rank    int // the least is best
	// decimal says that numbers are written with a decimal comma.
	decimal bool
	// excess is by what the tool has multiplied a true value; 0 if by nothing.
	excess float64
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
	// day is the column of a date, where stamp is one of the time of day.
	day int
	// dmon says that it is one of nvidia-smi dmon, which begins with a # and is followed
	// by another line that does, of units.
	dmon bool
	// utc says that time stamps without a zone are of UTC.
	utc bool
	// values are the columns of power, or if there is none those of energy, the
	// best first: a device is read by the first that it has.
	values []column
	// instant is the column of an instant power, and mean the best of what is or may be
	// a mean over a second beside it; nil if there is none.
	instant, mean *column
	// energies are the columns of energy, the best first.
	energies []column
	// wide says that every one of values is another GPU's.
	wide bool

	uuid, index, serial, pci, name, host int
	limits                               []column
	// suspect is a column that may say which GPU a row is of, by a name that is not
	// known.
	suspect int
	// counted says that it is known how many GPUs the rows are of.
	counted bool
	// lacking are columns that were given and are not there.
	lacking []string
	// names are those of all columns.
	names []string
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

// parseHeader finds the columns of a header, some of which may be given. known is how
// many kinds of column it has: a line with none is not a header, nor is a row.
func parseHeader(line []byte, given columns, counted bool) (h *header, known int) {
	h = &header{line: bytes.Clone(line), counted: counted, stamp: -1, day: -1, uuid: -1, index: -1, serial: -1, pci: -1, name: -1, host: -1, suspect: -1}
	list := h.split(line)
	h.lacking = given.lacking(list)
	stampRank := 0
	for i, cell := range list {
		if _, row := parseStamp(cell); row && len(cell) > len("1736944496")-1 && !given.placed() {
			return h, 0
		}
		name, unit := plain(string(cell))
		h.names = append(h.names, string(cell))
		if kind := given.kind(i, string(cell)); kind != "" {
			h.give(kind, i, string(cell), unit)
			continue
		}
		if given.placed() {
			continue
		}
		if r := stampRankOf(name); r > stampRank && !given.has("time") {
			h.stamp, h.stampName, stampRank = i, string(cell), r
			h.utc = strings.EqualFold(unit, "utc") || strings.EqualFold(unit, "gmt")
		}
		if name == "date" {
			h.day = i
		}
		h.quantity(i, string(cell), name, unit, given)
		h.identity(i, name, given)
	}
	h.finish(given)
	for _, has := range []bool{h.stamp >= 0, len(h.values) > 0, h.id() >= 0, len(h.limits) > 0} {
		if has {
			known++
		}
	}
	return h, known
}

// split divides a header into its cells, by the separator that makes most. Blanks
// separate those of nvidia-smi dmon only: elsewhere they are in times and in units.
func (h *header) split(line []byte) (list [][]byte) {
	for _, s := range []byte(separators) {
		if l, ok := cells(nil, bytes.Clone(line), s); ok && len(l) > len(list) {
			list, h.separator = l, s
		}
	}
	if len(list) == 1 && isDmon(bytes.Fields(line)) {
		list, h.separator = bytes.Fields(line), ' '
	}
	h.dmon = isDmon(list)
	h.width = len(list)
	return list
}

// isDmon reports whether cells are the header that nvidia-smi dmon prints of power.
func isDmon(list [][]byte) bool {
	return len(list) > 0 && bytes.HasPrefix(list[0], []byte{'#'}) && slices.ContainsFunc(list, func(cell []byte) bool { return string(cell) == "pwr" })
}

// give takes a column for what it was said to be.
func (h *header) give(kind string, at int, name, unit string) {
	c := column{at: at, name: name, energy: kind == "energy"}
	var ok bool
	switch c.scale, ok = scaleOf(unit, c.energy); kind {
	case "time":
		h.stamp, h.stampName = at, name
	case "gpu":
		h.index = at
	case "uuid":
		h.uuid = at
	case "name":
		h.name = at
	case "host":
		h.host = at
	case "limit":
		if ok {
			h.limits = append(h.limits, c)
		}
	case "power":
		// What its name says of a column of power is true here, too.
		if known, is := columnOf(plain(name)); is && !known.energy && known.rank < rankLimit {
			c.rank, c.reading = known.rank, known.reading
		}
		if ok {
			h.values = append(h.values, c)
		}
	case "energy":
		if known, is := columnOf(plain(name)); is {
			c.excess = known.excess
		}
		if ok {
			h.energies = append(h.energies, c)
		}
	}
}

// quantity takes a column for one of power, energy or a limit, if its name says so and
// no other is given.
func (h *header) quantity(at int, cell, name, unit string, given columns) {
	c, ok := columnOf(name, unit)
	c.at, c.name = at, cell
	switch quantities := given.has("power") || given.has("energy"); {
	case !ok:
	case c.energy:
		if !quantities {
			h.energies = append(h.energies, c)
		}
	case c.rank >= rankLimit:
		if !given.has("limit") {
			h.limits = append(h.limits, c)
		}
	case !quantities:
		h.values = append(h.values, c)
	}
}

// finish puts what was found in order.
func (h *header) finish(given columns) {
	byRank := func(a, b column) int { return cmp.Compare(a.rank, b.rank) }
	slices.SortStableFunc(h.energies, byRank)
	if len(h.values) == 0 {
		h.values = h.energies
	}
	if h.wide = given.several() && len(h.values) > 1; h.wide {
		h.uuid, h.index, h.serial, h.pci, h.limits = -1, -1, -1, -1, nil
	} else {
		slices.SortStableFunc(h.values, byRank)
		h.instant, h.mean = h.of(sensors.Instant), cmp.Or(h.of(sensors.Average), h.of(sensors.Draw))
	}
	slices.SortStableFunc(h.limits, byRank)
	if name, _ := plain(h.stampName); name != "time" || h.day == h.stamp {
		h.day = -1
	}
	if h.dmon && h.day < 0 {
		h.stamp = -1 // a time of day, or none
	}
	h.usable = len(h.lacking) == 0 && len(h.missing()) == 0
}

// of returns the best column of a reading; nil if there is none.
func (h *header) of(r sensors.Reading) *column {
	if i := slices.IndexFunc(h.values, func(c column) bool { return c.reading == r }); i >= 0 {
		return &h.values[i]
	}
	return nil
}

// missing returns the reasons why rows under the header cannot be read.
func (h *header) missing() (reasons []energy.Reason) {
	if h.stamp < 0 {
		reasons = append(reasons, TimestampColumnMissing)
	}
	if len(h.values) == 0 {
		reasons = append(reasons, PowerColumnMissing)
	}
	// A log that names no GPU may be that of one, if nothing else is missing.
	if h.id() < 0 && (len(reasons) > 0 || !h.unnamed()) && !h.wide {
		reasons = append(reasons, GPUIdentityColumnMissing)
	}
	return reasons
}

// unnamed reports whether no column says which GPU a row is of, nor may: the rows are
// those of one GPU, or of as many as is said, if their time stamps agree.
func (h *header) unnamed() bool {
	return h.id() < 0 && (h.suspect < 0 || h.counted) && len(h.alike()) < 2
}

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

// certain reports whether the cells of a line that is not complete are complete
// as far as they are needed: another cell follows, or a unit.
func (h *header) certain(row [][]byte) bool {
	last := len(row) - 1
	if last <= max(h.stamp, h.day, h.uuid, h.index, h.serial, h.pci, h.host) {
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
var stampNames = map[string]int{
	"timestamp": 4, "timestamp_unix": 4, "time_stamp": 4, "unix_timestamp": 4,
	"datetime": 3, "date_time": 3, "unix_time": 3, "time_unix": 3, "epoch": 3, "epoch_time": 3,
	"time": 2, "date": 1,
}

// stampRankOf returns the rank of a time stamp's name, which may end in its unit.
func stampRankOf(name string) int {
	for _, unit := range []string{"_ns", "_us", "_ms", "_s"} {
		if bare, cut := strings.CutSuffix(name, unit); cut && stampNames[bare] > 0 {
			return stampNames[bare]
		}
	}
	return stampNames[name]
}

// identity takes a column for one that says which GPU a row is of, if its name says so
// and no other is given.
func (h *header) identity(i int, name string, given columns) {
	first := func(field *int) {
		if *field < 0 {
			*field = i
		}
	}
	named := given.has("gpu") || given.has("uuid")
	if isSuspect(name) && !named {
		h.suspect = i
	}
	switch name {
	case "host", "hostname", "node":
		first(&h.host)
	case "name", "gpu_name", "market_name":
		first(&h.name)
	}
	if named {
		return
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
	"pwr":                  rankDraw,
	"socket_power":         rankSocket,
	"current_socket_power": rankSocket,
	"power_draw_average":   rankAverage,
	"average_socket_power": rankAverage,
	"enforced_power_limit": rankLimit,
	"power_limit":          rankRequested,
}

// powerReadings are the columns whose sensors are known.
var powerReadings = map[string]sensors.Reading{
	"power_draw_instant": sensors.Instant,
	"power_draw":         sensors.Draw,
	"pwr":                sensors.Draw,
	"power_draw_average": sensors.Average,
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
var energyNames = []string{amdEnergy, "total_energy", "energy_consumption", "energy"}

// columnOf says what column of power or energy the name is.
func columnOf(name, unit string) (c column, ok bool) {
	bare, unit := suffixed(name, unit)
	words := strings.Split(name, "_")
	has := func(word string) bool { return slices.Contains(words, word) }
	if rank, known := powerRanks[name]; known {
		c.rank = rank
	} else if c.rank = slices.Index(energyNames, bare); c.rank >= 0 {
		if c.energy = true; bare == amdEnergy {
			c.excess = amdExcess
		}
	} else if !has("power") || slices.ContainsFunc(notPower, has) {
		return c, false
	} else if c.rank = rankOther; has("average") || has("avg") {
		c.rank = rankAverage
	}
	c.reading = powerReadings[name]
	c.scale, ok = scaleOf(unit, c.energy)
	return c, ok
}
