package nvmlsource

import (
	"time"

	"github.com/joulebench/joulebench/powertest/energy"
)

// Config says which GPUs to read, and how. The zero value reads the GPUs that
// a CUDA program in this process would see, through the installed driver.
type Config struct {
	// Library is the path of libnvidia-ml.so.1; empty means that the dynamic
	// linker finds it. A process can use one library only: the first one that
	// was opened.
	Library string
	// Devices selects GPUs as [energy.Select] does, by the indices that
	// nvidia-smi shows, or by the UUID of a MIG instance or the beginning of
	// one, which stands for its parent. An element may hold several, separated
	// by commas. A GPU selected twice counts once. Empty means what
	// CUDA_VISIBLE_DEVICES says, and every GPU that reports energy or power if
	// that is not set.
	Devices []string
	// OpenTimeout is how long Open may take; 0 means 30 s. Without persistence
	// mode the driver is loaded by Open, which takes seconds per GPU.
	OpenTimeout time.Duration
}

const (
	sourceName         = "nvml"
	nominalPeriod      = 100 * time.Millisecond
	defaultOpenTimeout = 30 * time.Second
)

func init() {
	energy.Register(sourceName, func(arg string, devices []string) (energy.Source, error) {
		s, err := Open(Config{Library: arg, Devices: devices})
		if err != nil {
			return nil, err // not s: a nil *Source is a non-nil energy.Source
		}
		return s, nil
	})
}

// Modes are settings of a GPU that matter to a measurement. Nil is unknown.
type Modes struct {
	// Persistence says that the driver stays loaded while no program uses the
	// GPU. If not, its counter may start again, and opening it takes seconds.
	Persistence *bool
	// MIG says that the GPU is divided into instances, which have no counters of
	// their own.
	MIG *bool
}
