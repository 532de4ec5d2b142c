// Package energytest helps to test implementations of [energy.Source], and
// code that must cope with what sources do.
//
// [Run] and [TestSource] put a source through a conformance suite. Every case
// has a name, and says why the contract asks for what it checks:
//
//	func TestSource(t *testing.T) {
//		energytest.Run(t, func(t *testing.T) energy.Source { return mysource.New() })
//	}
//
// The fault injectors wrap a source and make it misbehave, as the readers of
// testing/iotest do. They compose by wrapping, count readings and not time, so
// that the same reads meet the same faults, and pass on [energy.Inspector] if
// the wrapped source has it. Readings and calls are counted from 1.
//
// [Fake] is a source of one device driven by a function of time. It is the
// source to use where a test needs to say exactly what the counter shows; the
// module's package simsource simulates GPUs that follow a load.
//
// Time comes from the time package, so that all of it works inside a
// testing/synctest bubble.
package energytest
