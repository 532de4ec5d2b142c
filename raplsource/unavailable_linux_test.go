package raplsource

import (
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/joulebench/joulebench/powertest/energy"
	"github.com/joulebench/joulebench/raplsource/rapltest"
)

// TestMain lets the test binary be another user's process, which opens the source.
func TestMain(m *testing.M) {
	if root := os.Getenv("RAPLSOURCE_ROOT"); root != "" {
		s, err := open(Config{Root: root}, noPerf)
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(names(s.Devices()), s.LeftOut())
		return
	}
	os.Exit(m.Run())
}

// asUser runs this test binary as a user who is nobody, on a tree.
func asUser(t *testing.T, tree *rapltest.Tree) string {
	t.Helper()
	for dir := tree.Root; dir != os.TempDir() && dir != "/"; dir = filepath.Dir(dir) {
		require.NoError(t, os.Chmod(dir, 0o755))
	}
	self, err := os.Executable()
	require.NoError(t, err)
	binary, err := os.ReadFile(self)
	require.NoError(t, err)
	other := tree.Path("other")
	require.NoError(t, os.WriteFile(other, binary, 0o755))
	require.NoError(t, os.Chmod(other, 0o755))
	c := exec.Command(other)
	c.Dir, c.Env = "/", []string{"RAPLSOURCE_ROOT=" + tree.Root}
	c.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 1234}}
	out, err := c.CombinedOutput()
	require.NoError(t, err, "%s", out)
	return string(out)
}

// TestPermission: as another user than root a machine says what to paste, to let one's own
// group read the counters; and they are read where that was done.
func TestPermission(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can be two users")
	}
	tree := rapltest.New(t, rapltest.IntelCPU, xeon...)
	restrict := func(mode os.FileMode, entries ...string) {
		for _, e := range entries {
			path := tree.Path(tree.Dir(e) + "/energy_uj")
			require.NoError(t, os.Chown(path, 0, 1234))
			require.NoError(t, os.Chmod(path, mode))
		}
	}
	all := []string{"intel-rapl:0", "intel-rapl:0:1", "intel-rapl:1", "intel-rapl:1:1"}
	restrict(0o400, all...)
	out := asUser(t, tree)
	assert.Contains(t, out, "rapl: only root may read the counters of the CPUs: open "+tree.Path("sys/class/powercap/intel-rapl:0/energy_uj")+": permission denied\n")
	assert.Contains(t, out, "\n\techo 'ACTION==\"add\", SUBSYSTEM==\"powercap\", RUN+=\"/bin/chgrp 1234 /sys%p/energy_uj\", RUN+=\"/bin/chmod g+r /sys%p/energy_uj\"' | sudo tee /etc/udev/rules.d/70-rapl.rules\n")
	restrict(0o440, all...)
	assert.Contains(t, asUser(t, tree), "[CPU-package-0 CPU-package-1 DRAM-package-0 DRAM-package-1] []")
	restrict(0o400, "intel-rapl:1:1")
	assert.Contains(t, asUser(t, tree), "[CPU-package-0 CPU-package-1 DRAM-package-0] [DRAM 1 (memory of package-1, DRAM-package-1"+host+"): open ")
}

// TestUnavailable: what keeps the counters from being read has an error that can be told, and
// what to do.
func TestUnavailable(t *testing.T) {
	guest := strings.Replace(rapltest.IntelCPU, "msr", "msr hypervisor", 1)
	for name, test := range map[string]struct {
		tree func(t *testing.T) *rapltest.Tree
		is   error
		says []string
	}{
		"nothing": {func(t *testing.T) *rapltest.Tree { return rapltest.New(t, rapltest.IntelCPU) }, energy.ErrNoDevice,
			[]string{"shows no package", "\n\tsudo modprobe intel_rapl_msr"}},
		"a virtual machine": {func(t *testing.T) *rapltest.Tree { return rapltest.New(t, guest) }, energy.ErrNoDevice,
			[]string{"this is a virtual machine, which has no counters", "\nmeasure on a machine of its own"}},
		"parts only": {func(t *testing.T) *rapltest.Tree {
			return rapltest.New(t, rapltest.IntelCPU, rapltest.Zone{Entry: "intel-rapl:0", Name: "psys"})
		}, energy.ErrNoDevice, []string{"shows no package"}},
		"a container": {func(t *testing.T) *rapltest.Tree {
			tree := rapltest.New(t, rapltest.IntelCPU, xeon...)
			require.NoError(t, os.RemoveAll(tree.Path("sys/devices/virtual/powercap")))
			return tree
		}, fs.ErrNotExist, []string{"lead nowhere", "POWERTEST_SOURCE=rapl=root=/host:\n\t-v /sys/class/powercap:", "\n\t-v /sys/devices/virtual/powercap:"}},
		"no such root": {func(t *testing.T) *rapltest.Tree {
			tree := rapltest.New(t, rapltest.IntelCPU)
			require.NoError(t, os.RemoveAll(tree.Path("sys")))
			return tree
		}, fs.ErrNotExist, []string{"rapl: root=", "\nname the folder"}},
		"a PMU without permission": {func(t *testing.T) *rapltest.Tree {
			tree := rapltest.New(t, rapltest.IntelCPU)
			withPMU(tree, "0", true, map[string][2]string{"0": {"0", "0"}})
			return tree
		}, fs.ErrPermission, []string{"perf_event_open power/energy-pkg/: permission denied", "\n\tsudo sysctl kernel.perf_event_paranoid=0"}},
		"broken": {func(t *testing.T) *rapltest.Tree {
			tree := rapltest.New(t, rapltest.IntelCPU, rapltest.Zone{Entry: "intel-rapl:0", Name: "package-0"})
			tree.Write(tree.Dir("intel-rapl:0")+"/max_energy_range_uj", "much\n")
			return tree
		}, nil, []string{"max_energy_range_uj: no answer: the file has no number"}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := open(Config{Root: test.tree(t).Root}, noPerf)
			require.Error(t, err)
			if test.is != nil {
				assert.ErrorIs(t, err, test.is)
			}
			for _, s := range test.says {
				assert.ErrorContains(t, err, s)
			}
			cause, _, _ := strings.Cut(err.Error(), "\n")
			assert.True(t, strings.HasPrefix(cause, "rapl: "), cause)
		})
	}
	denied := kernel{open: func(*unix.PerfEventAttr, int) (int, error) { return -1, unix.ENOENT }}
	tree := rapltest.New(t, rapltest.IntelCPU)
	withPMU(tree, "0", false, map[string][2]string{"0": {"0", "0"}})
	_, err := open(Config{Root: tree.Root}, denied)
	assert.ErrorIs(t, err, energy.ErrNoDevice, "a PMU without the event")
}

// TestOptions: the source is named rapl or rapl=root=DIR.
func TestOptions(t *testing.T) {
	tree := rapltest.New(t, rapltest.IntelCPU, xeon...)
	s, err := energy.Open("rapl", "root="+tree.Root, []string{"DRAM-package-0"})
	require.NoError(t, err)
	assert.Equal(t, []string{"DRAM-package-0"}, names(s.Devices()))
	require.NoError(t, s.Close())
	for _, arg := range []string{"/host", "root", "root=", "dir=/host"} {
		_, err := energy.Open("rapl", arg, nil)
		assert.ErrorIs(t, err, energy.ErrMalformed, arg)
		assert.ErrorContains(t, err, "\nwrite rapl, or rapl=root=DIR", arg)
	}
	s, err = energy.Open("rapl", "root=/nowhere", nil)
	assert.Error(t, err)
	assert.Nil(t, s)
}
