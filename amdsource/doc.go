// Package amdsource reads the energy of the AMD GPUs of this machine, through the files
// of their driver, amdgpu. It needs no library, no cgo and no permission beyond that of
// the files, which mostly everyone may read. Importing it registers it under the name
// "amd"; POWERTEST_SOURCE=amd=root=DIR reads them below another folder, as in a container
// that has the host's /sys there.
//
// GPUs of other machines are read by package dcgmsource, and logs of amd-smi by smisource.
//
// # What is read
//
// All ways are tried when the source is opened, the best first, and
// [energy.Device.Metric] names the one that works:
//
//	gpu_metrics             energy counter, and power as a cross-check: Instinct GPUs
//	hwmon power1_average    power, a mean over a time that is not known
//	hwmon power1_input      power of the moment
//	gpu_metrics             power, in whole watts
//
// The table gpu_metrics is understood by its revision and its size: 1.0 to 1.8, of which
// 1.6 has two layouts, and the list of attributes that 1.9 is. Its energy is in units of
// 2⁻¹⁶ J where the firmware stamps the table, which are Instinct GPUs from MI200 on. On
// others (Radeon, MI100) the field has another unit, or nothing, and is not read. A counter
// that does not move while the source is opened is none. A reading is placed at the time
// that the driver itself gives its table.
//
// The counter and the power are compared over each window by package energy: where they
// are a factor of 1.25 apart, the number is withheld ([energy.CounterDisagrees]).
//
// The power readings of AMD's GPUs were compared with no meter, so that nothing is known of
// their sensors and intervals by them are wide: see docs/sensors.md. docs/amd.md says how
// each thing here is known.
//
// # Which GPUs
//
// [Config.Devices] says; else those that ROCR_VISIBLE_DEVICES and HIP_VISIBLE_DEVICES leave,
// by UUID. Numbers in them count in an order that only ROCm knows: unless they name all
// GPUs, [Open] fails and says so. A GPU is named by its unique_id, as ROCm does
// (GPU-0123456789abcdef), and where it has none, by its PCI address and a name of the
// machine, made from /etc/machine-id.
//
// One socket counts once. The second die of an MI250 reports nothing, and is counted with
// the first, which is marked [energy.MIGParentScope]. The partitions of an MI300 have no
// counters: the GPU is measured as a whole, and marked so, too, if it is divided and not
// selected. The power of an APU, and the energy of an MI300A, are those of all of it, CPU
// included, and marked [energy.ModuleScope]. An APU is an [energy.Module], so that beside a
// Radeon J/op is that of the Radeon; an MI300A is a GPU.
//
// # What it was run on
//
// On no AMD GPU yet. The layouts are those of the kernel's headers; tables that others
// recorded on an RX 6900 XT, 7600S, 7800 XT, 9070, a Ryzen 7040 and a Ryzen AI 300 are
// decoded in the tests, and none of an Instinct was found.
package amdsource
