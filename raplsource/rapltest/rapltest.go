// Package rapltest makes up the files in which Linux shows the energy counters of a machine's
// CPUs, for tests of what reads them: under a folder that stands for the root of the file
// system, such as POWERTEST_SOURCE=rapl=root=DIR names.
package rapltest

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// The greatest values of counters in steps of 61 µJ (Intel) and 15 µJ (AMD), in µJ.
const (
	Intel = 262143328850
	AMD   = 65532610987
)

// The beginnings of cpuinfo, as real machines have it.
const (
	IntelCPU = "processor\t: 0\nvendor_id\t: GenuineIntel\nmodel name\t: Intel(R) Xeon(R) Platinum 8480+\nflags\t\t: fpu vme msr\n\n"
	AMDCPU   = "processor\t: 0\nvendor_id\t: AuthenticAMD\nmodel name\t: AMD EPYC 9654 96-Core Processor\nflags\t\t: fpu vme msr\n\n"
)

// A Zone is one zone of powercap.
type Zone struct {
	// Entry is its name in the file system, such as "intel-rapl:0:1".
	Entry string
	// Name is what it is of, such as "package-0" or "dram".
	Name string
	// Max is its greatest value in µJ; 0 means Intel.
	Max uint64
	// Microjoules is what it shows at first.
	Microjoules uint64
	// Limit is the long-term power limit in watts, and Short the short-term one; 0 means
	// that it has none.
	Limit, Short float64
}

// A Tree is such a folder.
type Tree struct {
	Root string

	mu    sync.Mutex
	t     testing.TB
	zones map[string]*shown
}

// shown is a zone's counter.
type shown struct {
	file *os.File
	max  uint64
	uj   float64 // since the beginning, wraps and all
}

// New makes a machine with a CPU, as cpuinfo describes it, and its zones.
func New(t testing.TB, cpuinfo string, zones ...Zone) *Tree {
	t.Helper()
	tree := &Tree{Root: t.TempDir(), t: t, zones: map[string]*shown{}}
	tree.Write("proc/cpuinfo", cpuinfo)
	tree.Write("etc/machine-id", "0123456789abcdef0123456789abcdef\n")
	tree.mkdir("sys/class/powercap")
	for _, z := range zones {
		tree.Add(z)
	}
	return tree
}

// Path returns where a file of the tree is.
func (tree *Tree) Path(name string) string { return filepath.Join(tree.Root, filepath.FromSlash(name)) }

// Write writes a file of the tree.
func (tree *Tree) Write(name, text string) {
	tree.t.Helper()
	tree.mkdir(filepath.Dir(name))
	if err := os.WriteFile(tree.Path(name), []byte(text), 0o644); err != nil {
		tree.t.Fatal(err)
	}
}

func (tree *Tree) mkdir(name string) {
	tree.t.Helper()
	if err := os.MkdirAll(tree.Path(name), 0o755); err != nil {
		tree.t.Fatal(err)
	}
}

// Add adds a zone: its folder, and a link to it among the others of its class.
func (tree *Tree) Add(z Zone) {
	tree.t.Helper()
	dir := tree.Dir(z.Entry)
	maximum := z.Max
	if maximum == 0 {
		maximum = Intel
	}
	tree.Write(dir+"/name", z.Name+"\n")
	tree.Write(dir+"/enabled", "1\n")
	tree.Write(dir+"/max_energy_range_uj", fmt.Sprintln(maximum))
	for i, watts := range []float64{z.Limit, z.Short} {
		if watts > 0 {
			tree.Write(fmt.Sprintf("%s/constraint_%d_power_limit_uw", dir, i), fmt.Sprintln(int64(watts*1e6)))
		}
	}
	tree.Write(dir+"/energy_uj", digits(z.Microjoules))
	if err := os.Symlink("../../devices/virtual/powercap/"+strings.TrimPrefix(dir, devices+"/"), tree.Path("sys/class/powercap/"+z.Entry)); err != nil {
		tree.t.Fatal(err)
	}
	file, err := os.OpenFile(tree.Path(dir+"/energy_uj"), os.O_WRONLY, 0)
	if err != nil {
		tree.t.Fatal(err)
	}
	tree.t.Cleanup(func() { _ = file.Close() })
	tree.mu.Lock()
	defer tree.mu.Unlock()
	tree.zones[z.Entry] = &shown{file: file, max: maximum, uj: float64(z.Microjoules)}
}

const devices = "sys/devices/virtual/powercap"

// Dir returns the folder of a zone, within the tree.
func (tree *Tree) Dir(entry string) string {
	control, rest, _ := strings.Cut(entry, ":")
	dir := devices + "/" + control
	for i, c := range rest + ":" {
		if c == ':' {
			dir += "/" + control + ":" + rest[:i]
		}
	}
	return dir
}

// digits writes a counter at full width, so that one write at the file's beginning replaces
// it: who has the file open must see one value or the other.
func digits(microjoules uint64) string { return fmt.Sprintf("%020d\n", microjoules) }

// Advance makes a zone use so many joules more.
func (tree *Tree) Advance(entry string, joules float64) {
	tree.mu.Lock()
	defer tree.mu.Unlock()
	z := tree.zones[entry]
	z.uj += joules * 1e6
	z.show()
}

// show writes what the counter shows: it comes round after a step more than its greatest value.
func (z *shown) show() {
	step := float64(z.max) / (1<<32 - 1)
	raw := math.Mod(math.Floor(z.uj/step), 1<<32)
	_, _ = z.file.WriteAt([]byte(digits(uint64(raw*step))), 0)
}

// Reset makes a zone begin at some µJ again.
func (tree *Tree) Reset(entry string, microjoules uint64) {
	tree.mu.Lock()
	defer tree.mu.Unlock()
	z := tree.zones[entry]
	z.uj = float64(microjoules)
	z.show()
}

// Run makes zones draw powers, in watts, until the test ends: they are refreshed each
// millisecond, as well as the machine's load lets it.
func (tree *Tree) Run(watts map[string]float64) {
	stop, done := make(chan struct{}), make(chan struct{})
	tree.t.Cleanup(func() { close(stop); <-done })
	go func() {
		defer close(done)
		tick := time.NewTicker(time.Millisecond)
		defer tick.Stop()
		for last := time.Now(); ; {
			select {
			case <-stop:
				return
			case <-tick.C:
			}
			now := time.Now()
			for entry, w := range watts {
				tree.Advance(entry, w*now.Sub(last).Seconds())
			}
			last = now
		}
	}()
}
