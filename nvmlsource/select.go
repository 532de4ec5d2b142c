package nvmlsource

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/joulebench/joulebench/powertest/energy"
)

// gpu is a GPU to select from: a device without what only reading it shows.
type gpu struct {
	energy.Device          // UUID is empty if the GPU does not answer
	mig           bool     // MIG mode is on
	instances     []string // UUIDs of its MIG instances
}

// String names the GPU in messages.
func (g gpu) String() string {
	if g.UUID == "" {
		return fmt.Sprintf("GPU %d (it does not answer)", g.Index)
	}
	return fmt.Sprintf("GPU %d (%s, %s, %s)", g.Index, g.Name, g.UUID, g.PCI)
}

func devicesOf(gpus []gpu) []energy.Device {
	devices := make([]energy.Device, len(gpus))
	for i, g := range gpus {
		devices[i] = g.Device
	}
	return devices
}

// choice is one chosen GPU.
type choice struct {
	gpu int // position in the list of GPUs
	// parentOf is the MIG instance that was meant, if the GPU is read in its
	// place: its UUID, or words for one that is not named.
	parentOf string
	// byDefault says that no selector names the GPU: it may be left out if it reports
	// neither energy nor power.
	byDefault bool
}

// unnamedInstance stands for the instance of a GPU in MIG mode that a CUDA
// program gets without naming it.
const unnamedInstance = "one of its instances"

// choose selects among the GPUs by the selectors, or, if there are none, by the
// environment, as CUDA would. Every GPU appears once, at its first mention. A GPU
// that is named is meant as a whole, MIG mode or not.
func choose(gpus []gpu, selectors []string, env func(string) (string, bool)) ([]choice, error) {
	lists := selectors
	selectors, err := energy.Selectors(lists...)
	if err != nil {
		return nil, fmt.Errorf("nvml: devices %q: %w", strings.Join(lists, ","), err)
	}
	if len(selectors) == 0 {
		return chosenByCUDA(gpus, env)
	}
	devices := devicesOf(gpus)
	var chosen []choice
	for _, sel := range selectors {
		if isInstance(sel) {
			c, ok := instance(gpus, sel)
			if !ok {
				return nil, fmt.Errorf("nvml: %w: no single MIG instance is named %q; there are %s", energy.ErrNoDevice, sel, instancesOf(gpus))
			}
			chosen = append(chosen, c)
			continue
		}
		at, err := energy.Select(devices, sel)
		if err != nil {
			return nil, fmt.Errorf("nvml: %w", err)
		}
		for _, i := range at {
			chosen = append(chosen, choice{gpu: i})
		}
	}
	return once(chosen), nil
}

// chosenByCUDA chooses the GPUs that a CUDA program would see.
func chosenByCUDA(gpus []gpu, env func(string) (string, bool)) ([]choice, error) {
	if list, set := env("CUDA_VISIBLE_DEVICES"); set {
		order, _ := env("CUDA_DEVICE_ORDER")
		return visible(gpus, list, order)
	}
	chosen := make([]choice, len(gpus))
	for i, g := range gpus {
		chosen[i] = choice{gpu: i, byDefault: true, parentOf: implicitInstance(g)}
	}
	return chosen, nil
}

// implicitInstance says that a program which did not name a MIG instance gets
// one all the same, if the GPU is in MIG mode.
func implicitInstance(g gpu) string {
	if g.mig {
		return unnamedInstance
	}
	return ""
}

func isInstance(sel string) bool { return hasPrefixFold(sel, "MIG-") }

// instance returns the parent of a MIG instance, which is named by its UUID or
// the beginning of one ("MIG-4f1c…"), or as drivers before 470 did, by its
// parent's UUID ("MIG-GPU-8f3a…/1/0"). ok is false if there is no such instance,
// or if instances of two GPUs fit.
func instance(gpus []gpu, sel string) (c choice, ok bool) {
	bare := sel[len("MIG-"):]
	parent, _, old := strings.Cut(bare, "/")
	found := choice{parentOf: sel, gpu: -1}
	for i, g := range gpus {
		fits := old && isUUID(parent) && strings.EqualFold(g.UUID, parent) ||
			bare != "" && slices.ContainsFunc(g.instances, func(uuid string) bool { return hasPrefixFold(uuid, sel) })
		if fits && found.gpu >= 0 {
			return choice{}, false
		}
		if fits {
			found.gpu = i
		}
	}
	return found, found.gpu >= 0
}

func instancesOf(gpus []gpu) string {
	var list []string
	for _, g := range gpus {
		for _, uuid := range g.instances {
			list = append(list, fmt.Sprintf("%s (of GPU %d)", uuid, g.Index))
		}
	}
	if len(list) == 0 {
		return "no MIG instances"
	}
	return strings.Join(list, ", ")
}

// isUUID reports whether s is the beginning of a GPU's UUID, as CUDA takes it.
func isUUID(s string) bool { return hasPrefixFold(s, "GPU-") }

func hasPrefixFold(s, prefix string) bool {
	return len(s) >= len(prefix) && strings.EqualFold(s[:len(prefix)], prefix)
}

// once keeps the first choice of every GPU. If one choice of a GPU means an
// instance, its number is that of the parent, whatever the others mean.
func once(cs []choice) []choice {
	var kept []choice
	for _, c := range cs {
		i := slices.IndexFunc(kept, func(k choice) bool { return k.gpu == c.gpu })
		switch {
		case i < 0:
			kept = append(kept, c)
		case kept[i].parentOf == "":
			kept[i].parentOf = c.parentOf
		}
	}
	return kept
}

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
		c, byNumber, ok := visibleEntry(gpus, busOrder, strings.TrimSpace(entry))
		if !ok {
			break
		}
		numbered = numbered || byNumber
		chosen = append(chosen, c)
	}
	chosen = once(chosen)
	if len(chosen) == 0 {
		return nil, fmt.Errorf("nvml: %w: CUDA_VISIBLE_DEVICES=%q hides every GPU; there are %s\n"+
			"unset it, or choose GPUs with POWERTEST_DEVICES", energy.ErrNoDevice, list, energy.Names(devicesOf(gpus)))
	}
	if numbered && len(chosen) < len(gpus) && order != "PCI_BUS_ID" && !sameModel(gpus) {
		return nil, fmt.Errorf("nvml: %w: CUDA_VISIBLE_DEVICES=%q is ambiguous, since there are different models and CUDA counts the fastest first\n"+
			"set CUDA_DEVICE_ORDER=PCI_BUS_ID, or use UUIDs, or choose GPUs with POWERTEST_DEVICES: %s", energy.ErrNoDevice, list, energy.Names(devicesOf(gpus)))
	}
	return chosen, nil
}

// visibleEntry returns what one entry of the list makes visible, and whether it
// does so by number. ok is false if it is no visible device.
func visibleEntry(gpus []gpu, busOrder []int, entry string) (c choice, byNumber, ok bool) {
	at := -1
	if n, err := strconv.Atoi(entry); err == nil {
		if byNumber = true; n >= 0 && n < len(busOrder) {
			at = busOrder[n]
		}
	} else if isInstance(entry) {
		c, ok = instance(gpus, entry)
		return c, false, ok
	} else if isUUID(entry) { // CUDA knows no other names
		if found, err := energy.Select(devicesOf(gpus), entry); err == nil && len(found) == 1 {
			at = found[0]
		}
	}
	if at < 0 {
		return choice{}, byNumber, false
	}
	return choice{gpu: at, parentOf: implicitInstance(gpus[at])}, byNumber, true
}

// inBusOrder returns the positions of the GPUs in the order of their PCI
// addresses; NVML's order, which should be the same, if one has none.
func inBusOrder(gpus []gpu) []int {
	order := make([]int, len(gpus))
	known := true
	for i, g := range gpus {
		order[i] = i
		known = known && g.PCI != ""
	}
	if known { // addresses have leading zeros
		slices.SortStableFunc(order, func(a, b int) int { return strings.Compare(gpus[a].PCI, gpus[b].PCI) })
	}
	return order
}

func sameModel(gpus []gpu) bool {
	return !slices.ContainsFunc(gpus, func(g gpu) bool { return g.Name != gpus[0].Name })
}
