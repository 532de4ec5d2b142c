// Powertest does for any benchmark what package powertest does for Go benchmarks:
// it says what the work cost in energy.
//
//	powertest annotate ...   add the energy of a benchmark to its results
//	powertest gate ...       say whether a benchmark file is a regression of another
//	powertest ab ...         compare two builds, run in turn, and judge them
//	powertest doctor ...     say what would be measured here, and how well
//
// Run without arguments it lists its subcommands, and a subcommand with -h its
// flags.
//
// # Annotate
//
// A benchmark of a model server has written its result: when it began and ended,
// how many requests it sent, and how many tokens they had. Meanwhile nvidia-smi
// or amd-smi has logged the power of the GPUs, or a Prometheus server has scraped
// them. Annotate joins the two:
//
//	$ powertest annotate -log gpu_metrics.csv -bench result.json -agg agg.json -gpus 8
//	window                       10s from 2023-11-14T22:13:20Z
//	work                         64 requests, 524288 input and 65536 output tokens
//	source                       gpu_metrics.csv
//	GPUs                         8 of 8
//	energy                       40000 J ± 1.9 % (39235.8 to 40764.2 J)
//	avg power                    500 W
//	avg total gpu power          4000 W
//	joules per successful query  625 J
//	joules per input token       0.0762939 J
//	joules per output token      0.610352 J
//	joules per total token       0.0678168 J
//
// It adds the same numbers to the aggregate, here agg.json, under the keys of
// InferenceX's power_metric_schema_version 2, after it has removed those of an
// earlier run; all else in the file stays as it is written, byte for byte. And it
// writes beside the result what it found, in power_validation_result.json.
//
// The window is from the result's benchmark_start_time_unix to its
// benchmark_end_time_unix, the work its completed, total_input_tokens and
// total_output_tokens. Its duration, which was not timed by the wall clock, must
// agree with the window within 0.5 s or 1 %.
//
// A number that cannot be defended is not published: then power_valid is 0, the
// other power keys are absent, and the reasons are in the validation file and on
// the standard output, with what to do.
//
//	$ powertest annotate -log gpu_metrics.csv -bench late.json -agg agg.json -gpus 8
//	window  10s from 2023-11-14T22:13:26Z
//	work    64 requests, 524288 input and 65536 output tokens
//	source  gpu_metrics.csv
//	GPUs    8 of 8
//	energy  withheld
//	...
//
// The exit code is 0 even then, since the benchmark itself is fine, unless
// -require is given or REQUIRE_POWER is 1, true or yes: then it is 1, after all
// files are written. It is 1 as well if the benchmark's command fails, and 2 if
// the arguments are wrong.
//
// # Where the energy comes from
//
//	-log FILE         a power log of nvidia-smi or amd-smi: see package smisource
//	-prometheus URL   a Prometheus server that scrapes dcgm-exporters
//	-trace FILE       a trace that POWERTEST_TRACE wrote
//	-dcgm URL         dcgm-exporters themselves
//	-source NAME=...  any source, spelled as in POWERTEST_SOURCE
//
// The first three know the past. The others do not, and so with them annotate runs
// the benchmark, and measures meanwhile:
//
//	powertest annotate -dcgm http://node:9400/metrics -bench result.json -agg agg.json -- python bench.py
//
// The command has the standard streams of powertest, and must write the result:
// one that was there before, and is not written, counts as missing. An interrupt
// is passed on to it. With the sources that know the past a command may be given
// too; a log may still be written while it is read.
//
// Times in a log have mostly no zone: -tz says which they are of. If its machine's
// clock was wrong, -sync-clock is this machine's clock minus that one. Readings
// that are further apart than -max-gap are withheld.
//
// -gpus is how many GPUs the benchmark used. Without it no number is too few, and
// expected_gpu_count is null. -devices chooses among those of the source, and
// -role says what some of them do, where the source does not know it: of the roles
// prefill and decode the energy is published by itself. It is that of the role's
// GPUs over the whole window. Both name GPUs by index, by a range such as 0-3, by
// UUID or the beginning of one, by PCI address, by host, or all of them.
//
// -benchfmt writes a record in the Go benchmark format, for benchstat.
//
// # aiperf
//
// With -aiperf profile_export_aiperf.json the window, the tokens and the
// concurrency are those of aiperf's result, of any release since energy was added
// to it. Its times have no zone in older releases, and need -tz. Beside the
// numbers above are the metrics of aiperf's energy section, ours next to aiperf's own
// where it has measured:
//
//	$ powertest annotate -log gpu_metrics.csv -aiperf profile_export_aiperf.json -tz UTC
//	window                       10s from 2023-11-14T22:13:20Z
//	work                         64 requests, 524288 input and 65536 output tokens, concurrency 16
//	source                       gpu_metrics.csv
//	GPUs                         8 seen; -gpus says how many there should be
//	energy                       40000 J ± 1.9 % (39235.8 to 40764.2 J)
//	avg power                    500 W
//	avg total gpu power          4000 W
//	joules per successful query  625 J
//	joules per input token       0.0762939 J
//	joules per output token      0.610352 J
//	joules per total token       0.0678168 J
//
//	aiperf's metrics         powertest  aiperf   unit
//	total_gpu_power          4000       4012.5   W
//	total_gpu_energy         40000      42796.8  J
//	output_tokens_per_joule  1.6384     1.53133  tokens/J
//	energy_per_user          2500       2674.8   joules/user
//	average_gpu_power        4000       -        W
//	energy_per_output_token  610.352    -        mJ/token
//	energy_per_total_token   67.8168    -        mJ/token
//	energy_per_request       625        -        joules/request
//	energy_delay_product     1562.5     -        J*s
//	performance_per_watt     0.0016     -        requests/sec/W
//	output_tps_per_watt      1.6384     -        tokens/sec/W
//	goodput_per_watt         -          -        requests/sec/W
//
// aiperf's numbers are mostly higher: it measures its energy until some time after
// the end of the window, and its mean power is not weighted by time.
//
// # Differences from InferenceX
//
// The keys of the aggregate and of the validation file, the reason codes, their
// order and the exit codes are those of InferenceX's aggregate_power.py, and so are
// the numbers, to nine digits. Where a result differs on purpose, docs/parity.md
// says why.
//
// The validation file has one more key, powertest. Its measurement is an
// energy.Measurement as JSON: the energy in all, by GPU and by role, each with the
// interval in which the truth lies in at least 95 % of windows as far as the
// instrument can know it, and the source. Beside it are every finding in words, and
// aiperf's metrics. Package annotate does all of this for programs.
//
// # Gate
//
// Two files of Go benchmarks, from before a change and after it, each with several
// samples (-count 10): is the new one a regression?
//
//	$ powertest gate -filter .name:Chat old.txt new-regressed.txt
//	FAIL: 2 regressions in 3 comparisons
//	  - 2 regressions: Chat-2 sec/op +9.34%, Chat-2 J/op +8.32%; look for the cause, or waive it until a day
//
//	old: old.txt (10 results)
//	new: new-regressed.txt (10 results)
//
//	energy-source: simulated, gpu: Simulated GPU, gpus: 1, power-limit: 700W, goos: linux, goarch: amd64, pkg: github.com/joulebench/joulebench, cpu: AMD EPYC
//	benchmark  unit              old           new  change       p  verdict
//	Chat-2     sec/op   35.32m ±  5%  38.62m ±  4%  +9.34%  0.0006  REGRESSION
//	Chat-2     J/op      9.259 ±  4%  10.030 ±  3%  +8.32%  0.0010  REGRESSION
//	Chat-2     J/token  771.6m ±  4%  771.4m ±  3%  -0.02%  0.9705  same
//
// The first line is the verdict, and the exit code says the same: 0 if there is no
// regression, 1 if there is one or a budget is not met, and 2 if it can't be told,
// because the arguments are wrong, a file is corrupt or empty or of a run that
// failed, a benchmark is missing, nothing is left to compare, the GPUs differ, or
// the samples are too few. There is no other code, and 2 is no pass:
//
//	$ powertest gate few-old.txt few-new.txt
//	CANNOT JUDGE: too few samples (3) for 3 of 3 comparisons to be significant at 0.05: run both sides with -count 5
//
//	old: few-old.txt (3 results)
//	new: few-new.txt (3 results)
//
//	energy-source: simulated, gpu: Simulated GPU, gpus: 1, power-limit: 700W, goos: linux, goarch: amd64, pkg: github.com/joulebench/joulebench, cpu: AMD EPYC
//	benchmark  unit              old           new  change       p  verdict
//	Chat-2     sec/op   36.03m ±   ∞  37.31m ±   ∞  +3.56%  0.3000  inconclusive
//	    3+3 samples cannot show a change among 3 comparisons
//	Chat-2     J/op      9.418 ±   ∞   9.713 ±   ∞  +3.13%  0.8000  inconclusive
//	    3+3 samples cannot show a change among 3 comparisons
//	Chat-2     J/token  784.8m ±   ∞  747.1m ±   ∞  -4.80%  0.8000  inconclusive
//	    3+3 samples cannot show a change among 3 comparisons
//
// A regression is worse in its unit's direction, and its median has moved by at
// least the threshold, 3 % if -threshold does not say, and chance does not explain
// it: its p-value, corrected for the number of comparisons, is below -alpha. A
// change of joules that is less than what err-% of both sides allows is never one,
// but if it is for the worse it is no pass either. The medians, intervals and
// p-values are benchstat's. Package gate has the rules.
//
//	-filter, -row, -ignore   as benchstat's: what is judged, what is one benchmark,
//	                         what may differ between the sides
//	-units U,U               judge these, instead of J/op and ns/op, and J/token
//	                         where there is one
//	-threshold 'J/op=3%,5%'  how far a median must move; these units are judged, too
//	-max, -min 'J/token=0.9' budgets of the new side
//	-unit 'U better=higher'  what is known of a unit, as in a line "Unit" of a file
//	-alpha 0.05              of a false alarm in any of the comparisons
//	-missing warn            a benchmark may be gone, and a unit may be new
//	-waivers FILE            regressions that are accepted until a day
//	-markdown FILE           append the verdict, as to $GITHUB_STEP_SUMMARY
//	-json FILE, -junit FILE  write it for machines; -json - is the standard output
//	-q                       only the verdict and what to do
//
// A budget needs no old side:
//
//	$ powertest gate -q -filter .name:Chat -max 'J/token=0.5' new-regressed.txt
//	FAIL: 1 of 1 budget over
//	  - 1 over budget: Chat-2 J/token more than 500.0m J/token; look for the cause, or change the budget
//
// In GitHub Actions, where GITHUB_ACTIONS is true, regressions are annotations
// too. There are colours on a terminal only, and not with NO_COLOR or TERM=dumb.
// How to keep a baseline, and workflows to paste, are in docs/gate.md.
//
// # A/B
//
// Ab takes the samples of both sides itself, in turn, and then judges them as gate
// does, with its flags and its exit codes:
//
//	powertest ab -base main -bench Chat -count 10 ./client
//	powertest ab -base-bin old.test -head-bin new.test -bench Chat
//
// The head is the work tree as it is, with changes and with untracked files. The
// base is a revision, by default where HEAD has left origin/HEAD, or else main or
// master; if that is HEAD, and no tracked file has been changed, nor has a package
// that is built an untracked file of Go, there is nothing to compare, and the exit
// code is 2, as it is for two copies of one ready binary. The base is built in a
// temporary worktree, which is removed at the end, whatever happens; the work tree and
// the index are not touched, and no hook is run. Both are built from the same modules:
// a replace directive that leads out of the repository or to what is untracked,
// untracked vendored packages and an untracked go.work mean in the worktree what they
// mean to you. Submodules are those that the base records, from what is here: nothing
// is fetched. Other files that git ignores, such as weights in testdata, are not in the
// base. Flags for the build are in GOFLAGS, such as GOFLAGS=-tags=gpu. The benchmarks
// are measured as POWERTEST_SOURCE and the other variables say.
//
// A sample is one process, which runs all benchmarks that match once, in the
// directory of its package. They are run in the order base head, head base, base
// head ..., in which the warming of the GPU counts for both sides alike: see package
// powertest/ab. A sample counts when it says PASS and each of its lines can be read,
// and no benchmark of the first sample of its side is lacking. It is then in base.txt
// or head.txt in full, after a line that readers of the benchmark format skip.
//
// A benchmark that the base has, and only the head has run, is no new one: it skips
// itself there, for instance for want of a file. That ends with the exit code 2
// after the first round; with -missing warn it is reported, and the others are
// compared.
//
// Before each sample, ab waits until each GPU is at most 1 °C warmer than it was at
// the start, or, where the source reports no temperature, until the power is within
// 5 % of what it was: for as long as -cooldown, 30s. The source is that of -source, or
// else of POWERTEST_SOURCE; without one there is no cool-down, and ab says so. Then it
// waits for a random part of the refresh period of the counter, which follows from
// -seed.
//
// A crash, a failing benchmark and an interrupt end with the exit code 2. Samples
// that are complete are kept, what a failed one has written is in base.failed.txt or
// head.failed.txt, its last 20 lines on the standard error, too, and -resume goes on,
// if the revision, the binaries, the flags, POWERTEST_SOURCE and POWERTEST_DEVICES
// are the same; ab.json has them, a source with an @ as a hash.
//
// With -until inconclusive-resolved ab judges the samples after each -count of them
// and, while the verdict is open, takes as many again, up to -max-count. It is open if
// a benchmark is inconclusive, or its median has moved by the threshold, but not
// significantly. Each look has its own part of -alpha, by a rule that is fixed
// beforehand: the spending function of Lan and DeMets of O'Brien and Fleming's type.
// So the probability of a false alarm at any look is still at most alpha. That holds
// after an interrupt as well: a look is at the samples that it was planned for, also
// if there are more. To take more samples after a verdict until it changes does not
// keep alpha, which is why -resume does not let -count be raised.
//
// # Doctor
//
// Doctor says what would be measured here and how well, before anything is. Its
// first line is the verdict:
//
//	$ powertest doctor -source smi=gpu_metrics.csv
//	joules can be measured: 8 GPUs by smi, power only, refreshed every 1 s; use -benchtime=5m or more for ±1 %
//	...
//
// It exits with 0 if joules can be measured of all GPUs that were chosen, with 1 if
// not, and with 2 if the arguments are wrong. Without -source and -devices it looks
// at what POWERTEST_SOURCE and POWERTEST_DEVICES choose. The rest of what it writes:
//
//   - The known sources, the chosen one with a star: usable or why not, and what to
//     do. Others than nvml are tried only if they are chosen.
//   - The GPUs: power limit, persistence mode, MIG mode, temperature, other
//     processes, and how many rows report each. What is unknown is a dash.
//   - Their counters: the median time between two ticks and its standard deviation
//     (the jitter, of which the time within which a tick was seen is a part), ticks
//     that were missed, the smallest change, how long a call took, and the power: the
//     idle power, if nothing ran. For a Prometheus server its scrape interval, how
//     old the newest samples are, and how far its clock is ahead.
//   - The error of windows of 0.1, 1 and 10 s, as half the interval that a
//     measurement has. "Power as seen" is the largest of several windows that were
//     laid over what was watched; if none fits, it is extrapolated as 1/length, or
//     as 1/√length for gauges. "Load in the window" is that of a load that begins
//     and ends with the window, as a benchmark is one: the same estimator, on the
//     ticks that were seen, with the idle power outside of the window and the power
//     limit inside. The power under -load goes before the limit; if neither is known
//     it is ten times the idle power, at most 2000 W.
//   - The recommended -benchtime is the shortest of 100ms, 200ms, 500ms, 1s and so on
//     to 10m where both errors are at most 1 %.
//
// A source that is read now is watched for 5 s, and for up to 2 min until its counters
// have ticked 25 times; -for says how long. It is read as while a benchmark runs, but so
// that every tick is seen. An interrupt ends the watch, and what was seen is reported.
// Of a server or a log the last 19 refresh periods are looked at; one whose
// newest reading is too old for another to come has ended, and measures nothing that
// is to come: it suits annotate only.
//
// With -load 'COMMAND ARGS' a command is run in the shell after that, which should
// load the GPUs evenly until it is stopped. Doctor tells the power under load, and
// pauses all processes of the command and lets them go on (SIGSTOP and SIGCONT; not
// on Windows), to see what the counter makes of it:
//
//   - By how much the counter lags behind the load that goes on, and behind the pause:
//     its delay with the ramp or the tail of the power, which a counter cannot tell
//     apart. The time constant of the tail, if it spans several ticks.
//   - Whether the counter integrates all of the time, by a square wave that is 2 %
//     longer than the refresh period, with 20 % load. What one that samples shows
//     between two ticks depends on where in them the load falls: that is the
//     modulation. And the energy of the wave over that of its power and time.
//
// Work that was queued on a GPU before a pause goes on in it: a load of short kernels
// tells most. What could not be measured is told with the reason.
//
// -json writes an object; times are in ns, and a number, a list or an object that is
// unknown or withheld is null. A text that is unknown or empty is left out, as are
// load's notes and extrapolated if there is nothing to say:
//
//	schema_version  1
//	version         that of this command
//	measurable      whether joules can be measured, as the exit code says
//	verdict         the first line
//	simulated       whether the GPUs are
//	sources         name, chosen, linked, status and detail of each
//	watch           past, start, for_ns, every_ns, reads, ended_early
//	server          scrape_ns, clock_offset_ns, clock_offset_within_ns, rows_collapsed
//	gpus            of each: index, uuid, name, host, endpoint, role,
//	                power_limit_watts, persistence_mode, mig_mode, celsius, processes
//	                (pid, name), rows, method, via, period_ns, jitter_ns,
//	                tick_seen_within_ns, ticks, missed_ticks, resets, smallest_step
//	                (J, or W of a gauge), resolution_joules, call_p50_ns, call_p99_ns,
//	                watts, before_watts, newest_sample_age_ns, readings,
//	                failed_readings, measurable, findings (reason, device, detail)
//	windows         length_ns, err_percent_as_seen, extrapolated, err_percent_load,
//	                reason, detail
//	benchtime       recommended_ns, err_percent, extrapolated, reason
//	load            gpus (uuid, watts, paused_watts, started_after_ns, rise_ns,
//	                fall_ns, tail_ns, coverage, modulation, integrates), notes
package main
