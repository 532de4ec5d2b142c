// Package intelsource reads the energy of the Intel GPUs of this machine, through the
// files of their drivers, i915 and xe. It needs no library, no cgo and no permission
// beyond that of the files, which mostly everyone may read. Importing it registers it under
// the name "intel"; POWERTEST_SOURCE=intel=root=DIR reads them below another folder, as in
// a container that has the host's /sys there.
//
// It is for cards (Arc, Data Center GPU Max and Flex). Graphics within a processor have no
// counter of their own; the processor's package has one, which is not read here.
//
// # What is read
//
// The energy counters of the hardware monitor, in microjoules. There may be two: the one
// labelled card contains the one labelled pkg, so that they are never added. That of the
// card is read, unless it stands still, or counts less than the part of it does, as
// drivers were seen to show; then that of the package is, without memory and
// regulators, and [energy.Device.Metric] says so. The driver adds up a register of 32 bits,
// but only when it is read: [energy.Device.ReadWithin] is 30 s.
//
// There is no power gauge beside the counter, so that an energy in a wrong unit shows only
// by what the card cannot draw.
//
// # What it was run on
//
// On no Intel GPU yet. Names, labels and values in the tests are those that others
// recorded on an Arc A380 and a B580.
package intelsource
