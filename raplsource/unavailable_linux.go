package raplsource

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/joulebench/joulebench/powertest/energy"
)

// unavailable says why there is nothing to read, by the errors of both ways, and what to do:
// commands are on lines of their own that begin with a tab.
func (t tree) unavailable(cpu processor, powercap, pmu error) error {
	dir := t.path("sys/class/powercap")
	switch {
	case errors.Is(powercap, fs.ErrPermission):
		return fmt.Errorf("rapl: only root may read the counters of the CPUs: %w\n%s", powercap, t.permit())
	case errors.Is(pmu, fs.ErrPermission):
		return fmt.Errorf("rapl: only root may read the counters of the CPUs: %w\nto let all users read them until the next boot:\n"+
			"\tsudo sysctl kernel.perf_event_paranoid=0", pmu)
	case errors.Is(powercap, errHidden):
		return fmt.Errorf("rapl: %s: %w\nmount both folders in the container, and set POWERTEST_SOURCE=rapl=root=/host:\n"+
			"\t-v /sys/class/powercap:/host/sys/class/powercap:ro\n"+
			"\t-v /sys/devices/virtual/powercap:/host/sys/devices/virtual/powercap:ro", dir, powercap)
	case t.root != "" && errors.Is(powercap, fs.ErrNotExist):
		return fmt.Errorf("rapl: root=%s: %w\nname the folder in which the machine's sys is mounted", t.root, powercap)
	case !errors.Is(powercap, fs.ErrNotExist) && !errors.Is(powercap, errNoZone):
		return fmt.Errorf("rapl: %s: %w", dir, powercap)
	case cpu.virtual:
		return fmt.Errorf("rapl: %w: this is a virtual machine, which has no counters of its CPUs\n"+
			"measure on a machine of its own, or let QEMU estimate what is the guest's:\n\t-accel kvm,rapl=true", energy.ErrNoDevice)
	}
	return fmt.Errorf("rapl: %w: %s shows no package\nif the processor is of Intel or AMD, load the driver:\n"+
		"\tsudo modprobe intel_rapl_msr", energy.ErrNoDevice, dir)
}

// permit says how to let a group of users read the counters, now and after each boot. It is
// the user's own group: other users would learn what is computed here (CVE-2020-8694).
func (t tree) permit() string {
	return fmt.Sprintf("to let the group %[1]d read them, now and after each boot:\n"+
		"\techo 'ACTION==\"add\", SUBSYSTEM==\"powercap\", RUN+=\"/bin/chgrp %[1]d /sys%%p/energy_uj\", RUN+=\"/bin/chmod g+r /sys%%p/energy_uj\"'"+
		" | sudo tee /etc/udev/rules.d/70-rapl.rules\n"+
		"\tsudo udevadm control --reload; sudo udevadm trigger --action=add --subsystem-match=powercap", os.Getgid())
}
