package dcgmsource

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/joulebench/joulebench/powertest/energy"
)

// selectDevices returns the positions of the devices that the selectors name,
// each once, in the order of the first mention; all of them if there is no
// selector. An element may hold several, separated by commas. The error wraps
// [energy.ErrNoDevice] and lists what there is.
func selectDevices(devices []energy.Device, selectors []string) ([]int, error) {
	var chosen []int
	named := false
	for _, list := range selectors {
		for sel := range strings.SplitSeq(list, ",") {
			if sel = strings.TrimSpace(sel); sel == "" {
				continue
			}
			named = true
			at, err := matching(devices, sel)
			if err != nil {
				return nil, err
			}
			for _, i := range at {
				if !slices.Contains(chosen, i) {
					chosen = append(chosen, i)
				}
			}
		}
	}
	if !named {
		return every(devices), nil
	}
	return chosen, nil
}

func every(devices []energy.Device) []int {
	all := make([]int, len(devices))
	for i := range all {
		all[i] = i
	}
	return all
}

// matching returns the devices that one selector names: all of them, those of a
// host, or one.
func matching(devices []energy.Device, sel string) ([]int, error) {
	if strings.EqualFold(sel, "all") {
		return every(devices), nil
	}
	if at := where(devices, func(d energy.Device) bool { return strings.EqualFold(d.UUID, sel) }); len(at) > 0 {
		return at, nil
	}
	if at := where(devices, func(d energy.Device) bool { return d.Host != "" && strings.EqualFold(d.Host, sel) }); len(at) > 0 {
		return at, nil
	}
	if n, err := strconv.Atoi(sel); err == nil {
		return numbered(devices, sel, n)
	}
	at := where(devices, func(d energy.Device) bool {
		return beginsUUID(d.UUID, sel) || isOnHost(d, sel) || samePCI(d.PCI, sel)
	})
	switch len(at) {
	case 0:
		return nil, fmt.Errorf("dcgm: %w: %q is no UUID (or the beginning of one), host, host/index, PCI address or index here: there are %s",
			energy.ErrNoDevice, sel, listed(devices))
	case 1:
		return at, nil
	}
	return nil, ambiguous(devices, at, sel)
}

// numbered returns the device with the index, which says which one only if all
// are on one host.
func numbered(devices []energy.Device, sel string, index int) ([]int, error) {
	at := where(devices, func(d energy.Device) bool { return d.Index == index && index >= 0 })
	hosts := hostsOf(devices)
	switch {
	case len(hosts) > 1:
		return nil, fmt.Errorf("dcgm: %w: the index %s is ambiguous, since there are several hosts (%s): write HOST/%s, or a UUID; there are %s",
			energy.ErrNoDevice, sel, strings.Join(hosts, ", "), sel, listed(devices))
	case len(at) == 0:
		return nil, fmt.Errorf("dcgm: %w: no GPU has the index %s: there are %s", energy.ErrNoDevice, sel, listed(devices))
	case len(at) > 1:
		return nil, ambiguous(devices, at, sel)
	}
	return at, nil
}

func ambiguous(devices []energy.Device, at []int, sel string) error {
	fitting := make([]energy.Device, len(at))
	for i, k := range at {
		fitting[i] = devices[k]
	}
	return fmt.Errorf("dcgm: %w: %q is ambiguous, it fits %s: write a UUID, or HOST/INDEX", energy.ErrNoDevice, sel, listed(fitting))
}

func where(devices []energy.Device, fits func(energy.Device) bool) []int {
	var at []int
	for i, d := range devices {
		if fits(d) {
			at = append(at, i)
		}
	}
	return at
}

// beginsUUID reports whether sel is the beginning of the UUID, with at least one
// character of what sets it apart.
func beginsUUID(uuid, sel string) bool {
	return len(sel) > len("GPU-") && len(sel) <= len(uuid) && strings.EqualFold(uuid[:len(sel)], sel)
}

func isOnHost(d energy.Device, sel string) bool {
	slash := strings.LastIndexByte(sel, '/')
	return slash > 0 && strings.EqualFold(d.Host, sel[:slash]) && sel[slash+1:] == strconv.Itoa(d.Index)
}

// samePCI compares PCI addresses, whose domain is written with four digits,
// with eight, or left out where it is 0.
func samePCI(a, b string) bool {
	return strings.Count(b, ":") > 0 && strings.EqualFold(shortPCI(a), shortPCI(b))
}

func shortPCI(address string) string {
	if strings.Count(address, ":") < 2 {
		return address
	}
	domain, rest, _ := strings.Cut(address, ":")
	if domain = strings.TrimLeft(domain, "0"); domain == "" {
		return rest
	}
	return domain + ":" + rest
}

// hostsOf returns the hosts of the devices, each once, sorted.
func hostsOf(devices []energy.Device) []string {
	var hosts []string
	for _, d := range devices {
		hosts = append(hosts, d.Host)
	}
	slices.Sort(hosts)
	return slices.Compact(hosts)
}

// listed names the devices for an error, at most a screen of them.
func listed(devices []energy.Device) string {
	const shown = 16
	if len(devices) == 0 {
		return "no GPUs"
	}
	var list []string
	for _, d := range devices[:min(len(devices), shown)] {
		list = append(list, fmt.Sprintf("%s (%s/%d)", d.UUID, d.Host, d.Index))
	}
	if more := len(devices) - shown; more > 0 {
		list = append(list, fmt.Sprintf("and %d more", more))
	}
	return strings.Join(list, ", ")
}
