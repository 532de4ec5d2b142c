package metricname

import (
	"regexp"
	"strings"
)

// foreign are exporters and servers some or all of whose metrics are not read, by how the
// names of these begin.
var foreign = []struct{ prefix, name string }{
	{"kepler_", "Kepler"},
	{"nvidia_smi_", "nvidia_gpu_exporter"},
	{"nv_", "Triton"},
	{"node_", "node_exporter"},
	{"scaph_", "Scaphandre"},
	{"xpum_", "Intel XPU Manager"},
	{"hw_", "a collector of hardware metrics"},
	{"all_smi_", "all-smi"},
	{"ipmi_", "ipmi_exporter"},
	{"energy_monitor_", "Zeus"},
	{"vllm:", "vLLM"},
}

// Foreign names the exporter that writes a metric, if it is known; it is empty if it is
// not.
func Foreign(name string) string {
	for _, f := range foreign {
		if strings.HasPrefix(name, f.prefix) {
			return f.name
		}
	}
	return ""
}

// drawn is in names of what a device has drawn, and no part of others.
var (
	drawn    = regexp.MustCompile(`(?i)(energy|joules?|power_(usage|draw|average|watts)|watts)`)
	notDrawn = regexp.MustCompile(`(?i)(limit|cap|state|brake|max|min|default|supported|_created$)`)
)

// LooksDrawn reports whether the name looks like one of power or energy, of whichever
// exporter.
func LooksDrawn(name string) bool { return drawn.MatchString(name) && !notDrawn.MatchString(name) }
