package amdsource

import (
	"github.com/joulebench/joulebench/internal/sysfs"
)

// Config says which GPUs to read, and where. The zero value reads the AMD GPUs of this
// machine.
type Config struct {
	// Root is the folder below which sys is; empty means /. In a container that has the
	// host's /sys elsewhere, it is that.
	Root string
	// Devices selects GPUs as [energy.Select] does; indices are in the order of the PCI
	// addresses, as amd-smi counts. Empty means what ROCR_VISIBLE_DEVICES and
	// HIP_VISIBLE_DEVICES say, and every AMD GPU that reports energy or power if neither is set.
	Devices []string
}

const sourceName = "amd"

func init() {
	sysfs.Register(sourceName, func(root string, devices []string) (*Source, error) {
		return Open(Config{Root: root, Devices: devices})
	})
}
