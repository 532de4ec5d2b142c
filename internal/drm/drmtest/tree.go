// Package drmtest writes folders that look like the sysfs of a machine with GPUs, for
// tests of what reads it.
package drmtest

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
)

// Card is a GPU of a tree.
type Card struct {
	// PCI is its address: 0000:03:00.0. Empty means that it is on no bus, as Platform.
	PCI      string
	Platform string
	// Vendor and Model are its PCI numbers.
	Vendor, Model uint16
	// Driver is its kernel module.
	Driver string
	// Files are those of its folder, by their names.
	Files map[string]string
	// Monitor are the files of its hardware monitor, with its name; nil means that there
	// is none.
	Monitor map[string]string
}

// Write writes a tree, and returns the folder that has sys in it.
func Write(t testing.TB, cards ...Card) (root string) {
	t.Helper()
	root = t.TempDir()
	classes := filepath.Join(root, "sys", "class", "drm")
	require.NoError(t, os.MkdirAll(classes, 0o755))
	write(t, filepath.Join(classes, "version"), "drm 1.1.0 20060810\n")
	write(t, filepath.Join(root, "etc", "machine-id"), "0123456789abcdef0123456789abcdef\n")
	for i, c := range cards {
		name := "card" + strconv.Itoa(i+1) // the first one drives the console of a machine, often
		dir := c.Dir(root)
		drm := filepath.Join(dir, "drm", name)
		require.NoError(t, os.MkdirAll(drm, 0o755))
		link(t, dir, filepath.Join(drm, "device"))
		link(t, drm, filepath.Join(classes, name))
		link(t, drm, filepath.Join(classes, name+"-DP-1"))
		link(t, drm, filepath.Join(classes, "renderD"+strconv.Itoa(128+i)))
		files := maps.Clone(c.Files)
		if files == nil {
			files = map[string]string{}
		}
		if c.PCI != "" {
			files["vendor"], files["device"] = fmt.Sprintf("%#04x\n", c.Vendor), fmt.Sprintf("%#04x\n", c.Model)
		}
		for name, text := range files {
			write(t, filepath.Join(dir, name), text)
		}
		if c.Driver != "" {
			driver := filepath.Join(root, "sys", "bus", "pci", "drivers", c.Driver)
			require.NoError(t, os.MkdirAll(driver, 0o755))
			link(t, driver, filepath.Join(dir, "driver"))
		}
		for name, text := range c.Monitor {
			write(t, filepath.Join(c.MonitorDir(root), name), text)
		}
	}
	return root
}

// Dir returns the folder of the card's device in the tree of a root.
func (c Card) Dir(root string) string {
	if c.PCI == "" {
		return filepath.Join(root, "sys", "devices", "platform", c.Platform)
	}
	return filepath.Join(root, "sys", "devices", "pci0000:00", c.PCI)
}

// MonitorDir returns the folder of the card's hardware monitor.
func (c Card) MonitorDir(root string) string { return filepath.Join(c.Dir(root), "hwmon", "hwmon4") }

func write(t testing.TB, path, text string) {
	t.Helper()
	require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
	require.NoError(t, os.WriteFile(path, []byte(text), 0o644))
}

// link makes a link as sysfs has them: relative.
func link(t testing.TB, target, path string) {
	t.Helper()
	relative, err := filepath.Rel(filepath.Dir(path), target)
	require.NoError(t, err)
	require.NoError(t, os.Symlink(relative, path))
}
