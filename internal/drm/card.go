// Package drm finds the GPUs that the graphics drivers of Linux show below
// /sys/class/drm. What their files mean, the packages of the vendors know.
package drm

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"

	"github.com/joulebench/joulebench/internal/hostid"
	"github.com/joulebench/joulebench/internal/sysfs"
	"github.com/joulebench/joulebench/powertest/energy"
)

// Vendor is a vendor of GPUs, by its PCI number.
type Vendor uint16

// The vendors whose GPUs are read by files.
const (
	AMD   Vendor = 0x1002
	Intel Vendor = 0x8086
)

// Card is one GPU.
type Card struct {
	// Node is how the kernel calls it: card0.
	Node string
	// Dir is the folder of its device in sysfs.
	Dir string
	// PCI is its address, such as 0000:c1:00.0; empty if it is on no PCI bus.
	PCI string
	// Model is its PCI device number, such as 0x74a1; 0 if it is not known.
	Model uint16
	// Driver is the kernel module that drives it; empty if that is not known.
	Driver string

	host string // names the machine; empty if that is not known
}

// String names the card in messages.
func (c Card) String() string {
	if c.PCI == "" {
		return c.Node
	}
	return c.Node + " (" + c.PCI + ")"
}

// Tree is a sysfs, or one that is made up.
type Tree struct {
	sys  string // the folder that has class and bus
	host string
}

// errTree says that there is no folder of graphics drivers where one is looked for.
var errTree = errors.New("no graphics driver is loaded, or sysfs is not there")

// Open finds the sysfs below a root: ROOT/sys, or ROOT itself if that is one. An empty
// root is /. The error wraps [errors.ErrUnsupported] elsewhere than on Linux, and
// [fs.ErrNotExist] if there is no /sys/class/drm.
func Open(root string) (Tree, error) {
	if runtime.GOOS != "linux" {
		return Tree{}, fmt.Errorf("%w: the files of the kernel's drivers are those of linux, and this is %s\nrun the benchmark there", errors.ErrUnsupported, runtime.GOOS)
	}
	root = cmp.Or(root, "/")
	var failure error
	for _, sys := range []string{filepath.Join(root, "sys"), root} {
		info, err := os.Stat(filepath.Join(sys, "class", "drm"))
		if err == nil && info.IsDir() {
			return Tree{sys, hostid.Of(root)}, nil
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) && failure == nil {
			failure = err
		}
	}
	if failure != nil {
		return Tree{}, failure
	}
	return Tree{}, fmt.Errorf("%s: %w: %w\ncheck ls /sys/class/drm; in a container that hides it, mount the host's /sys and give root=DIR",
		filepath.Join(root, "sys", "class", "drm"), errTree, fs.ErrNotExist)
}

// Path returns a path in the sysfs.
func (t Tree) Path(elements ...string) string {
	return filepath.Join(append([]string{t.sys}, elements...)...)
}

// node is the name of a card, beside which there are renderD128, card0-DP-1 and others.
var node = regexp.MustCompile(`^card([0-9]{1,6})$`)

// Cards lists the GPUs of a vendor, in the order of their PCI addresses, as the vendors'
// tools count them. platform are the names of the nodes that are on no PCI bus, of any
// vendor: parts of a GPU, or such as systems on a chip have.
func (t Tree) Cards(vendor Vendor) (cards []Card, platform []string, err error) {
	entries, err := os.ReadDir(t.Path("class", "drm"))
	if err != nil {
		return nil, nil, err
	}
	for _, e := range entries {
		if !node.MatchString(e.Name()) {
			continue
		}
		dir := t.Path("class", "drm", e.Name(), "device")
		where, err := filepath.EvalSymlinks(dir)
		if err != nil {
			continue // it is gone, or in a container that hides devices
		}
		c := Card{Node: e.Name(), Dir: dir, PCI: pciAddress(filepath.Base(where)), host: t.host}
		if c.PCI == "" {
			platform = append(platform, filepath.Base(where))
			continue
		}
		if is, ok := hexadecimal(sysfs.Text(filepath.Join(dir, "vendor"))); !ok || Vendor(is) != vendor {
			continue
		}
		c.Model, _ = hexadecimal(sysfs.Text(filepath.Join(dir, "device")))
		if driver, err := os.Readlink(filepath.Join(dir, "driver")); err == nil {
			c.Driver = filepath.Base(driver)
		}
		cards = append(cards, c)
	}
	slices.SortFunc(cards, func(a, b Card) int { return cmp.Compare(a.PCI, b.PCI) })
	slices.Sort(platform)
	return cards, platform, nil
}

var address = regexp.MustCompile(`^[0-9a-f]{4,8}:[0-9a-f]{2}:[0-9a-f]{2}\.[0-7]$`)

// pciAddress returns a name if it is a PCI address, else nothing.
func pciAddress(name string) string {
	if address.MatchString(name) {
		return name
	}
	return ""
}

func hexadecimal(text string) (n uint16, ok bool) {
	v, err := strconv.ParseUint(strings.TrimPrefix(text, "0x"), 16, 16)
	return uint16(v), err == nil
}

// Module returns the version of a kernel module, if it has one of its own, as those that
// are not built with the kernel do; else empty.
func (t Tree) Module(name string) string { return sysfs.Text(t.Path("module", name, "version")) }

// Device returns what is known of a card before it is read: its place among those of its
// vendor, and an identity. uuid is its own, and where there is none, its address on its
// machine is.
func (c Card) Device(index int, uuid, name string) energy.Device {
	if uuid == "" {
		if uuid = "PCI-" + c.PCI; c.host != "" {
			uuid += "@" + c.host
		}
	}
	return energy.Device{UUID: uuid, Index: index, Name: name, PCI: c.PCI, Driver: c.Driver, VBIOS: sysfs.Text(filepath.Join(c.Dir, "vbios_version"))}
}

// Sensors returns the folder of the hardware monitor of a card, of the name that its
// driver gives it; empty if there is none.
func (c Card) Sensors(names ...string) string {
	found, _ := filepath.Glob(filepath.Join(Escaped(c.Dir), "hwmon", "hwmon*"))
	for _, dir := range found {
		if slices.Contains(names, sysfs.Text(filepath.Join(dir, "name"))) {
			return dir
		}
	}
	return ""
}

// Thermometer returns the file of a temperature in a hardware monitor, by the first of some
// labels that it has; empty if it has none.
func Thermometer(sensors string, labels ...string) string {
	if sensors == "" {
		return ""
	}
	found, _ := filepath.Glob(filepath.Join(Escaped(sensors), "temp*_label"))
	for _, label := range labels {
		for _, path := range found {
			if sysfs.Text(path) == label {
				return strings.TrimSuffix(path, "_label") + "_input"
			}
		}
	}
	return ""
}

// Escaped returns a path in which nothing is a pattern.
func Escaped(path string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(path)
}
