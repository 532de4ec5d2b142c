package raplsource

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/joulebench/joulebench/internal/sysfs"
	"github.com/joulebench/joulebench/powertest/energy"
)

// events are the PMU's events that are of devices.
var events = []struct {
	kind energy.Kind
	name string
}{{energy.CPU, "energy-pkg"}, {energy.DRAM, "energy-ram"}}

// kernel is how counters of the PMU are opened and read; tests replace it.
type kernel struct {
	open func(attr *unix.PerfEventAttr, cpu int) (fd int, err error)
	read func(fd int, buf []byte) (int, error)
}

var perf = kernel{
	open: func(attr *unix.PerfEventAttr, cpu int) (int, error) {
		return unix.PerfEventOpen(attr, -1, cpu, -1, unix.PERF_FLAG_FD_CLOEXEC)
	},
	read: unix.Read,
}

// pmuCounter is a counter of the PMU that can be opened.
type pmuCounter struct {
	place
	name string
	attr unix.PerfEventAttr
	cpu  int
	unit float64 // joules
}

// pmuCounters lists the counters of the PMU: of each package, or die, one CPU reads it. The
// error wraps [fs.ErrNotExist] if there is no such PMU.
func (t tree) pmuCounters(amd bool) (list []pmuCounter, err error) {
	dir := t.path("sys/bus/event_source/devices/power")
	kind, err := sysfs.Number(dir + "/type")
	if err != nil {
		return nil, err
	}
	mask, err := sysfs.Line(dir + "/cpumask")
	if err != nil {
		return nil, err
	}
	cpus, ok := parseCPUs(mask)
	if !ok {
		return nil, fmt.Errorf("%s/cpumask is %q", dir, mask)
	}
	places, err := t.places(cpus, amd)
	if err != nil {
		return nil, err
	}
	for _, e := range events {
		config, unit, err := t.event(dir + "/events/" + e.name)
		if err != nil {
			if e.kind == energy.CPU {
				return nil, err
			}
			continue // many packages have no counter of their memory
		}
		for i, cpu := range cpus {
			p := places[i]
			p.kind = e.kind
			if slices.ContainsFunc(list, func(c pmuCounter) bool { return c.place == p }) {
				continue
			}
			attr := unix.PerfEventAttr{Type: uint32(kind), Size: unix.PERF_ATTR_SIZE_VER0, Config: config}
			list = append(list, pmuCounter{place: p, name: e.name, attr: attr, cpu: cpu, unit: unit})
		}
	}
	slices.SortFunc(list, func(a, b pmuCounter) int { return a.compare(b.place) })
	return list, nil
}

// event reads which event it is, and the unit of its counter in joules.
func (t tree) event(path string) (config uint64, unit float64, err error) {
	term, err := sysfs.Line(path)
	if err != nil {
		return 0, 0, err
	}
	scale, err := sysfs.Line(path + ".scale")
	if err != nil {
		return 0, 0, err
	}
	joules, err := sysfs.Line(path + ".unit")
	if err != nil {
		return 0, 0, err
	}
	unit, err = strconv.ParseFloat(scale, 64)
	code, isEvent := strings.CutPrefix(term, "event=")
	config, codeErr := strconv.ParseUint(code, 0, 8) // format/event is config:0-7
	if err != nil || codeErr != nil || !isEvent || joules != "Joules" || !(unit > 0 && unit < 1) {
		return 0, 0, fmt.Errorf("%s is %q in units of %s %s, which is not understood", path, term, scale, joules)
	}
	return config, unit, nil
}

// places returns the places of the packages or dies that CPUs are of. A die is named where
// its package has several.
func (t tree) places(cpus []int, amd bool) ([]place, error) {
	list := make([]place, len(cpus))
	for i, cpu := range cpus {
		topology := t.path("sys/devices/system/cpu", "cpu"+strconv.Itoa(cpu), "topology")
		pkg, err := sysfs.Number(topology + "/physical_package_id")
		if err != nil {
			return nil, err
		}
		die, err := sysfs.Number(topology + "/die_id")
		if err != nil || amd {
			die = 0
		}
		list[i] = place{pkg: int(pkg), die: int(die)}
	}
	several := map[int]bool{}
	for _, p := range list {
		several[p.pkg] = several[p.pkg] || slices.ContainsFunc(list, func(q place) bool { return q.pkg == p.pkg && q.die != p.die })
	}
	for i := range list {
		if !several[list[i].pkg] {
			list[i].die = -1
		}
	}
	return list, nil
}

// mostCPUs is more than there are on any machine.
const mostCPUs = 1 << 16

// parseCPUs parses a list of CPUs: 0,24 or 0-1.
func parseCPUs(s string) (cpus []int, ok bool) {
	for part := range strings.SplitSeq(s, ",") {
		a, b, isRange := strings.Cut(part, "-")
		first, err := strconv.ParseUint(a, 10, 16)
		last := first
		if isRange && err == nil {
			last, err = strconv.ParseUint(b, 10, 16)
		}
		if err != nil || last < first || len(cpus) > mostCPUs {
			return nil, false
		}
		for cpu := first; cpu <= last; cpu++ {
			cpus = append(cpus, int(cpu))
		}
	}
	return cpus, true
}

// openEvent opens a counter of the PMU. It begins at 0.
func (k kernel) openEvent(c pmuCounter) (*meter, error) {
	fd, err := k.open(&c.attr, c.cpu)
	if err != nil {
		return nil, fmt.Errorf("perf_event_open power/%s/: %w", c.name, err)
	}
	m := &meter{counter: counter{unit: c.unit, most: mostPackage}, fd: fd, call: k.read, binary: true}
	return m, m.try()
}
