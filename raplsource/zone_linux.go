package raplsource

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/joulebench/joulebench/internal/sysfs"
	"github.com/joulebench/joulebench/powertest/energy"
)

// Zones are listed here, and not by GetRaplZones of github.com/prometheus/procfs/sysfs
// (v0.23.0): there one zone without its max_energy_range_uj hides all others, links that lead
// nowhere are no error, a zone does not know its parent, nor a die its package, the same
// package comes twice without a sign of it, and to read a counter allocates.

// place is where a device is: which package, or which die of one; die is -1 if it is all of
// the package.
type place struct {
	kind     energy.Kind
	pkg, die int
}

func (p place) String() string {
	s := fmt.Sprintf("package-%d", p.pkg)
	if p.die >= 0 {
		s += fmt.Sprintf("-die-%d", p.die)
	}
	return s
}

// compare orders places: packages first, then memories.
func (p place) compare(q place) int {
	return cmp.Or(cmp.Compare(p.kind, q.kind), cmp.Compare(p.pkg, q.pkg), cmp.Compare(p.die, q.die))
}

// zone is a zone of powercap.
type zone struct {
	dir     string
	mmio    bool
	numbers []uint64 // of the zone within its parents; in the file system they are hexadecimal
	name    string
	err     error // of reading the name: what the zone is of is not known
}

// parseZone parses the name of an entry of /sys/class/powercap: intel-rapl:0 or
// intel-rapl-mmio:a:1, on processors of AMD, too. ok is false for what is no zone of RAPL.
func parseZone(entry string) (z zone, ok bool) {
	control, rest, found := strings.Cut(entry, ":")
	if !found || control != "intel-rapl" && !strings.HasPrefix(control, "intel-rapl-") {
		return zone{}, false
	}
	z.mmio = control == "intel-rapl-mmio"
	for part := range strings.SplitSeq(rest, ":") {
		n, err := strconv.ParseUint(part, 16, 31)
		if err != nil {
			return zone{}, false
		}
		z.numbers = append(z.numbers, n)
	}
	return z, true
}

// compare orders zones as they are preferred: what is the same by registers and by memory is
// read by registers.
func (z zone) compare(other zone) int {
	if z.mmio != other.mmio {
		if other.mmio {
			return -1
		}
		return 1
	}
	return slices.Compare(z.numbers, other.numbers)
}

// isChildOf reports whether a zone is within another.
func (z zone) isChildOf(parent zone) bool {
	n := len(z.numbers) - 1
	return z.mmio == parent.mmio && n == len(parent.numbers) && slices.Equal(z.numbers[:n], parent.numbers)
}

// parsePackage parses the name of a package's zone: package-1, or package-1-die-0.
func parsePackage(name string) (p place, ok bool) {
	rest, found := strings.CutPrefix(name, "package-")
	if !found {
		return place{}, false
	}
	pkg, die, hasDie := strings.Cut(rest, "-die-")
	n, err := strconv.ParseUint(pkg, 10, 31)
	p = place{kind: energy.CPU, pkg: int(n), die: -1}
	if hasDie && err == nil {
		n, err = strconv.ParseUint(die, 10, 31)
		p.die = int(n)
	}
	return p, err == nil
}

// errHidden says that a container hides the zones.
var errHidden = fmt.Errorf("the links in it lead nowhere, as where a container hides them: %w", fs.ErrNotExist)

// zones lists the zones in the order of preference. The error is that of the folder, or
// errHidden; of a tree without zones there is none.
func (t tree) zones() (list []zone, err error) {
	dir := t.path("sys/class/powercap")
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	hidden := true
	for _, e := range entries {
		z, ok := parseZone(e.Name())
		if !ok {
			continue
		}
		z.dir = t.path("sys/class/powercap", e.Name())
		if z.name, z.err = sysfs.Line(z.dir + "/name"); z.err == nil && z.name == "" {
			z.err = errNameless
		}
		if _, err := os.Stat(z.dir); !errors.Is(err, fs.ErrNotExist) {
			hidden = false
		}
		list = append(list, z)
	}
	if hidden && len(list) > 0 {
		return nil, errHidden
	}
	slices.SortFunc(list, zone.compare)
	return list, nil
}

// errNameless says that a zone says nothing of what it is of.
var errNameless = errors.New("its name is empty")

// placed is a device with the zones that show it, of which the first that can be read counts.
type placed struct {
	place
	zones []zone
}

// devicesOf returns the devices that zones show, in order. Those of AMD have dies that share
// the counter of the package.
func devicesOf(zones []zone, amd bool) []placed {
	var list []placed
	for _, z := range zones {
		p, ok := z.place(zones)
		if !ok {
			continue
		}
		if amd {
			p.die = -1
		}
		i := slices.IndexFunc(list, func(d placed) bool { return d.place == p })
		if i < 0 {
			list, i = append(list, placed{place: p}), len(list)
		}
		list[i].zones = append(list[i].zones, z)
	}
	slices.SortFunc(list, func(a, b placed) int { return a.compare(b.place) })
	return list
}

// place returns where the device of a zone is; ok is false for zones that are no devices:
// parts of a package, the platform around packages, and what has no name.
func (z zone) place(all []zone) (p place, ok bool) {
	if z.name != "dram" {
		return parsePackage(z.name)
	}
	i := slices.IndexFunc(all, z.isChildOf)
	if i < 0 {
		return place{}, false
	}
	p, ok = parsePackage(all[i].name)
	p.kind = energy.DRAM
	return p, ok
}

// powerLimit returns the power limit of a package's zone in watts: the greater of the limits
// over seconds and over milliseconds, as they are set, or else as they can be set at most. It
// is 0 where none is known or kept. That of a memory is not used: where none is set, kernels
// show numbers that are none.
func (z zone) powerLimit() (watts float64) {
	if enabled, err := sysfs.Line(z.dir + "/enabled"); err == nil && enabled == "0" {
		return 0
	}
	for _, constraint := range []string{"/constraint_0_", "/constraint_1_"} {
		for _, file := range []string{"power_limit_uw", "max_power_uw"} {
			uw, err := sysfs.Number(z.dir + constraint + file)
			if w := float64(uw) / 1e6; err == nil && w > 0 && w < mostPackage {
				watts = max(watts, w)
				break
			}
		}
	}
	return watts
}
