package metricname

import (
	"strings"

	"github.com/joulebench/joulebench/powertest/energy"
)

// CountsModule reports whether the energy counter of a model is known to be that of the
// module of a superchip, its CPU included, and not that of the GPU: others have seen that on
// a GH200 (Zeus, issue 172), although nvml.h says otherwise, and an MI300A is one package of
// both.
func CountsModule(model string) bool {
	model = strings.ToUpper(model)
	return strings.Contains(model, "GH200") || strings.Contains(model, "MI300A")
}

// AMDCountsModule is CountsModule by the PCI device number of a GPU of AMD, whose name may
// not be known.
func AMDCountsModule(number uint16) bool {
	const mi300A = 0x74a0
	return number == mi300A
}

// ModuleMark is the finding about a device whose counter is that of its module.
func ModuleMark(uuid string) energy.Finding {
	return energy.Finding{Reason: energy.ModuleScope, Device: uuid, Detail: "the energy counter is that of the whole module, its CPU included"}
}
