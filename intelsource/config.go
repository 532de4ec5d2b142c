package intelsource

import (
	"github.com/joulebench/joulebench/internal/sysfs"
)

// Config says which GPUs to read, and where. The zero value reads the Intel GPUs of this
// machine.
type Config struct {
	// Root is the folder below which sys is; empty means /. In a container that has the
	// host's /sys elsewhere, it is that.
	Root string
	// Devices selects GPUs as [energy.Select] does; indices are in the order of the PCI
	// addresses. Empty means every Intel GPU that reports energy.
	Devices []string
}

const sourceName = "intel"

func init() {
	sysfs.Register(sourceName, func(root string, devices []string) (*Source, error) {
		return Open(Config{Root: root, Devices: devices})
	})
}
