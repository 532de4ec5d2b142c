// Package powertest makes a Go benchmark report what it costs in energy:
// joules per operation, watts, tokens per joule, as ordinary benchmark metrics.
//
// Wrap the benchmark just before its loop, after its set-up:
//
//	func BenchmarkChat(tb *testing.B) {
//		b := powertest.Wrap(tb)
//		for b.Loop() {
//			u := chat(b.Context(), prompt)
//			b.AddTokens(u.Prompt, u.Completion)
//		}
//	}
//
// and run it with go test -bench. It reports, in base units always:
//
//	J/op        joules per operation
//	W           mean power over the timed part
//	err-%       half-width of the interval of the joules, in percent of them
//	tokens/J    output tokens per joule (with AddTokens)
//	J/token     joules per output token (with AddTokens)
//	tokens/s    output tokens per second of the benchmark's timer (with AddTokens)
//	J/req       joules per request (with AddRequests)
//	J/user      joules per concurrent user (with SetConcurrency)
//	net-J/op    joules above idle per operation (with Net)
//	net-err-%   half-width of the interval of the joules above idle, in percent (with Net)
//	tokens-err-%  half-width of the interval of tokens/J, in percent (with TokensFrom)
//	idle-W      power when idle, before the timed part (with Net)
//	NAME-J/op   joules of a phase per operation (with Phase)
//	NAME-err-%  half-width of the interval of a phase's joules, in percent
//	cpu-J/op, dram-J/op, all-J/op, with cpu-err-% and so on, and all-tokens/J
//	            joules of other devices than GPUs, and of all (with several sources)
//
// Each is left out when something that it needs is missing: a number that
// cannot be defended is withheld, and the benchmark's log says why. It is never
// printed as 0, NaN or Inf. The reasons are those of [energy.Reason]; the formulas,
// and what other programs call them, are in docs/metrics.md.
//
// A load harness that is no benchmark measures with a [Meter], and writes its
// [Report] as JSON or, through a [Writer], as benchmarks print theirs.
//
// # How the data flows
//
//	source            NVML, an exporter, a log, a simulation: energy.Source
//	  │ readings      joules so far or watts, of each device
//	energy.Recorder   one per source in a process; it learns when the counters tick
//	  │
//	energy.Window     the stretches of time when the timer runs; one more per phase
//	  │
//	energy.Measurement   joules and watts with an interval, or reasons
//	  │ ÷ work        operations, requests, tokens: B.AddTokens, Window.AddTokens
//	metrics           J/op, W, tokens/J, …
//	  │
//	  ├── Wrap        a result line of go test -bench
//	  └── Meter       a Report: JSON, or a record of a Writer
//
// # Mistakes
//
// What compiles and does not do what it seems to is logged, in one line, once in the
// process, with the line of the user's that it is in: a phase that is never ended; work
// or timers of a benchmark that has sub-benchmarks, which is not measured itself; the Run of
// the testing.B instead of [B.Run]; negative counts, and sums beyond 2⁶³, after which that
// count is unknown; options that are given twice, or contradict one another; Wrap in the
// loop, or again; calls after the end. Those of a [Meter] are logged by [log/slog].
//
// # What is measured
//
// The energy of the devices during the time that the benchmark's timer runs,
// for the machine's every load and not only this process's. [B.StartTimer],
// [B.StopTimer] and [B.ResetTimer] act on both, so call them on the powertest.B
// and not on the testing.B. b.Loop starts and stops the timer by itself, which is
// seen: set-up between Wrap and the loop, and what follows the loop, are not measured,
// whatever they draw. The same goes for one reset, or one last stop, of the testing.B.
//
// Where the timed part cannot be placed only its length is known: of what the testing.B
// stops and starts in the loop, of set-up and teardown together while something else stops the
// world, as [runtime.ReadMemStats] does, and of any set-up on Windows, where testing keeps its
// times otherwise. The interval is then wider by what the devices can draw in the difference, which
// err-% includes, and the joules are withheld ([energy.WindowMismatch]) where that is 10 % of
// the energy, or the difference 10 % of the window.
//
// The energy counter of a GPU changes only every 10 to 100 ms, so Wrap waits for
// two changes before it returns and the end of the benchmark waits for up to
// three after it, both with the timer stopped. Let a benchmark run for at least
// ten changes: -benchtime=1s is enough on every GPU that is known.
//
// A device's energy is that of all processes that use it. Two processes on one host
// that measure the same device at the same time find each other, and both mark
// their numbers ([energy.SharedGPU]); programs that do not use this package are
// found where the source lists processes. They find each other in the directory
// powertest-presence of the temporary directory. Where that cannot be trusted, since it
// is a link or has other permissions than 1777, the log says so, and only processes of
// one user find each other.
//
// # Sources
//
// The local NVIDIA GPUs are read through NVML, or where there are none the CPUs of this
// machine, unless [From] or the environment say otherwise. The environment never needs a change of the code, and can be
// set for packages that do not import powertest:
//
//	POWERTEST_SOURCE=auto   the local NVIDIA GPUs if there are any, else the CPUs of this
//	                        machine if they may be read; the default
//	POWERTEST_SOURCE=nvml   the local NVIDIA GPUs
//	POWERTEST_SOURCE=rapl   the CPUs of this machine and their memory: see package raplsource
//	POWERTEST_SOURCE=amd    the local AMD GPUs, if package amdsource is imported
//	POWERTEST_SOURCE=intel  the local Intel GPUs, if package intelsource is imported
//	POWERTEST_SOURCE=sim    simulated GPUs, if package simsource is imported
//	POWERTEST_SOURCE=dcgm=… GPUs of other machines, if package dcgmsource is imported
//	POWERTEST_SOURCE=prometheus=…
//	                        those that a server scrapes, if package promsource is imported
//	POWERTEST_SOURCE=smi=…  a log of nvidia-smi or amd-smi, if package smisource is imported
//	POWERTEST_SOURCE=nvml+rapl
//	                        several at once, over one window: J/op is that of the GPUs, and
//	                        cpu-J/op and all-J/op come beside it; see docs/metrics.md
//	POWERTEST_SOURCE=off    measure nothing, whatever the code says
//	POWERTEST_DEVICES=0-3   only these devices of the source: see [energy.Select]
//	POWERTEST_TOKENS=vllm=http://HOST:8000
//	                        count tokens by the server, too: see [TokensFrom]
//	POWERTEST_STRICT=1      fail where there is no energy measurement
//	POWERTEST_PROFILE=FILE  calibrate the devices by what "powertest doctor -profile" has
//	                        measured of them; off: do not. See package profile
//	POWERTEST_TRACE=DIR     write everything known of each result to DIR, as JSON
//
// Where there is nothing to measure the benchmark runs all the same, and its log says why
// there is no energy measurement. CPUs are never measured in the place of GPUs that are there.
//
// # Header
//
// Before the first result the package prints the configuration that must be the same for
// two files to be compared, and before that of each benchmark which direction of its units
// is better, once for each unit:
//
//	energy-source: nvml
//	gpu: NVIDIA H200
//	gpus: 1
//	power-limit: 700W
//	Unit J/op better=lower
//
// Where CPUs are measured there are "cpu-energy: package+dram" and "cpus: 2" as well. A
// profile adds the beginning of its SHA-256, such as "calibration: 3f2a91c0d4e7".
// A simulation says "energy-source: simulated", always.
package powertest
