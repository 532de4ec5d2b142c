package raplsource

import (
	"encoding/binary"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/joulebench/joulebench/powertest/energy"
	"github.com/joulebench/joulebench/raplsource/rapltest"
)

// failing is a call of the kernel that fails.
func failing(errno syscall.Errno) func(int, []byte) (int, error) {
	return func(int, []byte) (int, error) { return 0, errno }
}

// noPerf is a kernel that lets nobody open counters of the PMU.
var noPerf = kernel{open: func(*unix.PerfEventAttr, int) (int, error) { return -1, unix.EACCES }}

// fakePMU is a kernel whose counters are files, and the events that were opened.
type fakePMU struct {
	t      *testing.T
	dir    string
	opened []unix.PerfEventAttr
	cpus   []int
}

func (f *fakePMU) kernel() kernel {
	return kernel{read: fromStart, open: func(attr *unix.PerfEventAttr, cpu int) (int, error) {
		f.opened, f.cpus = append(f.opened, *attr), append(f.cpus, cpu)
		f.set(len(f.opened)-1, 0)
		return unix.Open(f.file(len(f.opened)-1), unix.O_RDONLY, 0)
	}}
}

func (f *fakePMU) file(i int) string { return filepath.Join(f.dir, string(rune('a'+i))) }

func (f *fakePMU) set(i int, count uint64) {
	require.NoError(f.t, os.WriteFile(f.file(i), binary.NativeEndian.AppendUint64(nil, count), 0o644))
}

// withPMU adds the PMU of a machine, which counts on CPUs of packages.
func withPMU(tree *rapltest.Tree, mask string, ram bool, topology map[string][2]string) {
	const dir = "sys/bus/event_source/devices/power/"
	tree.Write(dir+"type", "23\n")
	tree.Write(dir+"cpumask", mask+"\n")
	for name, code := range map[string]string{"energy-pkg": "event=0x02", "energy-ram": "event=0x03"} {
		if name == "energy-ram" && !ram {
			continue
		}
		tree.Write(dir+"events/"+name, code+"\n")
		tree.Write(dir+"events/"+name+".unit", "Joules\n")
		tree.Write(dir+"events/"+name+".scale", "2.3283064365386962890625e-10\n")
	}
	for cpu, at := range topology {
		tree.Write("sys/devices/system/cpu/cpu"+cpu+"/topology/physical_package_id", at[0]+"\n")
		tree.Write("sys/devices/system/cpu/cpu"+cpu+"/topology/die_id", at[1]+"\n")
	}
}

// TestPMU: where powercap may not be read, or is not there, the PMU is: with the same devices.
func TestPMU(t *testing.T) {
	tree := rapltest.New(t, rapltest.IntelCPU)
	withPMU(tree, "0,24", true, map[string][2]string{"0": {"0", "0"}, "24": {"1", "0"}})
	f := &fakePMU{t: t, dir: t.TempDir()}
	s, err := open(Config{Root: tree.Root}, f.kernel())
	require.NoError(t, err)
	defer s.Close()
	assert.Equal(t, []string{"CPU-package-0", "CPU-package-1", "DRAM-package-0", "DRAM-package-1"}, names(s.Devices()))
	assert.Equal(t, []int{0, 24, 0, 24}, f.cpus)
	assert.Equal(t, uint32(23), f.opened[0].Type)
	assert.Equal(t, []uint64{2, 2, 3, 3}, []uint64{f.opened[0].Config, f.opened[1].Config, f.opened[2].Config, f.opened[3].Config})
	assert.Equal(t, "perf event power/energy-pkg/ on CPU 24", s.Devices()[1].Metric)
	assert.Zero(t, s.Devices()[0].ReadWithin, "64 bits do not come round")
	f.set(1, 5<<32)
	f.set(3, 1<<60)
	r := readAll(s)
	assert.Equal(t, []float64{0, 5, 0, 1 << 28}, []float64{r[0].Joules, r[1].Joules, r[2].Joules, r[3].Joules})
	f.set(1, 1<<32)
	assert.Equal(t, 1.0, readAll(s)[1].Joules, "what goes down was reset")
	require.NoError(t, os.Truncate(f.file(1), 4))
	assert.ErrorIs(t, readAll(s)[1].Err, energy.ErrNoAnswer)
}

// TestPMUDies: dies of Intel are devices, and those of AMD are one.
func TestPMUDies(t *testing.T) {
	dies := map[string][2]string{"0": {"0", "0"}, "1": {"0", "1"}, "2": {"1", "0"}, "3": {"1", "1"}}
	for _, test := range []struct {
		cpu  string
		want []string
	}{
		{rapltest.IntelCPU, []string{"CPU-package-0-die-0", "CPU-package-0-die-1", "CPU-package-1-die-0", "CPU-package-1-die-1"}},
		{rapltest.AMDCPU, []string{"CPU-package-0", "CPU-package-1"}},
	} {
		tree := rapltest.New(t, test.cpu)
		withPMU(tree, "0-3", false, dies)
		s, err := open(Config{Root: tree.Root}, (&fakePMU{t: t, dir: t.TempDir()}).kernel())
		require.NoError(t, err)
		assert.Equal(t, test.want, names(s.Devices()))
		for i, d := range s.Devices() {
			assert.Equal(t, i, d.Index)
		}
		require.NoError(t, s.Close())
	}
}

// TestPMUMalformed: what is not understood is no counter.
func TestPMUMalformed(t *testing.T) {
	const dir = "sys/bus/event_source/devices/power/"
	for name, change := range map[string]func(tree *rapltest.Tree){
		"type":      func(tree *rapltest.Tree) { tree.Write(dir+"type", "software\n") },
		"cpumask":   func(tree *rapltest.Tree) { tree.Write(dir+"cpumask", "0-\n") },
		"event":     func(tree *rapltest.Tree) { tree.Write(dir+"events/energy-pkg", "event=0x02,umask=0x1\n") },
		"event 256": func(tree *rapltest.Tree) { tree.Write(dir+"events/energy-pkg", "event=0x100\n") },
		"unit":      func(tree *rapltest.Tree) { tree.Write(dir+"events/energy-pkg.unit", "Celsius\n") },
		"scale":     func(tree *rapltest.Tree) { tree.Write(dir+"events/energy-pkg.scale", "NaN\n") },
		"package": func(tree *rapltest.Tree) {
			tree.Write("sys/devices/system/cpu/cpu0/topology/physical_package_id", "-1\n")
		},
	} {
		tree := rapltest.New(t, rapltest.IntelCPU)
		withPMU(tree, "0", true, map[string][2]string{"0": {"0", "0"}})
		change(tree)
		_, err := open(Config{Root: tree.Root}, (&fakePMU{t: t, dir: t.TempDir()}).kernel())
		assert.ErrorIs(t, err, energy.ErrNoDevice, name)
	}
}
