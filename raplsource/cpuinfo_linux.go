package raplsource

import (
	"bytes"
	"path/filepath"
	"strings"

	"github.com/joulebench/joulebench/internal/hostid"
	"github.com/joulebench/joulebench/internal/inputfile"
)

// tree is the machine's file system, as it is seen here.
type tree struct{ root string }

func (t tree) path(elem ...string) string {
	root := t.root
	if root == "" {
		root = "/"
	}
	return filepath.Join(append([]string{root}, elem...)...)
}

// processor is what is known of the machine's processors, which are all of one model.
type processor struct {
	model string
	// amd says that it is of AMD or Hygon, whose packages have one counter each, however
	// many dies there are.
	amd bool
	// virtual says that the machine is a guest of another.
	virtual bool
}

// processor reads /proc/cpuinfo: that of the tree, or else of this process, which is the
// same machine's.
func (t tree) processor() processor {
	b, err := inputfile.ReadFile(t.path("proc/cpuinfo"), 16<<20)
	if err != nil {
		b, _ = inputfile.ReadFile("/proc/cpuinfo", 16<<20)
	}
	return parseProcessor(b)
}

// parseProcessor reads the first processor of /proc/cpuinfo.
func parseProcessor(cpuinfo []byte) (p processor) {
	for line := range bytes.Lines(cpuinfo) {
		key, value, _ := strings.Cut(string(line), ":")
		value = strings.Join(strings.Fields(value), " ")
		switch strings.TrimSpace(key) {
		case "":
			return p // the next is of another
		case "vendor_id":
			p.amd = value == "AuthenticAMD" || value == "HygonGenuine"
		case "model name":
			p.model = value
		case "flags":
			p.virtual = strings.Contains(" "+value+" ", " hypervisor ")
		}
	}
	return p
}

// host is what a device's UUID says of its machine; empty where that is not known, as in
// containers.
func (t tree) host() string {
	if id := hostid.Of(t.root); id != "" {
		return "@" + id
	}
	return ""
}
