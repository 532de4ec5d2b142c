package nvmlsource

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/joulebench/joulebench/powertest/energy"
)

// visible chooses the GPUs that CUDA_VISIBLE_DEVICES makes visible, by CUDA's
// own rules: the list ends before the first entry that is not a visible device,
// be it -1, an index out of range, a word or a UUID of another machine. An
// empty list hides every GPU.
//
// order is CUDA_DEVICE_ORDER, by which CUDA counts. PCI_BUS_ID is the order of
// the bus. In the default order, FASTEST_FIRST, equal GPUs stay in the order of
// the bus, but among different models only CUDA knows which one comes first:
// an index is then ambiguous, and visible fails rather than measure a GPU that
// the benchmark does not use. It does not matter which is which where the
// indices name all GPUs.
func visible(gpus []gpu, list, order string) ([]choice, error) {
	busOrder := inBusOrder(gpus)
	var chosen []choice
	numbered := false
	for entry := range strings.SplitSeq(list, ",") {
		entry = strings.TrimSpace(entry)
		c, byNumber, ok := visibleEntry(gpus, busOrder, entry)
		if !ok {
			break
		}
		numbered = numbered || byNumber
		chosen = append(chosen, c)
	}
	chosen = once(chosen)
	if len(chosen) == 0 {
		return nil, fmt.Errorf("nvml: %w: CUDA_VISIBLE_DEVICES=%q hides every GPU: this machine has %s: "+
			"unset it, or choose GPUs with POWERTEST_DEVICES", energy.ErrNoDevice, list, listed(gpus))
	}
	if numbered && len(chosen) < len(gpus) && order != "PCI_BUS_ID" && !sameModel(gpus) {
		return nil, fmt.Errorf("nvml: %w: CUDA_VISIBLE_DEVICES=%q is ambiguous, since this machine has different models "+
			"and CUDA counts the fastest first: set CUDA_DEVICE_ORDER=PCI_BUS_ID, or use UUIDs, "+
			"or choose GPUs with POWERTEST_DEVICES: this machine has %s", energy.ErrNoDevice, list, listed(gpus))
	}
	return chosen, nil
}

// visibleEntry returns what one entry of the list makes visible, and whether it
// does so by number. ok is false if it is no visible device.
func visibleEntry(gpus []gpu, busOrder []int, entry string) (c choice, byNumber, ok bool) {
	if n, err := strconv.Atoi(entry); err == nil {
		if n < 0 || n >= len(busOrder) {
			return choice{}, true, false
		}
		at := busOrder[n]
		return choice{gpu: at, parentOf: implicitInstance(gpus[at])}, true, true
	}
	if hasPrefixFold(entry, "MIG-") {
		c, ok = instance(gpus, entry)
		return c, false, ok
	}
	if !isUUIDPrefix(entry) {
		return choice{}, false, false
	}
	matches := matching(gpus, entry)
	if len(matches) != 1 {
		return choice{}, false, false
	}
	return choice{gpu: matches[0], parentOf: implicitInstance(gpus[matches[0]])}, false, true
}

// inBusOrder returns the positions of the GPUs in the order of their PCI
// addresses; NVML's order, which should be the same, if one has none.
func inBusOrder(gpus []gpu) []int {
	order := make([]int, len(gpus))
	known := true
	for i, g := range gpus {
		order[i] = i
		known = known && g.pci.known
	}
	if known {
		slices.SortStableFunc(order, func(a, b int) int { return gpus[a].pci.compare(gpus[b].pci) })
	}
	return order
}

func sameModel(gpus []gpu) bool {
	return !slices.ContainsFunc(gpus, func(g gpu) bool { return g.name != gpus[0].name })
}
