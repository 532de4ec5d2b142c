//go:build cgo

package nvmlsource

import (
	"fmt"
	"strings"

	"github.com/NVIDIA/go-nvml/pkg/nvml"

	"github.com/joulebench/joulebench/powertest/energy"
)

// handle is how the driver is asked about a GPU, or why it cannot be.
type handle struct {
	device nvml.Device
	err    error
}

// inventory lists the GPUs that the driver shows to this process, in its order.
// One that does not answer is listed with its error: it matters only if it is
// chosen.
func (d *driver) inventory() ([]gpu, []handle, error) {
	n, ret := d.count()
	if ret != nvml.SUCCESS {
		return nil, nil, fmt.Errorf("nvml: count the GPUs: %w", code(ret))
	}
	if n == 0 {
		return nil, nil, fmt.Errorf("nvml: %w: the driver shows no GPU to this process: check nvidia-smi -L, in a container run with --gpus all, %s", energy.ErrNoDevice, instead)
	}
	gpus, handles := make([]gpu, n), make([]handle, n)
	for i := range gpus {
		gpus[i], handles[i] = d.describe(i)
	}
	return gpus, handles, nil
}

func (d *driver) describe(index int) (gpu, handle) {
	g := gpu{index: index}
	h, ret := d.handle(index)
	if ret != nvml.SUCCESS {
		return g, handle{err: code(ret)}
	}
	uuid, ret := d.uuid(h)
	if ret != nvml.SUCCESS || uuid == "" {
		return g, handle{err: fmt.Errorf("read its UUID: %w", code(ret))}
	}
	g.uuid = uuid
	// What follows is good to know, and may be missing.
	if name, ret := d.name(h); ret == nvml.SUCCESS {
		g.name = name
	}
	if pci, ret := d.pci(h); ret == nvml.SUCCESS {
		g.pci = pciAddress{domain: pci.Domain, bus: pci.Bus, device: pci.Device, known: true}
	}
	if on, ret := d.migMode(h); ret == nvml.SUCCESS && on {
		g.mig = true
		g.instances = d.migInstances(h)
	}
	return g, handle{device: h}
}

// migInstances returns the UUIDs of the GPU's MIG instances. Their numbers may
// have gaps, where instances were destroyed.
func (d *driver) migInstances(h nvml.Device) []string {
	n, ret := d.migCount(h)
	if ret != nvml.SUCCESS {
		return nil
	}
	var uuids []string
	for i := range n {
		m, ret := d.migHandle(h, i)
		if ret != nvml.SUCCESS {
			continue
		}
		if uuid, ret := d.uuid(m); ret == nvml.SUCCESS && strings.HasPrefix(uuid, "MIG-") {
			uuids = append(uuids, uuid)
		}
	}
	return uuids
}
