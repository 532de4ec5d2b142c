// Package energytest helps to test implementations of [energy.Source], and
// code that must cope with what sources do.
//
// # A source of one's own
//
// [Run] and [TestSource] put a source through a conformance suite. Every case
// has a name, and says why the contract asks for what it checks:
//
//	func TestSource(t *testing.T) {
//		energytest.Run(t, func(t *testing.T) energy.Source { return mysource.New() },
//			energytest.ExpectWatts(50, 700), energytest.Opens(mysource.Open))
//	}
//
// The example below is a whole source and its test. Of the fields of
// [energy.Device], a simple source sets these:
//
//	UUID        always: unique across machines, and the same in each run
//	Index       always: the number that people know the device by
//	Method      always: energy.Counter for cumulative joules, energy.Gauge for watts
//	Resolution  of a counter: its smallest step in joules
//	Sensor      of a gauge: what its readings are means over; without it a number is wide
//	Name        if it is known, as are PowerLimit and PCI: what the device cannot
//	            draw is not published
//	Metric      for people: the register, file or call that is read
//
// [energy.Info] has the Name of the source, and the Period with which values change;
// Device.Period is for a device that differs. The others are zero in a source that
// reads the devices of this machine directly: Host, Endpoint, Role, Rows, Fresh and
// Hint are for sources that read other machines, Behind for a counter that samples
// another, Delay and DelaySD for one of a kind that is known to be late, MaxGap for a
// gauge that is read as seldom as a log is written, and Marks for what must be said of
// each number.
//
// # Faults
//
// The fault injectors wrap a source and make it misbehave, as the readers of
// testing/iotest do. They compose by wrapping, count readings and not time, so
// that the same reads meet the same faults, and pass on [energy.Inspector] if
// the wrapped source has it. Readings and calls are counted from 1.
//
// # A fake
//
// [Fake] is a source of one device driven by a function of time. It is the
// source to use where a test needs to say exactly what the counter shows; the
// module's package simsource simulates GPUs that follow a load.
//
// Time comes from the time package, so that all of it works inside a
// testing/synctest bubble.
package energytest
