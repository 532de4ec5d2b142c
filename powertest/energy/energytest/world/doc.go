// Package world is a lab that can say no: devices, counters, loads and harnesses that
// are drawn from what real machines do, and from no model of how energy is estimated.
// What it measures the instrument against, it knows exactly:
//
//	Load ──► Profile (watts over time, exact joules) ──► Counter ──► Machine, an energy.Source
//	            │                                            └─────► Server, an energy.HistorySource
//	            └──► the truth of each window                           │
//	                        │                                           ▼
//	                        └──────────► Summary ◄── Harness: windows, phases, pauses, counts
//
// A [Cell] is one line of the table of what the instrument is to reach: a load, a
// counter, a harness, a length of window, and what is wanted. [Cell.Run] measures many
// windows, each trial on its own fake clock, and [Cells] lists all cells. Beside the
// instrument's numbers stand those of its peers on the same windows ([Peers]).
//
// To run the table:
//
//	go test -tags slow -run TestSlowWorld -v ./powertest/energy/energytest/world \
//		-args -cell 'drain|held' -windows 200 -seed 7 -recordings DIR
//
// Times are in seconds since the start of the trial, energy in joules, power in watts.
//
// # Where the loads come from
//
// External meters at 1 to 5 kHz on boards under load, and traces of inference servers,
// show: power rises in one to several steps within 1 to 5 ms each; at the end it falls in
// steps over some 50 ms, or at once; a board keeps its clocks up for seconds after a load,
// at up to twice its idle power; a power cap makes square waves of 10 to 50 Hz; a server's
// prefill is a burst at the limit, its decoding a plateau with the ripple of its steps.
// What a client takes for the beginning and the end of a request lies some ms to some
// tens of ms off what the device does.
//
// Counters refresh each 20 to 100 ms by a clock of their own, whose jitter accumulates;
// some lag, some add up readings of a sensor that looks a quarter of the time.
package world
