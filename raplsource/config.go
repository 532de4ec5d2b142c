package raplsource

import (
	"time"

	"github.com/joulebench/joulebench/internal/sysfs"
)

// Config says which packages to read, and where. The zero value reads all of this machine.
type Config struct {
	// Root is the folder in which the machine's /sys is: empty means /. In a container, it
	// is where both of its folders that are needed are mounted. See the package's comment.
	Root string
	// Devices selects devices as [energy.Select] does. Empty means all packages, and the
	// memory of each where it has a counter of its own.
	Devices []string
}

const (
	sourceName = "rapl"
	// period is how often the counters are refreshed.
	period = time.Millisecond
)

func init() {
	sysfs.Register(sourceName, func(root string, devices []string) (*Source, error) {
		return Open(Config{Root: root, Devices: devices})
	})
}
