package raplsource

import (
	"io/fs"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/joulebench/joulebench/powertest/energy"
	"github.com/joulebench/joulebench/powertest/energy/energytest"
	"github.com/joulebench/joulebench/raplsource/rapltest"
)

// xeon is a machine of two packages, with all the zones that there are.
var xeon = []rapltest.Zone{
	{Entry: "intel-rapl:0", Name: "package-0", Microjoules: 240422366267, Limit: 350, Short: 420},
	{Entry: "intel-rapl:0:0", Name: "core", Microjoules: 118821284256},
	{Entry: "intel-rapl:0:1", Name: "dram", Max: 65712999613, Microjoules: 1},
	{Entry: "intel-rapl:1", Name: "package-1", Limit: 350, Short: 420},
	{Entry: "intel-rapl:1:0", Name: "uncore"},
	{Entry: "intel-rapl:1:1", Name: "dram", Max: 65712999613},
	{Entry: "intel-rapl:2", Name: "psys"},
}

// host is what the UUIDs of the made-up machine end with.
const host = "@3047b4ed0130"

// opened opens the zones of a machine.
func opened(t *testing.T, tree *rapltest.Tree, devices ...string) *Source {
	t.Helper()
	s, err := open(Config{Root: tree.Root, Devices: devices}, noPerf)
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, s.Close()) })
	return s
}

// names are the UUIDs of devices, without the machine's part.
func names(devices []energy.Device) (list []string) {
	for _, d := range devices {
		list = append(list, strings.TrimSuffix(d.UUID, host))
	}
	return list
}

// readAll reads all devices once.
func readAll(s energy.Source) []energy.Reading {
	list := make([]energy.Reading, len(s.Devices()))
	for i := range list {
		list[i].Device = i
	}
	s.Read(list)
	return list
}

// TestDevices: packages and memories are devices, described as they are; parts of packages,
// and the platform around them, are not.
func TestDevices(t *testing.T) {
	tree := rapltest.New(t, rapltest.IntelCPU, xeon...)
	s := opened(t, tree)
	assert.Equal(t, []string{"CPU-package-0", "CPU-package-1", "DRAM-package-0", "DRAM-package-1"}, names(s.Devices()))
	assert.Empty(t, s.LeftOut())
	cpu, dram := s.Devices()[0], s.Devices()[3]
	assert.Equal(t, energy.Device{
		UUID: "CPU-package-0" + host, Kind: energy.CPU, Name: "Intel(R) Xeon(R) Platinum 8480+", Rows: 1,
		Method: energy.Counter, Metric: "powercap " + tree.Path("sys/class/powercap/intel-rapl:0/energy_uj"),
		PowerLimit: 420, Resolution: cpu.Resolution, ReadWithin: cpu.ReadWithin,
	}, cpu)
	assert.InDelta(t, 61.035e-6, cpu.Resolution, 1e-9)
	assert.Equal(t, (156 * time.Second), cpu.ReadWithin.Round(time.Second), "262 kJ at twice 840 W")
	assert.Equal(t, energy.DRAM, dram.Kind)
	assert.Equal(t, 1, dram.Index)
	assert.Zero(t, dram.PowerLimit)
	assert.InDelta(t, 240422.366267, readAll(s)[0].Joules, 1e-4)
	tree.Advance("intel-rapl:0", 118.2)
	assert.InDelta(t, 240540.566267, readAll(s)[0].Joules, 1e-4)
	assert.Equal(t, energy.Info{Name: "rapl", Period: time.Millisecond}, s.Info())

	one := opened(t, tree, "cpu-package-1")
	assert.Equal(t, []string{"CPU-package-1"}, names(one.Devices()))
	_, err := open(Config{Root: tree.Root, Devices: []string{"CPU-package-7"}}, noPerf)
	assert.ErrorIs(t, err, energy.ErrNoDevice)
	assert.ErrorContains(t, err, "there are cpu:0 (CPU-package-0")
}

// TestZones is about machines whose zones are not one for each package.
func TestZones(t *testing.T) {
	amd := func(entry, name string) rapltest.Zone {
		return rapltest.Zone{Entry: entry, Name: name, Max: rapltest.AMD}
	}
	mirrored := []rapltest.Zone{}
	for i, c := range "0123456789abcdef" {
		mirrored = append(mirrored, amd("intel-rapl:"+string(c), "package-"+string("01"[i/8])+"-die-"+string(rune('0'+i%8))))
	}
	for name, test := range map[string]struct {
		cpu   string
		zones []rapltest.Zone
		want  []string
		rows  []int
	}{
		"one package twice": {rapltest.IntelCPU, []rapltest.Zone{
			{Entry: "intel-rapl-mmio:0", Name: "package-0"}, {Entry: "intel-rapl:0", Name: "package-0"},
		}, []string{"CPU-package-0"}, []int{2}},
		"memory-mapped only": {rapltest.IntelCPU, []rapltest.Zone{{Entry: "intel-rapl-mmio:0", Name: "package-0"}},
			[]string{"CPU-package-0"}, []int{1}},
		"AMD": {rapltest.AMDCPU, []rapltest.Zone{amd("intel-rapl:0", "package-0"), amd("intel-rapl:0:0", "core"), amd("intel-rapl:1", "package-1")},
			[]string{"CPU-package-0", "CPU-package-1"}, []int{1, 1}},
		"AMD, a zone for each die": {rapltest.AMDCPU, mirrored, []string{"CPU-package-0", "CPU-package-1"}, []int{8, 8}},
		"Intel, dies of their own": {rapltest.IntelCPU, []rapltest.Zone{
			{Entry: "intel-rapl:0", Name: "package-0-die-0"}, {Entry: "intel-rapl:0:0", Name: "dram"},
			{Entry: "intel-rapl:1", Name: "package-0-die-1"}, {Entry: "intel-rapl:1:0", Name: "dram"},
		}, []string{"CPU-package-0-die-0", "CPU-package-0-die-1", "DRAM-package-0-die-0", "DRAM-package-0-die-1"}, []int{1, 1, 1, 1}},
		"more than ten": {rapltest.IntelCPU, []rapltest.Zone{
			{Entry: "intel-rapl:a", Name: "package-10"}, {Entry: "intel-rapl:2", Name: "package-2"}, {Entry: "intel-rapl:a:b", Name: "dram"},
		}, []string{"CPU-package-2", "CPU-package-10", "DRAM-package-10"}, []int{1, 1, 1}},
		"other kinds of zones": {rapltest.IntelCPU, []rapltest.Zone{
			{Entry: "intel-rapl:0", Name: "package-0"}, {Entry: "dtpm:0", Name: "package-9"}, {Entry: "intel-rapl:x", Name: "package-8"},
			{Entry: "intel-rapl:1", Name: "package-x"}, {Entry: "intel-rapl:2:0", Name: "dram"},
		}, []string{"CPU-package-0"}, []int{1}},
	} {
		t.Run(name, func(t *testing.T) {
			s := opened(t, rapltest.New(t, test.cpu, test.zones...))
			assert.Equal(t, test.want, names(s.Devices()))
			assert.Empty(t, s.LeftOut())
			for i, d := range s.Devices() {
				assert.Equal(t, test.rows[i], d.Rows)
			}
		})
	}
	s := opened(t, rapltest.New(t, rapltest.IntelCPU, rapltest.Zone{Entry: "intel-rapl-mmio:0", Name: "package-0", Microjoules: 5e6},
		rapltest.Zone{Entry: "intel-rapl:0", Name: "package-0", Microjoules: 7e6}))
	assert.InDelta(t, 7, readAll(s)[0].Joules, 1e-3, "registers go before memory")
}

// TestBrokenZones: one that cannot be read hides no others, and is named; where the same
// device has another zone that is read.
func TestBrokenZones(t *testing.T) {
	for name, test := range map[string]struct {
		change func(tree *rapltest.Tree)
		left   string // UUID of what is left out; empty if nothing is
		why    string
		want   int // devices
	}{
		"no greatest value": {func(tree *rapltest.Tree) {
			require.NoError(t, os.Remove(tree.Path(tree.Dir("intel-rapl:1")+"/max_energy_range_uj")))
		}, "CPU-package-1" + host, "no such file", 3},
		"a greatest value of 0": {func(tree *rapltest.Tree) { tree.Write(tree.Dir("intel-rapl:1")+"/max_energy_range_uj", "0\n") },
			"CPU-package-1" + host, "max_energy_range_uj is 0", 3},
		"no counter": {func(tree *rapltest.Tree) {
			require.NoError(t, os.Remove(tree.Path(tree.Dir("intel-rapl:1:1")+"/energy_uj")))
		}, "DRAM-package-1" + host, "no such file", 3},
		"a counter of words": {func(tree *rapltest.Tree) { tree.Write(tree.Dir("intel-rapl:1:1")+"/energy_uj", "none\n") },
			"DRAM-package-1" + host, "shows no number", 3},
		"a counter that fails": {func(tree *rapltest.Tree) {
			path := tree.Path(tree.Dir("intel-rapl:1:1") + "/energy_uj")
			require.NoError(t, os.Remove(path))
			require.NoError(t, os.Mkdir(path, 0o755))
		}, "DRAM-package-1" + host, "is a directory", 3},
		"beyond its range": {func(tree *rapltest.Tree) { tree.Write(tree.Dir("intel-rapl:1")+"/energy_uj", "262143328851\n") },
			"CPU-package-1" + host, "more than its max_energy_range_uj", 3},
		"no name":       {func(tree *rapltest.Tree) { require.NoError(t, os.Remove(tree.Path(tree.Dir("intel-rapl:2")+"/name"))) }, "intel-rapl:2", "no such file", 4},
		"an empty name": {func(tree *rapltest.Tree) { tree.Write(tree.Dir("intel-rapl:2")+"/name", "\n") }, "intel-rapl:2", "its name is empty", 4},
		"a link that leads nowhere": {func(tree *rapltest.Tree) {
			require.NoError(t, os.Symlink("gone", tree.Path("sys/class/powercap/intel-rapl:3")))
		},
			"intel-rapl:3", "no such file", 4},
		"another zone of the same": {func(tree *rapltest.Tree) {
			require.NoError(t, os.Remove(tree.Path(tree.Dir("intel-rapl:1")+"/energy_uj")))
			tree.Add(rapltest.Zone{Entry: "intel-rapl-mmio:1", Name: "package-1"})
		}, "", "", 4},
	} {
		t.Run(name, func(t *testing.T) {
			tree := rapltest.New(t, rapltest.IntelCPU, xeon...)
			test.change(tree)
			s := opened(t, tree)
			assert.Len(t, s.Devices(), test.want)
			if test.left == "" {
				assert.Empty(t, s.LeftOut())
				return
			}
			require.Len(t, s.LeftOut(), 1)
			assert.Equal(t, test.left, s.LeftOut()[0].UUID)
			assert.Contains(t, s.LeftOut()[0].Why, test.why)
			chosen := opened(t, tree, s.Devices()[0].UUID)
			assert.Empty(t, chosen.LeftOut(), "others were left out by choice")
		})
	}
}

// TestFailingCounter: a counter that fails while it is read carries its error, does not
// allocate for that, and goes on when it works again.
func TestFailingCounter(t *testing.T) {
	tree := rapltest.New(t, rapltest.IntelCPU, xeon...)
	s := opened(t, tree)
	before := readAll(s)
	fails := s.meters[1]
	fails.call = func(int, []byte) (int, error) { return 0, os.ErrInvalid }
	for name, test := range map[string]struct {
		call func(fd int, buf []byte) (int, error)
		is   error
		says string
	}{
		"EINVAL":   {failing(22), nil, "the kernel can't read the counter"},
		"ENODEV":   {failing(19), energy.ErrDeviceLost, "no such device"},
		"EACCES":   {failing(13), fs.ErrPermission, "permission denied"},
		"cut off":  {func(_ int, buf []byte) (int, error) { return copy(buf, "123"), nil }, energy.ErrNoAnswer, "shows no number"},
		"empty":    {func(int, []byte) (int, error) { return 0, nil }, energy.ErrNoAnswer, "shows no number"},
		"negative": {func(_ int, buf []byte) (int, error) { return copy(buf, "-5\n"), nil }, energy.ErrNoAnswer, "shows no number"},
	} {
		fails.call = test.call
		r := readAll(s)
		require.Error(t, r[1].Err, name)
		assert.ErrorContains(t, r[1].Err, test.says, name)
		if test.is != nil {
			assert.ErrorIs(t, r[1].Err, test.is, name)
		}
		assert.False(t, r[1].HasJoules, name)
		assert.True(t, r[0].HasJoules, name)
		assert.Zero(t, testing.AllocsPerRun(20, func() { s.Read(r) }), name)
	}
	fails.call = fromStart
	tree.Advance("intel-rapl:1", 5)
	assert.InDelta(t, before[1].Joules+5, readAll(s)[1].Joules, 1e-3)
}

// TestConformance runs the suite for sources on a machine that draws power.
func TestConformance(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tree := rapltest.New(t, rapltest.IntelCPU, xeon...)
		tree.Run(map[string]float64{"intel-rapl:0": 150, "intel-rapl:0:1": 20, "intel-rapl:1": 90, "intel-rapl:1:1": 30})
		open := func(devices []string) (energy.Source, error) {
			s, err := open(Config{Root: tree.Root, Devices: devices}, noPerf)
			if err != nil {
				return nil, err
			}
			return s, nil
		}
		assert.NoError(t, energytest.TestSource(func() (energy.Source, error) { return open(nil) },
			energytest.ExpectWatts(15, 160), energytest.Opens(open)))
	})
}

// TestConformanceWraps: a counter that comes round each 7 s is continued. Its package can
// draw twice its limit of 100 W for a short time.
func TestConformanceWraps(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const most, watts = 1 << 30, 150.0
		tree := rapltest.New(t, rapltest.AMDCPU, rapltest.Zone{Entry: "intel-rapl:0", Name: "package-0", Max: most, Limit: 100})
		tree.Run(map[string]float64{"intel-rapl:0": watts})
		assert.NoError(t, energytest.TestSource(func() (energy.Source, error) {
			s, err := open(Config{Root: tree.Root}, noPerf)
			if err != nil {
				return nil, err
			}
			return s, nil
		}, energytest.Patience(5*time.Minute), energytest.Wraps(most/1e6, func(joules float64) { time.Sleep(time.Duration(joules / watts * float64(time.Second))) })))
	})
}

// TestVirtualMachines: what a host estimates is marked.
func TestVirtualMachines(t *testing.T) {
	guest := strings.Replace(rapltest.IntelCPU, "msr", "msr hypervisor", 1)
	s := opened(t, rapltest.New(t, guest, rapltest.Zone{Entry: "intel-rapl:0", Name: "package-0"}))
	marks := s.Devices()[0].Marks
	require.Len(t, marks, 1)
	assert.Equal(t, energy.EstimatedCounter, marks[0].Reason)
	assert.False(t, marks[0].Withholds())
	assert.Empty(t, opened(t, rapltest.New(t, rapltest.IntelCPU, xeon...)).Devices()[0].Marks)
}

// TestPowerLimit: it is the greater of what is set, or what can be.
func TestPowerLimit(t *testing.T) {
	for name, test := range map[string]struct {
		files map[string]string
		want  float64
	}{
		"none":         {nil, 0},
		"both":         {map[string]string{"constraint_0_power_limit_uw": "125000000", "constraint_1_power_limit_uw": "253000000"}, 253},
		"most only":    {map[string]string{"constraint_0_max_power_uw": "65000000"}, 65},
		"set and most": {map[string]string{"constraint_0_power_limit_uw": "45000000", "constraint_0_max_power_uw": "65000000"}, 45},
		"unlimited":    {map[string]string{"constraint_0_power_limit_uw": "4095875000", "constraint_0_max_power_uw": "125000000"}, 125},
		"switched off": {map[string]string{"constraint_0_power_limit_uw": "125000000", "enabled": "0"}, 0},
		"zero":         {map[string]string{"constraint_0_power_limit_uw": "0", "constraint_0_max_power_uw": "0"}, 0},
		"words":        {map[string]string{"constraint_0_power_limit_uw": "much"}, 0},
	} {
		tree := rapltest.New(t, rapltest.IntelCPU, rapltest.Zone{Entry: "intel-rapl:0", Name: "package-0"})
		for file, content := range test.files {
			tree.Write(tree.Dir("intel-rapl:0")+"/"+file, content+"\n")
		}
		assert.Equal(t, test.want, opened(t, tree).Devices()[0].PowerLimit, name)
	}
}

// TestIdentity: a device has the same UUID each time, and another on another machine.
func TestIdentity(t *testing.T) {
	tree := rapltest.New(t, rapltest.IntelCPU, xeon...)
	first := names(opened(t, tree).Devices())
	assert.Equal(t, first, names(opened(t, tree).Devices()))
	tree.Write("etc/machine-id", "fedcba9876543210fedcba9876543210\n")
	assert.False(t, slices.Equal(first, names(opened(t, tree).Devices())))
	require.NoError(t, os.Remove(tree.Path("etc/machine-id")))
	assert.Equal(t, "CPU-package-0", opened(t, tree).Devices()[0].UUID, "a container may have no id")
}
