package metricname

import (
	"regexp"
	"strings"
	"time"

	"github.com/joulebench/joulebench/powertest/energy"
)

// raplTick is how often the counters of processors change, or less.
const raplTick = time.Millisecond

// nodeRAPL is node_exporter's collector rapl, which reads the kernel's counters at each
// scrape. That these come round, at about 65 or 260 kJ, looks like a reset.
var nodeRAPL = Exporter{
	Name:   "node_exporter",
	Place:  []string{InstanceLabel},
	Local:  []string{"path"},
	Index:  []string{"index"},
	Period: 100 * time.Millisecond,
	Behind: raplTick,
	Fresh:  100 * time.Millisecond, // how long it may take for its page
}

// notMMIO reports whether a zone of a processor is not the copy that is read through
// memory.
func notMMIO(get Labels) bool { return !strings.Contains(get("path"), "mmio") }

// Kepler reads each 5 s unless it is told otherwise.
const (
	keplerInterval = 5 * time.Second
	keplerHint     = "start Kepler with --monitor.interval=1s"
)

// keplerCPU is Kepler's view of the processors of a node. Zones of one name are those of
// all packages together.
var keplerCPU = Exporter{
	Name:   "Kepler",
	Place:  []string{"node_name", InstanceLabel},
	Local:  []string{"zone", "path"},
	Host:   []string{"node_name"},
	Period: keplerInterval,
	Behind: raplTick,
	Hint:   keplerHint,
}

// keplerPlatform is what Kepler gets from a machine's management controller.
var keplerPlatform = Exporter{
	Name:   "Kepler",
	Place:  []string{"node_name", InstanceLabel},
	Local:  []string{"chassis_id", "source_id"},
	Host:   []string{"node_name"},
	Period: 15 * time.Second,
}

// scaphandre contains its sockets in its host, and memory beside a socket's package.
var scaphandre = Exporter{
	Name:   "Scaphandre",
	Place:  []string{InstanceLabel},
	Local:  []string{"socket_id", "domain_name"},
	Index:  []string{"socket_id"},
	Period: 2 * time.Second,
	Behind: raplTick,
}

// ipmiExporter is prometheus-community's ipmi_exporter, of DCMI.
var ipmiExporter = Exporter{
	Name:  "ipmi_exporter",
	Place: []string{InstanceLabel},
}

// nodeHwmon is node_exporter's collector hwmon. Which chips are GPUs,
// node_hwmon_chip_names says.
var nodeHwmon = Exporter{
	Name:   "node_exporter's hwmon",
	Place:  []string{InstanceLabel},
	Local:  []string{"chip"},
	Model:  []string{"chip_name"},
	Period: 100 * time.Millisecond,
	admit:  admitChip,
}

// chipAddress is the PCI address at the end of what node_exporter calls a chip.
var chipAddress = regexp.MustCompile(`([0-9a-f]{4}:[0-9a-f]{2}:[0-9a-f]{2})_([0-7])$`)

// admitChip admits the chips of drivers that are those of GPUs.
func admitChip(d *energy.Device) bool {
	if at := chipAddress.FindStringSubmatch(d.UUID); at != nil {
		d.PCI = at[1] + "." + at[2]
	}
	switch d.Name {
	case "amdgpu", "i915", "xe":
		return true
	}
	return false
}
