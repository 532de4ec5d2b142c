package dcgmsource

import (
	"strconv"

	"github.com/joulebench/joulebench/powertest/energy"
)

// labels returns the value of a label by its name; empty if there is no such
// label.
type labels func(name string) string

// first returns the first of the labels that is there.
func (l labels) first(names ...string) string {
	for _, name := range names {
		if v := l(name); v != "" {
			return v
		}
	}
	return ""
}

// unknownIndex is the index of a device whose row does not tell it.
const unknownIndex = -1

// deviceOf returns what the labels of a row tell of its GPU. The UUID is empty
// if they do not tell it: such a row is of no use, since nothing else
// identifies a GPU. The names differ between versions and settings of the
// exporter, but a gpu_uuid is that of a link's other end.
func deviceOf(get labels) energy.Device {
	index, err := strconv.Atoi(get("gpu"))
	if err != nil || index < 0 {
		index = unknownIndex
	}
	return energy.Device{
		UUID:  get.first("UUID", "uuid"),
		Index: index,
		Name:  get("modelName"),
		PCI:   get("pci_bus_id"),
		Host:  get.first("Hostname", "hostname"),
	}
}

// driverOf returns the version of the driver, if the labels tell it.
func driverOf(get labels) string {
	return get.first("DCGM_FI_DRIVER_VERSION", "DCGM_FI_SYSTEM_DRIVER_VERSION")
}
