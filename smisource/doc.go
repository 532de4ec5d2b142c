// Package smisource reads the energy of GPUs from logs that nvidia-smi and
// amd-smi wrote of their power: complete ones, or ones that are still written
// while a benchmark runs. Importing it registers the source:
//
//	POWERTEST_SOURCE=smi=gpu.csv
//	POWERTEST_SOURCE='smi=gpu.csv?tz=Europe/Berlin&offset=1.5s&gap=3s'
//	POWERTEST_SOURCE='smi=gpu.csv?columns=time=when,power=GPU0,power=GPU1'
//	POWERTEST_SOURCE='smi=gpu.csv?gpus=8&gpu-name=NVIDIA A100-PCIe-40GB'
//
// powertest annotate and powertest doctor have flags for the same: -tz, -sync-clock,
// -max-gap, -columns, -gpus, -gpu-name and -decimal.
//
// It is for machines on which only these tools can be run, and for logs that exist
// already. It is not for GPUs of this machine that can be read directly: package
// nvmlsource reads their energy counters, where a log has only samples of power.
//
// # How to record
//
// NVIDIA, every 100 ms ([RecordCommand]); where that is too much, every second (-l 1), with
// the same columns:
//
//	nvidia-smi --query-gpu=timestamp,index,uuid,name,power.draw.instant,power.draw,enforced.power.limit --format=csv -lms 100 > gpu.csv
//
// AMD, every second, which is as often as it can ([RecordCommandAMD]):
//
//	PYTHONUNBUFFERED=1 amd-smi metric -p -w 1 --csv > gpu.csv
//
// Start it some seconds before the benchmark, and stop it some seconds after it:
// amd-smi's time stamps are whole seconds. A log should have a header: nvidia-smi's
// format is csv, with or without nounits. For one that was made with noheader, the
// places of its columns can be given: columns=time=#1,gpu=#2,power=#4.
//
// # Formats
//
// Cells are separated by commas, semicolons or tabs, and may be in quotes. Lines
// may end in CRLF. A byte-order mark, blank lines, headers that are repeated, and
// what amd-smi prints before it begins are skipped. UTF-16 is understood, since
// PowerShell writes it where output is redirected, and so is gzip. A header with other
// columns counts from there on. UTF-16 may begin in the middle, where PowerShell has added
// to a file. What nvidia-smi dmon -o DT prints is a log, too, in whole seconds and whole
// watts. What is no such table is named for what it is: the
// report of nvidia-smi -q, what nvidia-smi dmon without a date, rocm-smi and gpustat print, JSON,
// the page of an exporter, an error message.
//
// Columns are found by name:
//
//	time       timestamp; else datetime, time, date; never uptime
//	           time may stand beside date. timestamp (UTC) says the zone
//	GPU        uuid, gpu_uuid; else index, gpu, gpu_id, gpu_index, card, device; else serial; else pci.bus_id, bdf
//	host       host, hostname, node: GPU 0 of one is another than that of the next
//	power      power.draw.instant; else power.draw, pwr; else socket_power, current_socket_power; else another of
//	           power; else power.draw.average, average_socket_power. Never a limit, cap, default, least or
//	           greatest, power_management, a reason of throttling, or the power of a module or of memory
//	energy     total_energy_consumption, energy: only where there is no power
//	limit      enforced.power.limit; else power.limit
//	model      name
//
// Every GPU is read by the best column that has a value in its first row: older
// ones have [N/A] for power.draw.instant. Where rows are more than 250 ms apart an instant
// power tells little of the time between them, and a mean over a second is read, if
// there is one beside it: power.draw.average, or a power.draw that is seen to be another
// than the instant one. It measures windows of some seconds and more. That is found out when the log is opened:
// of one that has just begun the instant power is read.
// On some GPUs power.draw is such a mean and on others not, and alone it does not say so:
// record both.
//
// The unit of a value is that of its cell, else that of the header (W, mW, kW), else
// watts, or joules. 1,234.5 W in quotes and 4.1e2 W are understood.
//
// A decimal comma shows in the log as a whole: 490,5 has one, and so has 490,500, if
// the other numbers have as many digits after theirs and none would be the power of a GPU
// otherwise. Where both are possible, as for 1,234 W, the log is refused, and
// [Config.Decimal] says which it is.
//
// A partition of an AMD GPU is a row of its own, of which only the first has
// power: select those by [Config.Devices]. A row of all of them, as total, is none; MIG
// instances (by UUID) have the power of their whole GPU, which is marked, and withheld if
// there are several. A second die, N/A (Secondary die), is no
// GPU: its power is in the row of the first.
//
// # Logs that do not name GPUs
//
// A log without a column of GPUs is that of one, if every row is later than the one
// before, all have one name, and they do not come in groups. It is refused otherwise,
// since a sum must not be taken for a GPU. [Config.GPUs] says how many there are: so
// many rows follow closely on each other, in the same order again and again; a group
// that is not complete is nobody's. The model of a log without a column of names is
// [Config.GPUName]: of a sensor that is known, the interval is narrower.
//
// Columns with other names are given by [Config.Columns]. Several columns of power are
// a GPU each.
//
// # Several hosts
//
// The samples.csv of a run on several hosts, as srt-slurm writes it for InferenceX, has
// hosts and UUIDs. What the GPUs did, prefill or decode, is in the manifest.json beside
// it; one that it expects and the log does not have withholds the sum. The files of its
// folder windows say when each benchmark ran and which result it has: powertest annotate
// -bench takes one of them, as it does the result itself.
//
// # Time stamps
//
// They are seconds, ms, µs or ns since 1970, distinguished by magnitude; or
// 2026/07/23 12:00:09.000, as nvidia-smi writes, or ISO 8601, either with a zone or
// without one. Without one, the log's time zone is [Config.Location]. The hour that
// occurs twice as summer ends is distinguished by the order of rows; a log that begins
// in it is taken to begin in the first. If the log is from a machine with another
// clock, [Config.Offset] is the difference; if its times count from its beginning, it is
// when that was.
//
// A time stamp in whole seconds says that the reading was taken within the second
// that begins then. The estimate takes the stamp as the time, as InferenceX does;
// the interval is wide enough for all readings to be a second late.
//
// Readings of a GPU that have one time stamp are averaged; if they differ, their spread
// is in the interval. Where the time stamps of
// a GPU go backwards, the rows are sorted; if rows from both sides of such a place
// are in the window, a clock was set, and the measurement is withheld:
// [energy.ClockStep].
//
// # Rows that cannot be used
//
// A row that is near the window, which is the longest gap before it to the longest
// gap after it, and has no power ([N/A], [Unknown Error], ERR!, nothing, a negative
// number) withholds the number of its GPU: it is not interpolated over. So does one with
// more than 1.5 times the power limit of its own row, or more than a megawatt, and one
// whose time is not understood, if the rows around it in the file are near the
// window, and one that does not say of which GPU it is, which concerns all. Anywhere
// else they do no harm. Rows with too few or too many cells are such rows, unless
// what is needed is there for sure. The last line of a file may be cut in the middle:
// it counts only if what it says is certain, and is parsed again when it has grown.
//
// [Source.Audit] reports how many readings there are around a window, and what was
// found wrong.
//
// # Logs that are still written
//
// [Source.ReadRange] reads on from where it was, and waits until every GPU has a reading
// after the window, but not longer than three readings take, and the longest gap. A
// file that is cut short, or replaced by another, is read from its start; what was
// read before stays, but for what the new file repeats.
//
// # Accumulators
//
// amd-smi's energy accumulators, read before and after the log with
//
//	amd-smi metric -E --csv > gpu_energy_start.csv
//
// and gpu_energy_end.csv, say whether the log as a whole agrees with them:
// [Source.CrossCheck].
//
// A log of the same, with -w 1, is measured by its counter. amd-smi takes the unit of the
// accumulator, 2⁻¹⁶ J by the kernel's header, for 15.3 µJ: the joules of a log are divided
// by 1.0027. Those of the check are as amd-smi says them, which its tolerance of 5 %
// allows for.
//
// # InferenceX
//
// What is withheld, and why, follows InferenceX, whose reasons these are, and so do
// the numbers, to the last digit but for rounding. docs/parity.md lists what differs
// on purpose. Beside that, a cut row does not count, even if its beginning is a
// number, and columns and numbers are read as a whole: uptime is not a time stamp,
// power_management is no power, 1,234.5 W is not 1 W.
package smisource
