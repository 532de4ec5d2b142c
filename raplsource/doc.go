// Package raplsource reads the energy of this machine's processor packages and of their
// memory, from RAPL, the counters that processors of Intel (since 2011), AMD and Hygon
// (since Zen) have. Importing it registers it under the name "rapl", and
// POWERTEST_SOURCE=rapl=root=DIR says in which folder the machine's /sys is.
//
// It is not for machines that have GPUs whose energy is asked for: the energy of the CPUs
// does not contain that of a GPU. It needs Linux; on other systems [Open] fails with an error
// that wraps [errors.ErrUnsupported].
//
// # What is read
//
//	/sys/class/powercap/*/energy_uj     32 bits, in steps of 15 or 61 µJ; wraps are continued
//	perf events power/energy-pkg/ and   64 bits; where powercap can't be read
//	power/energy-ram/
//
// A device is a package ([energy.CPU]), or the memory of one ([energy.DRAM]), which is not
// part of it. A processor whose dies have counters of their own (Intel's Cascade Lake-AP)
// has a device for each. What is a part of a package (core, uncore), and the platform
// around it (psys), are never added, and are no devices.
//
// Some kernels show a package more than once: by its registers and by memory-mapped ones
// (intel-rapl-mmio), and up to eight times on AMD's (Linux 6.9 to 6.11 show one zone for
// each die, all of one counter). It counts once; [energy.Device.Rows] says how often it is
// there. A package or memory that is there and cannot be read is in [Source.LeftOut].
//
// # Accuracy
//
// The counters are refreshed each millisecond, and so any reading is a tick: the edges of a
// window are known to about that. They are no meters: the memory's is a model on many
// processors, as is AMD's core counter, which is not used.
//
// In a virtual machine there are mostly none. QEMU (9.2 and later, rapl=true) gives a guest
// an estimate of its share of the host's packages: numbers are marked
// [energy.EstimatedCounter].
//
// # Permission
//
// Since Linux 5.10 only root may read energy_uj (CVE-2020-8694: who reads it often learns
// what others compute). [Open]'s error then wraps [fs.ErrPermission], and has two commands
// that let one group of users read it, now and after each boot.
//
// # Containers
//
// Docker hides /sys/devices/virtual/powercap, to which all of /sys/class/powercap are links.
// Mount both, and name the folder:
//
//	docker run -v /sys/class/powercap:/host/sys/class/powercap:ro \
//	    -v /sys/devices/virtual/powercap:/host/sys/devices/virtual/powercap:ro \
//	    -e POWERTEST_SOURCE=rapl=root=/host …
//
// # What it costs
//
// To read a counter costs the CPU that is measured: the recorder reads so seldom that it
// takes at most 2 % of one core for some milliseconds at the edges of windows, and 0.1 % between.
package raplsource
