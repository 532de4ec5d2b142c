// Package nvmlsource reads the energy of the NVIDIA GPUs of this machine,
// through NVML, the driver's library. It is the default source where there are such GPUs:
// importing it registers it under the name "nvml", and POWERTEST_SOURCE=nvml=PATH gives the
// path of a library other than the installed one.
//
// It is not for GPUs of other machines: those are read through dcgm-exporter,
// by package dcgmsource.
//
// # What is read
//
// The energy counter and the power of the moment, in one call of the driver per
// GPU and without allocating. GPUs and drivers that lack them are read by what
// they have; all ways are tried when the source is opened, the best first, and
// [energy.Device.Metric] names the one that works:
//
//	nvmlDeviceGetFieldValues             energy counter, and power as a cross-check
//	nvmlDeviceGetTotalEnergyConsumption  energy counter
//	nvmlDeviceGetSamples                 power, from the driver's buffer
//	nvmlDeviceGetFieldValues             power of the moment
//	nvmlDeviceGetFieldValues             mean power of the last second: windows of 5 s and more
//	nvmlDeviceGetPowerUsage              likewise, on some GPUs
//
// The counter covers the board: the GPU, its memory and its regulators. That of a GH200
// covers the whole module, its CPU included, and so may those of other superchips: where
// the module draws more than its GPU (field 186 by scope) and the counter is not seen to
// be that of the GPU (fields 191 by scope, and 83), measurements are marked
// [energy.ModuleScope], the power that is the cross-check is that of the module, and so
// is [energy.Device.PowerLimit].
//
// # Which GPUs
//
// [Config.Devices] says. If it is empty, those that a CUDA program in this
// environment would see: CUDA_VISIBLE_DEVICES and CUDA_DEVICE_ORDER are
// understood as CUDA does. In CUDA's default order, an index is ambiguous on a
// machine with different models, and [Open] fails and says so. Where nothing says, a GPU
// that reports neither energy nor power is left out, and named in [Source.LeftOut].
//
// A MIG instance has no counter. In place of one that is selected its parent is
// read, marked [energy.MIGParentScope]. A GPU in MIG mode is marked, too, if
// nothing is selected or CUDA_VISIBLE_DEVICES names it, since a program can use but
// one instance of it. A GPU that [Config.Devices] selects as a whole, by its index,
// UUID or PCI address, is not marked.
//
// # Limits
//
// NVML is read on linux, in binaries built with cgo. In all others, Open fails
// with an error that wraps [errors.ErrUnsupported]. Binaries must not be linked
// statically, or with -bindnow: NVML's functions are bound when they are first
// called, since they come with the driver.
package nvmlsource
