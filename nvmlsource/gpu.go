package nvmlsource

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"
)

// gpu is what choosing among GPUs needs to know of one.
type gpu struct {
	index     int // as NVML and nvidia-smi count
	uuid      string
	name      string
	pci       pciAddress
	mig       bool     // MIG mode is on
	instances []string // UUIDs of its MIG instances
}

// String names the GPU in messages.
func (g gpu) String() string {
	if g.uuid == "" {
		return fmt.Sprintf("GPU %d (it does not answer)", g.index)
	}
	return fmt.Sprintf("GPU %d (%s, %s, %s)", g.index, g.name, g.uuid, g.pci)
}

// listed names all GPUs in a message about a choice that fits none of them.
func listed(gpus []gpu) string {
	if len(gpus) == 0 {
		return "no GPU"
	}
	names := make([]string, len(gpus))
	for i, g := range gpus {
		names[i] = g.String()
	}
	return strings.Join(names, ", ")
}

// pciAddress is the address of a PCI device. A GPU's function is always 0.
type pciAddress struct {
	domain, bus, device uint32
	known               bool
}

// String returns the address as NVML writes it, and "" if it is unknown.
func (a pciAddress) String() string {
	if !a.known {
		return ""
	}
	return fmt.Sprintf("%08X:%02X:%02X.0", a.domain, a.bus, a.device)
}

// compare orders addresses as the bus does.
func (a pciAddress) compare(b pciAddress) int {
	return cmp.Or(cmp.Compare(a.domain, b.domain), cmp.Compare(a.bus, b.bus), cmp.Compare(a.device, b.device))
}

// parsePCI parses [domain:]bus:device[.function], in hexadecimal of any case.
// A missing domain is domain 0.
func parsePCI(s string) (pciAddress, bool) {
	s, function, dotted := strings.Cut(s, ".")
	if dotted && function != "0" {
		return pciAddress{}, false
	}
	parts := strings.Split(s, ":")
	if len(parts) == 2 {
		parts = append([]string{"0"}, parts...)
	}
	if len(parts) != 3 {
		return pciAddress{}, false
	}
	var n [3]uint32
	for i, bits := range [...]int{32, 8, 5} {
		v, err := strconv.ParseUint(parts[i], 16, bits)
		if err != nil {
			return pciAddress{}, false
		}
		n[i] = uint32(v)
	}
	return pciAddress{domain: n[0], bus: n[1], device: n[2], known: true}, true
}
