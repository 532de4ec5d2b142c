// Powertest does for any benchmark what package powertest does for Go benchmarks:
// it says what the work cost in energy.
//
//	powertest annotate ...   measure the energy of a command, a window or a benchmark
//	powertest series ...     say what tokens cost in production, over hours and days
//	powertest gate ...       say whether a benchmark file is a regression of another
//	powertest ab ...         compare two builds, run in turn, and judge them
//	powertest doctor ...     say what would be measured here, and how well
//	powertest plot ...       draw what was measured: a page, SVG or PNG
//
// powertest help lists the commands and the topics, powertest help COMMAND has an example,
// the flags and the exit codes of one, as powertest COMMAND -h has, and powertest help TOPIC
// says more: sources, environment, reasons, metrics, formats, exit-codes, examples. What is
// asked for is on the standard output, with the exit code 0. What can't be followed is said
// on the standard error in a few lines, with the exit code 2:
//
//	$ powertest gaet old.txt new.txt
//	powertest: there is no command "gaet"
//	did you mean gate?
//	powertest help lists the commands and topics
//
// What takes longer than two seconds says on a terminal, in the last line of the standard error,
// what goes on and how long it will take; that is cleared at the end, and not there in CI.
//
// powertest version says which version this is, and powertest completion writes the script by
// which bash, zsh or fish completes commands, topics, flags, their values and files.
//
// # Commands and windows
//
// What does a command use? Annotate measures it from its start to its end:
//
//	powertest annotate -source nvml -- ./train.sh
//
// The report stands on the standard error, below what the command has written there. The
// command has the standard streams of powertest, and the signals that powertest gets are
// passed on to it and to all that it has started. In the foreground of a terminal the
// terminal itself sends them those of its keys, INT and QUIT, which powertest does not pass
// on there: to end it from elsewhere, send INT to the command. Others go to the command
// alone. What was measured until then is reported. What it leaves behind is not waited for. Without -source the source
// is that of POWERTEST_SOURCE, or auto; one that can't be read does not keep the command from
// running. A source that is refreshed seldom is waited for before the command is run, so that
// its start is known.
//
// The exit code is that of the command, and as a shell has it where there is none:
//
//	0 to 124  the command's own
//	125       annotate itself has failed: its arguments are wrong, a file can't be written,
//	          or with -require there is no number
//	126       the command can't be run
//	127       there is no such command
//	128+N     the signal N has ended the command; 130 also if it was not run yet
//
// A command that ends within some refresh periods has no number, and the report says what to
// run instead.
//
// Prometheus servers, logs and traces know the past, and have windows of it:
//
//	$ powertest annotate -log gpu_metrics.csv -devices 0-1 -start 2023-11-14T22:13:20Z -end 2023-11-14T22:13:30Z
//	window  10s from 2023-11-14T22:13:20.000Z
//	source  gpu_metrics.csv
//	energy  10000 J ± 4.1 % (9612.68 to 10434.4 J)
//	power   1000 W
//	...
//
// Below that is a table of the devices, each with its energy, interval and power.
// Times are in RFC 3339, or in seconds since 1970; those without a zone are of -tz. -last 5m is
// the window from five minutes ago until now, or until -end. The exit code is 0 if there is a
// number, 1 if there is none, and 2 if the arguments are wrong.
//
// -json writes all that is known, as powertest.Report, and -benchfmt a benchmark record; - is
// the standard output.
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
//	± is how well the counter was read. It covers neither gain and offset of the board's sensor (about ±5 % and up to 22 W, constant on one card) nor what a counter misses that samples only a part of the time.
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
// the arguments are wrong. Without -agg the table is written, and no file.
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
// that are further apart than -max-gap are withheld. -columns says what columns of a
// log hold whose names say too little, -gpu-name the model of its GPUs, and -decimal
// how its numbers are written.
//
// -gpus is how many GPUs the benchmark used. Without it no number is too few, and
// expected_gpu_count is null. In a log that names no GPU, so many rows have one time
// stamp. -devices chooses among those of the source, and
// -role says what some of them do, where the source does not know it: of the roles
// prefill and decode the energy is published by itself. It is that of the role's
// GPUs over the whole window. Both name GPUs by index, by a range such as 0-3, by
// UUID or the beginning of one, by PCI address, by host, or all of them.
//
// -tokens names inference servers whose own counters count the window, too, such as
// vllm=http://HOST:8000, which is read while a command runs, or
// prometheus=http://PROM:9090&job=vllm, which knows the past: see package tokens. Their
// counts stand beside those of the result, and a difference beyond the intervals marks
// the energy with token_mismatch.
//
// -benchfmt writes a record in the Go benchmark format, for benchstat.
//
// # Folders of runs
//
// CI keeps a folder for each run, and -each annotates all of them:
//
//	powertest annotate -each artifacts -n
//	powertest annotate -each artifacts -gpus 8
//
// Results are known by what is in them. The log of a result is the one beside it, or the only
// one in the folders below, or that of the nearest folder above; -log NAME says what it is
// called, where there are several, and -prometheus or -trace has all of them. A result is
// added to the file agg_RESULT beside it, if that is there, or to the -agg NAME. Where the
// energy is not valid nothing is changed, and -n changes nothing at all. Links are not
// followed. The table has a line for each run, with the reason where it has no number, and
// the exit code is 1 if one has none or if there is no result, and else 0. Run twice, it
// changes nothing more.
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
//	...
//
// aiperf's numbers are mostly higher: it measures its energy until some time after
// the end of the window, and its mean power is not weighted by time.
//
// # Series
//
// What does a token cost in production, by model? A Prometheus server that scrapes the
// GPUs' exporters and the inference servers knows:
//
//	powertest series -prometheus http://prometheus:9090 -last 24h -every 5m
//
// Each step of time has the power, the tokens per second and the joules per output
// token, each with the half-width of its interval in percent, or the reason why it is
// withheld: a counter that was reset, a GPU or server that came or went in the step. It is
// done for the whole, for each model, whose GPUs are those of its servers' pods or hosts,
// and for each role that -role gives. With -slo ttft=500ms it has the share of requests that
// met it, by the servers' histograms. -format csv, json and benchmark write the same numbers
// with all digits. Package series has the rules.
//
// # Differences from InferenceX
//
// The keys of the aggregate and of the validation file, the reason codes, their
// order and the exit codes are those of InferenceX's aggregate_power.py, and so are
// the numbers, to nine digits. Where a result differs on purpose, docs/parity.md
// says why.
//
// The validation file has one more key, powertest: an energy.Measurement as JSON, with
// every interval, every finding in words, and aiperf's metrics. Package annotate does
// all of this for programs.
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
//	benchmark  unit              old           new  change       p  unseen  verdict
//	Chat-2     sec/op   35.32m ±  5%  38.62m ±  4%  +9.34%  0.0006          REGRESSION
//	Chat-2     J/op      9.259 ±  4%  10.030 ±  3%  +8.32%  0.0010          REGRESSION
//	Chat-2     J/token  771.6m ±  4%  771.4m ±  3%  -0.02%  0.9705   5.7 %  same
//
//	test: Mann-Whitney U test of all samples; p is adjusted for 3 comparisons (Holm)
//
// The first line is the verdict, and the exit code says the same: 0 if there is no
// regression, 1 if there is one or a budget is not met, and 2 if it can't be told,
// because the arguments are wrong, a file is corrupt or empty or of a run that
// failed, a benchmark is missing, nothing is left to compare, the GPUs differ, or
// the samples are too few. There is no other code, and 2 is no pass:
//
//	$ powertest gate few-old.txt few-new.txt
//	CANNOT JUDGE: too few samples (3) for 3 of 3 comparisons to be significant at 0.05: run both sides with -count 5
//	...
//
// A regression is worse in its unit's direction, by at least the threshold, by more
// than err-% of both sides allows, and by more than chance explains: its p-value,
// corrected for the number of comparisons, is below -alpha. Package gate has the rules.
//
// -filter, -row and -ignore say what is judged, what is one benchmark, and what may
// differ between the sides, as benchstat's do; -threshold 'J/op=3%,5%' how far a median
// must move, -max-unseen 5% how large a change for the worse may be that the samples do
// not exclude (5.7 % above), -unit 'U better=higher' what the files do not say of a unit,
// and -waivers which regressions are accepted until a day. -markdown, -json and -junit
// write the verdict to files. powertest help gate lists all flags.
//
// How many samples a change needs follows from the noise of a file:
//
//	$ powertest gate -plan -units J/op -filter .name:Chat old.txt
//	old.txt: how many samples of each side a change needs, to be found in 90 % of runs
//	if its noise has no heavy tails, among 1 comparison at alpha 0.05, and a threshold below it (in brackets: how uncertain that is)
//
//	benchmark  unit  samples  noise  by      1 %            3 %          5 %       10 %
//	Chat-2     J/op       10  5.4 %  gate  never  241 (138–630)  51 (30–131)  11 (8–26)
//	                          6.6 %  ab    never   180 (96–662)  40 (22–138)  10 (8–28)
//	    the instrument's error of a comparison is 1.4 %: run longer, with a larger -benchtime
//
// A budget needs no old side:
//
//	$ powertest gate -q -filter .name:Chat -max 'J/token=0.5' new-regressed.txt
//	FAIL: 1 of 1 budget over
//	  - 1 over budget: Chat-2 J/token more than 500.0m J/token; look for the cause, or change the budget
//
// In GitHub Actions, where GITHUB_ACTIONS is true, each regression is an annotation
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
// master; it is built in a temporary worktree, which is removed at the end, whatever
// happens. Files that git ignores, such as weights in testdata, are not in it: package
// powertest/ab says what is. Flags for the build are in GOFLAGS, such as
// GOFLAGS=-tags=gpu. The benchmarks are measured as POWERTEST_SOURCE and the other
// variables say.
//
// A sample is one process, which runs all benchmarks that match once, in the
// directory of its package. It counts when it says PASS and each of its lines can be
// read, and no benchmark of the first sample of its side is lacking. It is then in
// base.txt or head.txt in full, after a line that readers of the benchmark format skip.
// The order of samples, the wait before each (-cooldown, -source, -seed) and the looks
// of -until inconclusive-resolved, which takes more samples while the verdict is open,
// are those of package powertest/ab.
//
// A benchmark that the base has, and only the head has run, is no new one: it skips
// itself there, for instance for want of a file. That ends with the exit code 2
// after the first round; with -missing warn it is reported, and the others are
// compared.
//
// The directory of the samples belongs to one run at a time; another one there ends with
// the exit code 2, and says which process has it. What a run that was killed has left
// the next one removes: its worktree, and on Linux the processes that its benchmark has
// started. The benchmark itself dies with its run on Linux and Windows, and on macOS it is
// to be ended by hand.
//
// A crash, a failing benchmark and an interrupt end with the exit code 2. Samples
// that are complete are kept, what a failed one has written is in base.failed.txt or
// head.failed.txt, and -resume goes on, if the revision, the binaries, the flags,
// POWERTEST_SOURCE, POWERTEST_DEVICES and POWERTEST_PROFILE are the same; ab.json has
// them, without what can be a secret of an address: a password may change meanwhile. To
// take more samples after a verdict until it changes does not keep -alpha, which is why
// -resume does not let -count be raised.
//
// # Doctor
//
// Doctor says what would be measured here and how well, before anything is. Its
// first line is the verdict:
//
//	$ powertest doctor -source smi=gpu_metrics.csv
//	joules can be measured: 8 GPUs by smi, power only, refreshed every 1 s; ...
//
// It exits with 0 if joules can be measured of all GPUs that were chosen, or if a
// profile of a log was written; with 1 if not, or if -profile or -meter failed; and
// with 2 if the arguments are wrong. Without -source and -devices it looks at what
// POWERTEST_SOURCE and POWERTEST_DEVICES choose. -log FILE is a power log, with the
// flags that say how annotate reads one. The rest of what it writes:
//
//   - The known sources, the chosen one with a star: usable or why not, and what to
//     do. Others than nvml, rapl, amd and intel are tried only if they
//     are chosen.
//   - The GPUs, and how many rows report each. What is unknown is a dash.
//   - Their counters: the median time between two ticks and its standard deviation
//     (the jitter), ticks that were missed, the smallest change, how long a call took,
//     and the power: the idle power, if nothing ran.
//   - The error of windows of 0.1, 1 and 10 s, as half the interval that a
//     measurement has. "Power as seen" is the largest of several windows over what was
//     watched, or extrapolated as 1/length, of gauges as 1/√length. "Load in the window"
//     is that of a load that begins and ends with the window: the same estimator, on
//     the ticks that were seen, with the idle power outside of the window and inside
//     that under -load, or else the power limit, or else ten times the idle power, at
//     most 2000 W.
//   - The recommended -benchtime: the shortest from 100ms to 10m where both errors are
//     at most 1 %.
//
// A source that is read now is watched for 5 s, and for up to 2 min until its counters
// have ticked 25 times; -for says how long. An interrupt ends the watch, and what was
// seen is reported. Of a server or a log the last 19 refresh periods are looked at; one
// whose newest reading is too old for another to come suits annotate only.
//
// With -load 'COMMAND ARGS' a command is run in the shell after that, which should
// load the GPUs evenly until it is stopped. Doctor reports the power under load, and
// pauses all processes of the command and lets them go on (SIGSTOP and SIGCONT; not
// on Windows), to see what the counter makes of it:
//
//   - By how much the counter lags behind the load that goes on, and behind the pause,
//     which is its delay with the ramp or the tail of the power.
//   - Whether the counter integrates all of the time, by a square wave that is 2 %
//     longer than the refresh period: one that samples is modulated by it.
//
// Work that was queued on a GPU before a pause goes on in it: a load of short kernels
// shows most. What could not be measured is reported with the reason.
//
// -profile FILE writes what was measured of the GPUs, as POWERTEST_PROFILE takes it;
// package profile has its keys. With -meter METER.csv, times with watts or joules of an
// external meter, it has their gain and offset too. In live mode the file is read after
// the load; of a log, gains come of what was recorded meanwhile:
//
//	powertest doctor -load './burn.sh' -profile gpu.json -meter meter.csv
//	powertest doctor -source smi=gpu_metrics.csv -meter meter.csv -profile gpu.json
//
// docs/calibration.md says what the meter's file may look like, and what a profile does.
// The errors that doctor expects are those with the profile that is in use.
//
// -json writes an object with the keys of doctor.Report; times are in ns, and what is
// unknown or withheld is null, or is left out if it is a text.
//
// # Plot
//
// Plot draws files as one HTML page, report.html, which loads nothing from elsewhere, and
// with -svg and -png each figure as a file of its own. It recognises files by what is in
// them, and prints the names of those that it has written:
//
//	$ powertest plot -o page.html old.txt new-regressed.txt gpu_metrics.csv
//	page.html
//
// A source that knows the past is given as in POWERTEST_SOURCE, with the time to draw:
// powertest plot -last 1h prometheus=http://prometheus:9090. docs/plot.md says what is
// drawn of what.
package main
