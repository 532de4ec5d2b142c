//go:build cgo

package nvmlsource

import (
	"cmp"
	"fmt"
	"io/fs"
	"strings"

	"github.com/NVIDIA/go-nvml/pkg/dl"
	"github.com/NVIDIA/go-nvml/pkg/nvml"
)

// driver is the NVML library of this process, initialised.
//
// There is one, and it stays until the process ends. go-nvml keeps what it
// resolved in package variables, so a second library would be called through
// the first one's functions; and on a machine without persistence mode the last
// nvmlShutdown unloads the driver, which takes seconds and restarts the energy
// counters.
type driver struct {
	nvml.Interface
	path string
	has  symbols
}

const defaultLibrary = "libnvidia-ml.so.1"

// instead ends the messages about a missing driver.
const instead = "or set POWERTEST_SOURCE=sim (simulated GPUs) or POWERTEST_SOURCE=off"

// process is what this process has of NVML. It is guarded by opening.
var process struct {
	bound  string  // the library that go-nvml's calls are bound to
	driver *driver // initialised from it; nil as long as that failed
}

// load returns the process's driver, and initialises it the first time.
func load(path string) (*driver, error) {
	if path == "" {
		path = cmp.Or(process.bound, defaultLibrary)
	}
	if process.bound != "" && path != process.bound {
		return nil, fmt.Errorf("nvml: %s is in use, and a process can use one NVML library only: open %s in another process", process.bound, path)
	}
	if process.driver != nil {
		return process.driver, nil
	}
	if err := check(path); err != nil {
		return nil, err
	}
	process.bound = path
	d := &driver{Interface: nvml.New(nvml.WithLibraryPath(path)), path: path}
	if ret := d.Init(); ret != nvml.SUCCESS {
		return nil, fmt.Errorf("nvml: initialise %s: %w; %s", path, code(ret), instead)
	}
	d.has = lookUp(d.Extensions().LookupSymbol)
	process.driver = d
	return d, nil
}

// check makes sure that the library can be loaded and is NVML. go-nvml does not:
// its Init hides the linker's message, and calls nvmlInit even if the library
// lacks it, which kills the process.
func check(path string) error {
	lib := dl.New(path, dl.RTLD_LAZY|dl.RTLD_LOCAL)
	if err := lib.Open(); err != nil {
		if strings.Contains(err.Error(), "cannot open shared object file") {
			err = fmt.Errorf("%w (%w)", fs.ErrNotExist, err)
		}
		return fmt.Errorf("nvml: load %s: %w: install the NVIDIA driver, in a container run with --gpus all, %s", path, err, instead)
	}
	defer lib.Close()
	if lib.Lookup("nvmlInit_v2") != nil && lib.Lookup("nvmlInit") != nil {
		return fmt.Errorf("nvml: %s is not an NVML library, it has no nvmlInit: give the path of the driver's libnvidia-ml.so.1, %s", path, instead)
	}
	return nil
}
