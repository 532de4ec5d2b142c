// Package known lists the sources of this module, whether a binary has them or not.
package known

import (
	"fmt"
	"slices"
	"strings"
)

// Source is a source of this module.
type Source struct {
	Name string
	// Is says what it reads, in some words.
	Is string
	// Form is what follows the name in POWERTEST_SOURCE; empty if nothing may.
	Form string
	// Package is what to import for it; empty if it always is there.
	Package string
	// Needs is what must be said for it to be tried, and how: empty for what this machine
	// has itself, which costs nothing.
	Needs string
	// Past says that it knows the past.
	Past bool
	// Local says that what follows the name is no address, and can hold no secret.
	Local bool
	// Keys are the parameters of its address that are its own and whose values are names,
	// which may be shown.
	Keys []string
}

// Import says how to link the source into a binary of one's own, whose module has ours already.
func (s Source) Import() string {
	return fmt.Sprintf("add import _ %q to a test file, run go mod tidy", s.Package)
}

// exporterKeys are the keys of sources that read any exporter's metrics.
var exporterKeys = []string{"metric", "unit", "id", "model", "kind"}

// Off is the name by which nothing is measured.
const Off = "off"

const module = "github.com/joulebench/joulebench/"

// Sources are all of them, and none, which is [Off].
var Sources = []Source{
	{Name: "auto", Is: "the NVIDIA GPUs of this machine if there are any, else its CPUs", Local: true},
	{Name: "nvml", Is: "the NVIDIA GPUs of this machine", Form: "[=LIBRARY]", Local: true},
	{Name: "rapl", Is: "the CPUs of this machine and their memory", Form: "[=root=DIR]", Package: module + "raplsource", Local: true},
	{Name: "amd", Is: "the AMD GPUs of this machine", Form: "[=root=DIR]", Package: module + "amdsource", Local: true},
	{Name: "intel", Is: "the Intel GPUs of this machine", Form: "[=root=DIR]", Package: module + "intelsource", Local: true},
	{Name: "dcgm", Is: "dcgm-exporters, and other exporters of energy or power", Form: "=URL[,URL]", Package: module + "dcgmsource", Needs: "needs the address of an exporter: -source dcgm=http://HOST:9400", Keys: exporterKeys},
	{Name: "prometheus", Is: "a Prometheus server that scrapes exporters; it knows the past", Form: "=URL[?selector={MATCHERS}]", Package: module + "promsource", Needs: "needs the address of a server: -source prometheus=http://HOST:9090", Keys: exporterKeys, Past: true},
	{Name: "zeusd", Is: "the daemon of Zeus", Form: "[=ADDRESS[,ADDRESS]]", Package: module + "zeusdsource", Needs: "needs a zeusd, the daemon of Zeus: -source zeusd or zeusd=HOST", Keys: []string{"kind"}},
	{Name: "trtllm", Is: "the sum over the GPUs of a trtllm-serve", Form: "=URL[,URL]", Package: module + "trtllmsource", Needs: "needs the address of a trtllm-serve: -source trtllm=http://HOST:8000"},
	{Name: "smi", Is: "a log that nvidia-smi or amd-smi writes; it knows the past", Form: "=FILE", Package: module + "smisource", Needs: "needs a log of nvidia-smi or amd-smi: -source smi=FILE", Local: true, Past: true},
	{Name: "sim", Is: "GPUs that are simulated, and marked so", Form: "[=ARG]", Package: module + "simsource", Needs: "always there, and simulates: -source sim", Local: true},
	{Name: Off, Is: "nothing is measured", Local: true},
}

// Find returns the source of a name.
func Find(name string) (s Source, known bool) {
	i := slices.IndexFunc(Sources, func(s Source) bool { return s.Name == name })
	if i < 0 {
		return Source{}, false
	}
	return Sources[i], true
}

// IsName reports whether a text can be the name of a source, of this module or not, and is
// no address that was given without one.
func IsName(s string) bool { return s != "" && !strings.ContainsAny(s, ":/@?#,") }

// Names returns the names of all of them.
func Names() []string {
	list := make([]string, len(Sources))
	for i, s := range Sources {
		list[i] = s.Name
	}
	return list
}
