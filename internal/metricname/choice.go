package metricname

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/joulebench/joulebench/powertest/energy"
)

// Found is a device that rows were found of.
type Found struct {
	Device energy.Device
	// From is the exporter of the metric that is read of it.
	From *Exporter
	// Beside are further exporters that have rows of it.
	Beside []*Exporter
}

// kindsByChoice are what is measured where nobody says what: the first of these of which
// there is any.
var kindsByChoice = [][]energy.Kind{{energy.GPU}, {energy.Module}, {energy.CPU, energy.DRAM}, {energy.Node}}

// AllKinds are the kinds of devices that can be asked for.
var AllKinds = []energy.Kind{energy.GPU, energy.Module, energy.CPU, energy.DRAM, energy.Node}

// ParseKinds understands what somebody asks for: a kind, where cpu is the processors with
// their memory, or all. The error wraps [energy.ErrMalformed].
func ParseKinds(words ...string) (kinds []energy.Kind, err error) {
	for _, word := range words {
		switch k := energy.Kind(word); {
		case word == "all":
			kinds = append(kinds, AllKinds...)
		case k == energy.CPU:
			kinds = append(kinds, energy.CPU, energy.DRAM)
		case slices.Contains(AllKinds, k):
			kinds = append(kinds, k)
		default:
			return nil, fmt.Errorf("%w: kind=%.20q is none\nwrite kind=gpu, cpu (with its memory), dram, module, node or all", energy.ErrMalformed, word)
		}
	}
	return kinds, nil
}

// Choose returns the positions of the devices to measure, those of the kinds, each once;
// where there are no kinds, the GPUs, and if there are none what else there is. The note
// names what is there beside them; empty if nothing is.
//
// What two exporters have can be one device by two names: of each kind, only what one
// exporter has is measured. GPUs are known by their UUID to all exporters of NVIDIA's, and
// those of several vendors are different ones.
func Choose(found []Found, kinds []energy.Kind) (at []int, note string) {
	admitted := make([]int, 0, len(found))
	for i := range found {
		if admit := found[i].From.admit; admit == nil || admit(&found[i].Device) {
			admitted = append(admitted, i)
		}
	}
	is := func(kinds []energy.Kind) func(int) bool {
		return func(i int) bool { return slices.Contains(kinds, found[i].Device.Kind.OrGPU()) }
	}
	for _, some := range kindsByChoice {
		if len(kinds) == 0 && slices.ContainsFunc(admitted, is(some)) {
			kinds = some
		}
	}
	chosen := chosenExporters(found, admitted)
	left := map[string]int{}
	for _, i := range admitted {
		kind, from := found[i].Device.Kind.OrGPU(), found[i].From
		if is(kinds)(i) && (from.Vendor == nvidia || chosen[group{kind, from.Vendor}] == from.Name) {
			at = append(at, i)
			for _, x := range found[i].Beside {
				left["the same of "+x.Name]++
			}
			continue
		}
		left[fmt.Sprintf("%s of %s", kind, from.Name)]++
	}
	return at, noteOf(left)
}

// group is what only one exporter is read of.
type group struct {
	kind   energy.Kind
	vendor string
}

// chosenExporters returns the name of the exporter of each group that is read.
func chosenExporters(found []Found, admitted []int) map[group]string {
	order := slices.Clone(admitted)
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(rank(found[a].From), rank(found[b].From)) })
	chosen := map[group]string{}
	vendors := false
	for _, i := range order {
		g := group{found[i].Device.Kind.OrGPU(), found[i].From.Vendor}
		if _, has := chosen[g]; !has {
			chosen[g] = found[i].From.Name
		}
		vendors = vendors || g.kind == energy.GPU && g.vendor != ""
	}
	if vendors {
		delete(chosen, group{energy.GPU, ""}) // they may be the same GPUs
	}
	return chosen
}

// rank is the position of an exporter's first metric.
func rank(x *Exporter) int {
	return slices.IndexFunc(Table, func(m Metric) bool { return m.From == x })
}

func noteOf(left map[string]int) string {
	var parts []string
	for what, n := range left {
		parts = append(parts, fmt.Sprintf("%d %s", n, what))
	}
	if len(parts) == 0 {
		return ""
	}
	slices.Sort(parts)
	return "not measured are " + strings.Join(parts, ", ") + " (see kind=)"
}
