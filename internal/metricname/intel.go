package metricname

import "time"

// xpuManager is Intel's XPU Manager. It has rows for each tile, for each GPU, and for each
// card the sum over its GPUs.
var xpuManager = Exporter{
	Name:   "Intel's XPU Manager",
	Vendor: "intel",
	UUID:   []string{"uuid"},
	Model:  []string{"dev_name"},
	PCI:    []string{"pci_bdf"},
	Host:   []string{"node"},
	Tenants: []Tenant{
		{What: "pod", Key: "kube_pod", Name: []string{"kube_namespace", "kube_pod", "kube_container"}},
	},
	Period: time.Second,
}

// wholeXPU reports whether a row is that of a GPU.
func wholeXPU(get Labels) bool {
	return get("uuid") != "" && get("sub_dev") == "" && get("card") == ""
}

// xpumd is the daemon that follows XPU Manager. Its sensors are of a card, of a GPU, of a
// package and of parts of these, which contain one another: the widest is taken.
var xpumd = Exporter{
	Name:   "Intel's xpumd",
	Vendor: "intel",
	Place:  []string{"node", "host_name", InstanceLabel},
	Local:  []string{"pci_bdf"},
	Model:  []string{"hw_name"},
	PCI:    []string{"pci_bdf"},
	Host:   []string{"node", "host_name"},
	Period: 5 * time.Second,
	Hint:   "give xpumd a shorter collection_interval",
}

// atSensor reports whether a row is of a sensor of a whole device at a place in it.
func atSensor(location string) func(Labels) bool {
	return func(get Labels) bool {
		return get("hw_sensor_location") == location && get("pci_bdf") != "" && get("com_intel_subdevice_id") == ""
	}
}
