// Package simsource is an [energy.Source] on simulated GPUs: what examples and
// tests run on where there is no GPU, and what the instrument itself is tested
// against, because a simulation knows the truth.
//
// It does not measure what a program costs: its joules follow from the load that the
// program reports. It never hides this: [energy.Info].Simulated is set, and device UUIDs begin with SIM.
//
// A simulated GPU draws its idle power until the program says that it is busy:
//
//	sim := simsource.New(simsource.Config{Idle: 90, Peak: 700})
//	done := sim.Busy()
//	// ... the work
//	done()
//
// Between the two its power rises towards the peak, and afterwards it falls
// back to idle, each with its own time constant. The energy counter shows the
// integral of the power, late as a real counter does: its value changes only at ticks, every Config.Period, with jitter, and some
// ticks are missed if the Config says so. [Source.TrueJoules] returns what the
// counter does not show: the exact energy between any two times.
//
// The integral is a closed form, so nothing runs in the background, and time
// comes from [time.Now]: inside a testing/synctest bubble everything is exact.
// Everything random follows from Config.Seed, so that two
// simulations of the same configuration and the same load agree.
//
// Importing the package links it in as the source "sim":
//
//	POWERTEST_SOURCE=sim
//	POWERTEST_SOURCE=sim=gpus=2,idle=90,peak=700,period=100ms,seed=1
//
// The keys are those of [Config] in lower case; [Default] and [Busy] act on the
// source that is opened so.
package simsource
