package energy

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// Select returns the positions of the devices that the selectors name, each once, in
// the order of their first mention; all of them if there is no selector. An element
// may hold several selectors with commas between them. A selector is, in any case of
// letters:
//
//	all            every device
//	2              the device with that index, where all are on one host: the GPU, if
//	               there are GPUs, and otherwise that of each kind
//	0-3            those with these indices, all of which must be there
//	cpu            the devices of a kind: gpu, cpu, dram, module or node
//	cpu:0          the device of a kind with that index; cpu:0-1 is possible too
//	GPU-8f3a…      a UUID, or the beginning of one; GPU- may be left out
//	0000:3b:00.0   a PCI address; a domain and a function of 0 may be left out
//	HOST           the devices of a host
//	HOST/2         the device of a host with that index; HOST/0-3 is possible too
//
// A selector that names nothing, or that could mean different things, is an error
// that lists what there is and wraps [ErrNoDevice]. That of [Selectors] is one, too.
func Select(devices []Device, selectors ...string) ([]int, error) {
	lists := selectors
	selectors, err := Selectors(lists...)
	if err != nil {
		return nil, fmt.Errorf("devices %q: %w", strings.Join(lists, ","), err)
	}
	if len(selectors) == 0 {
		return where(devices, func(Device) bool { return true }), nil
	}
	var chosen []int
	for _, sel := range selectors {
		at, err := selectOne(devices, sel)
		if err != nil {
			return nil, err
		}
		for _, i := range at {
			if !slices.Contains(chosen, i) {
				chosen = append(chosen, i)
			}
		}
	}
	return chosen, nil
}

// Selectors returns the selectors in lists of them, which have commas between them:
// for a source that has some of its own beside those of [Select]. An empty list has
// none. The error is about an empty element of another, and wraps [ErrMalformed]: of
// a list that a script makes, a device would be missing.
func Selectors(lists ...string) (all []string, err error) {
	for _, list := range lists {
		if strings.TrimSpace(list) == "" {
			continue
		}
		for sel := range strings.SplitSeq(list, ",") {
			if sel = strings.TrimSpace(sel); sel == "" {
				return nil, fmt.Errorf("%w: an element is empty\nwrite indices, ranges or UUIDs of devices with commas between them, such as 0,1", ErrMalformed)
			}
			all = append(all, sel)
		}
	}
	return all, nil
}

// selectOne returns the devices that one selector names. A whole name goes before
// the beginning of one.
func selectOne(devices []Device, sel string) ([]int, error) {
	if strings.EqualFold(sel, "all") {
		return where(devices, func(Device) bool { return true }), nil
	}
	var found []int
	for _, meaning := range []func([]Device, string) ([]int, error){byUUID, byKind, byHost, byIndex, byPCI} {
		at, err := meaning(devices, sel)
		if err != nil {
			return nil, err
		}
		if len(at) > 0 && len(found) > 0 && !slices.Equal(at, found) {
			return nil, ambiguous(devices, append(found, at...), sel)
		}
		if len(at) > 0 {
			found = at
		}
	}
	if len(found) > 0 {
		return found, nil
	}
	switch at := where(devices, func(d Device) bool { return beginsUUID(d.UUID, sel) }); len(at) {
	case 0:
		return nil, fmt.Errorf("%w: nothing is named %q; there are %s", ErrNoDevice, sel, Names(devices))
	case 1:
		return at, nil
	default:
		return nil, ambiguous(devices, at, sel)
	}
}

func ambiguous(devices []Device, at []int, sel string) error {
	fitting := make([]Device, len(at))
	for i, k := range at {
		fitting[i] = devices[k]
	}
	return fmt.Errorf("%w: %q is ambiguous, it fits %s", ErrNoDevice, sel, Names(fitting))
}

func where(devices []Device, fits func(Device) bool) []int {
	at := make([]int, 0, len(devices))
	for i, d := range devices {
		if fits(d) {
			at = append(at, i)
		}
	}
	return at
}

func byUUID(devices []Device, sel string) ([]int, error) {
	return where(devices, func(d Device) bool { return strings.EqualFold(d.UUID, sel) }), nil
}

// beginsUUID reports whether sel is the beginning of a UUID, with at least one
// character after its prefix, such as GPU-, or with at least four if that is left out.
func beginsUUID(uuid, sel string) bool {
	prefix, rest, found := strings.Cut(uuid, "-")
	if !found {
		rest = uuid
	}
	return len(sel) >= 4 && hasPrefixFold(rest, sel) || found && len(sel) > len(prefix)+1 && hasPrefixFold(uuid, sel)
}

func hasPrefixFold(s, prefix string) bool {
	return len(s) >= len(prefix) && strings.EqualFold(s[:len(prefix)], prefix)
}

func byHost(devices []Device, sel string) ([]int, error) {
	if at := where(devices, func(d Device) bool { return d.Host != "" && strings.EqualFold(d.Host, sel) }); len(at) > 0 {
		return at, nil
	}
	slash := strings.LastIndexByte(sel, '/')
	if slash < 0 {
		return nil, nil
	}
	onHost := where(devices, func(d Device) bool { return strings.EqualFold(d.Host, sel[:slash]) })
	return numbered(devices, onHost, sel[slash+1:], sel)
}

// byKind takes a kind, or a kind with an index or a range of them.
func byKind(devices []Device, sel string) ([]int, error) {
	kind, index, hasIndex := strings.Cut(strings.ToLower(sel), ":")
	ofKind := where(devices, func(d Device) bool { return string(d.Kind.OrGPU()) == kind })
	if !hasIndex {
		return ofKind, nil
	}
	at, err := indexed(devices, ofKind, index, sel)
	return onOneHost(devices, at, sel, err)
}

// byIndex takes an index or a range of them, which say which device only if all are
// on one host.
func byIndex(devices []Device, sel string) ([]int, error) {
	at, err := numbered(devices, where(devices, func(Device) bool { return true }), sel, sel)
	return onOneHost(devices, at, sel, err)
}

// onOneHost returns what an index has found, unless it could be on several hosts.
func onOneHost(devices []Device, at []int, sel string, err error) ([]int, error) {
	if err != nil || len(at) == 0 {
		return nil, err
	}
	kind := devices[at[0]].Kind.OrGPU()
	alike := where(devices, func(d Device) bool { return d.Kind.OrGPU() == kind })
	if hosts := hostsOf(devices, alike); len(hosts) > 1 {
		return nil, fmt.Errorf("%w: %q is ambiguous, since there are several hosts (%s)\nwrite HOST/%[2]s", ErrNoDevice, sel, strings.Join(hosts, ", "))
	}
	return at, nil
}

// numbered returns those of the devices at these positions that an index or a range
// names: GPUs, if there are GPUs, and otherwise of each kind.
func numbered(devices []Device, at []int, text, sel string) ([]int, error) {
	kinds := map[Kind][]int{}
	for _, i := range at {
		k := devices[i].Kind.OrGPU()
		kinds[k] = append(kinds[k], i)
	}
	if gpus := kinds[GPU]; len(gpus) > 0 {
		return indexed(devices, gpus, text, sel)
	}
	var all []int
	for _, k := range KindsOf(devices) {
		found, err := indexed(devices, kinds[k], text, sel)
		if err != nil {
			return nil, err
		}
		all = append(all, found...)
	}
	return all, nil
}

// indexed returns those of the devices at these positions that an index or a range
// names: nothing if text is neither.
func indexed(devices []Device, at []int, text, sel string) ([]int, error) {
	from, to, ok := indexRange(text)
	if !ok {
		return nil, nil
	}
	var found []int
	for n := from; n <= to; n++ {
		count := len(found)
		for _, i := range at {
			if devices[i].Index == n {
				found = append(found, i)
			}
		}
		switch {
		case len(found) == count && from == to:
			return nil, nil // it may be the beginning of a UUID
		case len(found) == count:
			return nil, fmt.Errorf("%w: no device has the index %d of %q; there are %s", ErrNoDevice, n, sel, Names(devices))
		case len(found) > count+1 && len(hostsOf(devices, at)) < 2:
			return nil, ambiguous(devices, found[count:], sel)
		}
	}
	return found, nil
}

// indexRange parses 2 or 0-3.
func indexRange(s string) (from, to int, ok bool) {
	a, b, isRange := strings.Cut(s, "-")
	first, err := strconv.ParseUint(a, 10, 31)
	if err != nil {
		return 0, 0, false
	}
	if !isRange {
		return int(first), int(first), true
	}
	last, err := strconv.ParseUint(b, 10, 31)
	return int(first), int(last), err == nil && first <= last
}

// byPCI compares PCI addresses, whose domain is written with four digits, with
// eight, or left out where it is 0, as the function may be.
func byPCI(devices []Device, sel string) ([]int, error) {
	if !strings.Contains(sel, ":") {
		return nil, nil
	}
	return where(devices, func(d Device) bool { return d.PCI != "" && strings.EqualFold(shortPCI(d.PCI), shortPCI(sel)) }), nil
}

func shortPCI(address string) string {
	address = strings.TrimSuffix(address, ".0")
	if strings.Count(address, ":") < 2 {
		return address
	}
	domain, rest, _ := strings.Cut(address, ":")
	if domain = strings.TrimLeft(domain, "0"); domain == "" {
		return rest
	}
	return domain + ":" + rest
}

// hostsOf returns the hosts of the devices at these positions, each once, sorted.
func hostsOf(devices []Device, at []int) []string {
	var hosts []string
	for _, i := range at {
		hosts = append(hosts, devices[i].Host)
	}
	slices.Sort(hosts)
	return slices.Compact(hosts)
}

// Names names the devices for a message, by what [Select] takes: at most a screen of
// them.
func Names(devices []Device) string {
	const shown = 16
	if len(devices) == 0 {
		return "no devices"
	}
	var list []string
	for _, d := range devices[:min(len(devices), shown)] {
		index := strconv.Itoa(d.Index)
		switch kind := d.Kind.OrGPU(); {
		case kind != GPU:
			index = string(kind) + ":" + index
		case d.Host != "":
			index = d.Host + "/" + index
		}
		list = append(list, fmt.Sprintf("%s (%s)", index, d.UUID))
	}
	if more := len(devices) - shown; more > 0 {
		list = append(list, fmt.Sprintf("and %d more", more))
	}
	return strings.Join(list, ", ")
}

// A Selection says which devices of a source are measured, and what they do. The
// zero Selection is all of them, as the source describes them.
type Selection struct {
	// Devices are selectors as [Select] takes them; none means all devices.
	Devices []string
	// Roles are given to devices whose role the source does not know.
	Roles []Role
}

// Wants reports whether a device that was not among all when they were selected from would
// have been selected, or would have made the selectors ambiguous.
func (s Selection) Wants(all []Device, d Device) bool {
	at, err := Select(append(all[:len(all):len(all)], d), s.Devices...)
	return err != nil || slices.Contains(at, len(all))
}

// A Role is what some devices do in a server that divides its work.
type Role struct {
	// Name is the role, such as "prefill": a name by [IsPartName], since it becomes the
	// beginning of units.
	Name string
	// Devices are selectors as [Select] takes them.
	Devices []string
}

// ParseRole returns the role that a text gives, such as "0-3=prefill": selectors, an equals
// sign and a name.
func ParseRole(s string) (Role, error) {
	selectors, name, found := strings.Cut(s, "=")
	if !found || strings.TrimSpace(selectors) == "" || strings.TrimSpace(name) == "" {
		return Role{}, errors.New("it must be selectors, an equals sign and a role, for instance 0-3=prefill")
	}
	return Role{Name: strings.TrimSpace(name), Devices: []string{selectors}}, nil
}

// IsPartName reports whether a part of the energy, a role's or a phase's, can be
// reported under a name: it becomes the beginning of units.
func IsPartName(name string) bool {
	return name != "" && name != "net" && !strings.ContainsFunc(name, unicode.IsSpace)
}

// Choose returns the positions of the devices that are chosen, and what they are like
// with their roles. A device has one role at most: its energy counts for that. The
// error wraps [ErrNoDevice], or [ErrMalformed].
func (s Selection) Choose(all []Device) (index []int, chosen []Device, err error) {
	if index, err = Select(all, s.Devices...); err != nil {
		return nil, nil, err
	}
	for _, i := range index {
		chosen = append(chosen, all[i])
	}
	for _, r := range s.Roles {
		if !IsPartName(r.Name) {
			return nil, nil, fmt.Errorf("role %q: %w: a role's name has no spaces, and is not empty or \"net\"", r.Name, ErrMalformed)
		}
		if !slices.ContainsFunc(r.Devices, func(sel string) bool { return strings.TrimSpace(sel) != "" }) {
			return nil, nil, fmt.Errorf("role %q: %w: it names no devices", r.Name, ErrMalformed)
		}
		at, err := Select(chosen, r.Devices...)
		if err != nil {
			return nil, nil, fmt.Errorf("role %q: %w", r.Name, err)
		}
		for _, i := range at {
			d := &chosen[i]
			if d.Role != "" && d.Role != r.Name {
				return nil, nil, fmt.Errorf("%w: %s has two roles, %q and %q", ErrMalformed, d.UUID, d.Role, r.Name)
			}
			d.Role = r.Name
		}
	}
	return index, chosen, nil
}
