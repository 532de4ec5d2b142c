package nvmlsource

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/joulebench/joulebench/powertest/energy"
)

// choice is one chosen GPU.
type choice struct {
	gpu int // position in the list of GPUs
	// parentOf is the MIG instance that was meant, if the GPU is read in its
	// place: its UUID, or words for one that is not named.
	parentOf string
	// byDefault says that nobody named the GPU: it may be left out if it tells
	// neither energy nor power.
	byDefault bool
}

// unnamedInstance stands for the instance of a GPU in MIG mode that a CUDA
// program gets without naming it.
const unnamedInstance = "one of its instances"

// choose selects among the GPUs by the selectors, or, if there are none, by the
// environment, as CUDA would. Every GPU appears once, at its first mention.
func choose(gpus []gpu, selectors []string, env func(string) (string, bool)) ([]choice, error) {
	var chosen []choice
	named := false
	for _, list := range selectors {
		for sel := range strings.SplitSeq(list, ",") {
			if sel = strings.TrimSpace(sel); sel == "" {
				continue
			}
			named = true
			cs, err := selected(gpus, sel)
			if err != nil {
				return nil, err
			}
			chosen = append(chosen, cs...)
		}
	}
	if !named {
		var err error
		if chosen, err = chosenByCUDA(gpus, env); err != nil {
			return nil, err
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
	chosen := every(gpus)
	for i := range chosen {
		chosen[i].byDefault = true
		chosen[i].parentOf = implicitInstance(gpus[i])
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

func every(gpus []gpu) []choice {
	all := make([]choice, len(gpus))
	for i := range gpus {
		all[i].gpu = i
	}
	return all
}

// selected returns what one selector means. Whoever names a whole GPU gets it
// as a whole, MIG mode or not.
func selected(gpus []gpu, sel string) ([]choice, error) {
	if strings.EqualFold(sel, "all") {
		return every(gpus), nil
	}
	if hasPrefixFold(sel, "MIG-") {
		if c, ok := instance(gpus, sel); ok {
			return []choice{c}, nil
		}
		return nil, noSuch(gpus, sel)
	}
	matches := matching(gpus, sel)
	switch len(matches) {
	case 0:
		return nil, noSuch(gpus, sel)
	case 1:
		return []choice{{gpu: matches[0]}}, nil
	}
	return nil, fmt.Errorf("nvml: %w: %q fits %d GPUs, write more of it: this machine has %s",
		energy.ErrNoDevice, sel, len(matches), listed(gpus))
}

func noSuch(gpus []gpu, sel string) error {
	return fmt.Errorf("nvml: %w: %q is not an index, UUID, PCI address or MIG instance here: this machine has %s",
		energy.ErrNoDevice, sel, listed(gpus))
}

// matching returns the positions of the GPUs that the index, PCI address or
// (beginning of a) UUID fits.
func matching(gpus []gpu, sel string) []int {
	fits := func(gpu) bool { return false }
	if n, err := strconv.Atoi(sel); err == nil {
		fits = func(g gpu) bool { return g.index == n }
	} else if a, ok := parsePCI(sel); ok {
		fits = func(g gpu) bool { return g.pci == a }
	} else if isUUIDPrefix(sel) {
		fits = func(g gpu) bool { return hasPrefixFold(g.uuid, sel) }
	}
	var at []int
	for i, g := range gpus {
		if fits(g) {
			at = append(at, i)
		}
	}
	return at
}

// isUUIDPrefix reports whether s is the beginning of a GPU's UUID, with at
// least one character of what sets it apart.
func isUUIDPrefix(s string) bool { return hasPrefixFold(s, "GPU-") && len(s) > len("GPU-") }

// instance returns the parent of a MIG instance, which is named by its UUID or
// the beginning of one ("MIG-4f1c…"), or as drivers before 470 did, by its
// parent's UUID ("MIG-GPU-8f3a…/1/0").
func instance(gpus []gpu, sel string) (choice, bool) {
	found := choice{parentOf: sel, gpu: -1}
	old, _, isOld := strings.Cut(sel[len("MIG-"):], "/")
	isOld = isOld && isUUIDPrefix(old)
	for i, g := range gpus {
		fits := isOld && strings.EqualFold(g.uuid, old) ||
			len(sel) > len("MIG-") && slices.ContainsFunc(g.instances, func(uuid string) bool { return hasPrefixFold(uuid, sel) })
		if fits && found.gpu >= 0 {
			return choice{}, false
		}
		if fits {
			found.gpu = i
		}
	}
	return found, found.gpu >= 0
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

func hasPrefixFold(s, prefix string) bool {
	return len(s) >= len(prefix) && strings.EqualFold(s[:len(prefix)], prefix)
}
