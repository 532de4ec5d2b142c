package energy

import "strings"

// Kind is what kind of thing a device is: what its energy is the energy of. The zero
// Kind reads as [GPU], which is what most sources measure.
//
// The energy of a Module contains that of a GPU on it, and the energy of a Node contains
// all others of its host: such are measured beside what they contain, and never added to it.
type Kind string

// The kinds of devices.
const (
	// GPU is a graphics processor or another accelerator, with its memory.
	GPU Kind = "gpu"
	// CPU is a processor package: cores, caches and what else is in it.
	CPU Kind = "cpu"
	// DRAM is the memory of a processor package.
	DRAM Kind = "dram"
	// Module is a board with a GPU and what is beside it, such as a superchip's CPU.
	Module Kind = "module"
	// Node is a whole machine, or as much of it as a sensor of the board or of the
	// platform sees.
	Node Kind = "node"
)

// OrGPU returns the kind, or GPU if it is zero.
func (k Kind) OrGPU() Kind {
	if k == "" {
		return GPU
	}
	return k
}

// Title is the kind as text for people has it: "GPU", "CPU", "DRAM", "module", "node".
func (k Kind) Title() string {
	switch k = k.OrGPU(); k {
	case GPU, CPU, DRAM:
		return strings.ToUpper(string(k))
	}
	return string(k)
}
