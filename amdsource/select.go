package amdsource

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/joulebench/joulebench/powertest/energy"
)

// visibility are the variables by which ROCm hides GPUs from a program. The second one
// counts those that the first leaves.
var visibility = []string{"ROCR_VISIBLE_DEVICES", "HIP_VISIBLE_DEVICES"}

// choose returns the positions of the GPUs that the selectors name or, if there are none,
// of those that a ROCm program would see. byDefault reports whether nothing names them.
func choose(devices []energy.Device, selectors []string, env func(string) (string, bool)) (at []int, byDefault bool, err error) {
	named, err := energy.Selectors(selectors...)
	if err != nil || len(named) > 0 {
		at, err = energy.Select(devices, selectors...)
		return at, false, err
	}
	if at, err = energy.Select(devices); err != nil {
		return nil, false, err
	}
	for _, name := range visibility {
		list, set := env(name)
		if !set {
			continue
		}
		left := make([]energy.Device, len(at))
		for i, k := range at {
			left[i] = devices[k]
		}
		among, err := visible(left, name, list)
		if err != nil {
			return nil, false, err
		}
		for i, k := range among {
			among[i] = at[k]
		}
		at = among
	}
	return at, true, nil
}

// visible returns the positions of the devices that one variable leaves. Which GPU has
// which number only ROCm knows: numbers are understood where they name all of them, and
// else it fails, rather than measure a GPU that the benchmark does not use.
func visible(devices []energy.Device, name, list string) (at []int, err error) {
	numbers := map[int]bool{}
	for entry := range strings.SplitSeq(list, ",") {
		entry = strings.TrimSpace(entry)
		if n, err := strconv.Atoi(entry); err == nil {
			if n < 0 || n >= len(devices) {
				break // what follows is not seen, either
			}
			numbers[n] = true
			continue
		}
		found, err := energy.Select(devices, entry)
		if !strings.HasPrefix(strings.ToUpper(entry), "GPU-") || err != nil {
			break
		}
		at = append(at, found...)
	}
	switch {
	case len(numbers) == len(devices):
		return energy.Select(devices)
	case len(numbers) > 0:
		return nil, fmt.Errorf("%w: %s=%q is ambiguous, since ROCm counts in an order of its own\n"+
			"use UUIDs in it, or choose GPUs with POWERTEST_DEVICES: %s", energy.ErrNoDevice, name, list, energy.Names(devices))
	case len(at) == 0:
		return nil, fmt.Errorf("%w: %s=%q hides every GPU; there are %s\nunset it, or choose GPUs with POWERTEST_DEVICES",
			energy.ErrNoDevice, name, list, energy.Names(devices))
	}
	slices.Sort(at)
	return slices.Compact(at), nil
}
