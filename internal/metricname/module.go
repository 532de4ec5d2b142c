package metricname

import (
	"strings"

	"github.com/joulebench/joulebench/powertest/energy"
)

// CountsModule reports whether the energy counter of a model is known to be that of the
// module of a superchip, its CPU included, and not that of the GPU: others have seen that on
// a GH200 (Zeus, issue 172), although nvml.h says otherwise.
func CountsModule(model string) bool { return strings.Contains(strings.ToUpper(model), "GH200") }

// ModuleMark is the finding about a device whose counter is that of its module.
func ModuleMark(uuid string) energy.Finding {
	return energy.Finding{Reason: energy.ModuleScope, Device: uuid, Detail: "the energy counter is that of the whole module, its CPU included"}
}
