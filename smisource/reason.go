package smisource

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/joulebench/joulebench/powertest/energy"
)

// Reasons that concern a log, beside those of package energy. All but the last
// are spelt as InferenceX spells them. Each withholds the numbers that it
// concerns; those of snapshots concern [Source.CrossCheck] alone.
const (
	// TelemetryFileMissing: there is no such file.
	TelemetryFileMissing energy.Reason = "telemetry_file_missing"
	// TelemetryFileEmpty: the file holds nothing.
	TelemetryFileEmpty energy.Reason = "telemetry_file_empty"
	// TelemetryFileUnreadable: the file cannot be read, or is not a text of
	// rows with a header.
	TelemetryFileUnreadable energy.Reason = "telemetry_file_unreadable"
	// TimestampColumnMissing: no column of the header is a time stamp.
	TimestampColumnMissing energy.Reason = "timestamp_column_missing"
	// PowerColumnMissing: no column of the header is a power, or an energy.
	PowerColumnMissing energy.Reason = "power_column_missing"
	// GPUIdentityColumnMissing: no column of the header says which GPU a row is
	// of, so that a sum over GPUs could be taken for one.
	GPUIdentityColumnMissing energy.Reason = "gpu_identity_column_missing"
	// InvalidTimestampSample: the time stamp of a row is not understood, and
	// the rows around it are near the window.
	InvalidTimestampSample energy.Reason = "invalid_timestamp_sample"
	// GPUIdentityMissing: a row near the window does not say of which GPU it is.
	GPUIdentityMissing energy.Reason = "gpu_identity_missing"
	// NoUsablePowerSamples: no row has a power, in the log or near the window.
	NoUsablePowerSamples energy.Reason = "no_usable_power_samples"
	// MissingStartSnapshot: there is no energy snapshot from before the log.
	MissingStartSnapshot energy.Reason = "missing_start_snapshot"
	// MissingEndSnapshot: there is no energy snapshot from after the log.
	MissingEndSnapshot energy.Reason = "missing_end_snapshot"
	// UnparseableStartSnapshot: the snapshot from before the log holds no energy.
	UnparseableStartSnapshot energy.Reason = "unparseable_start_snapshot"
	// UnparseableEndSnapshot: the snapshot from after the log holds no energy.
	UnparseableEndSnapshot energy.Reason = "unparseable_end_snapshot"
	// TelemetryFileReplaced: the file was cut short or replaced by another
	// while it was followed, and rows near the window are lost.
	TelemetryFileReplaced energy.Reason = "telemetry_file_replaced"
)

// ErrNotALog says that the file's contents are not a log that can be read. It is
// wrapped: test with errors.Is.
var ErrNotALog = errors.New("not a log of nvidia-smi or amd-smi")

// ErrNoSnapshots says that there is neither a snapshot from before the log nor
// one from after it, so that no cross-check is wanted. It is wrapped by an [Error]
// with [MissingStartSnapshot].
var ErrNoSnapshots = errors.New("no energy snapshots")

// Error is an error of a log or a snapshot, with its reason: get it by
// errors.As. It wraps the cause: [io/fs.ErrNotExist], [energy.ErrNoDevice],
// [ErrNotALog] or an error of reading.
type Error struct {
	// Reason is the code of what is wrong.
	Reason energy.Reason
	// Others are the codes of what else is wrong: of other missing columns.
	Others []energy.Reason
	// Path is the file.
	Path string
	// Detail says in words what was seen.
	Detail string
	// Hint says what to do about it.
	Hint string
	// Err is the cause.
	Err error
}

// Error returns what is wrong on one line, and the hint on another.
func (e *Error) Error() string {
	text := fmt.Sprintf("smi: %s: %s", e.Path, e.Reason)
	if e.Detail != "" {
		text += ": " + e.Detail
	}
	if e.Err != nil && (e.Detail == "" || e.Err != energy.ErrNoDevice && e.Err != ErrNotALog) { // otherwise Detail says why
		text += ": " + e.Err.Error()
	}
	if e.Hint != "" {
		text += "\n" + e.Hint
	}
	return text
}

// Code returns the reason: it is an [energy.ReasonedError].
func (e *Error) Code() energy.Reason { return e.Reason }

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// RecordCommand is how to record a log with nvidia-smi, and RecordCommandAMD with
// amd-smi.
const (
	RecordCommand    = "nvidia-smi --query-gpu=timestamp,index,uuid,name,power.draw.instant,power.draw,enforced.power.limit --format=csv -lms 100"
	RecordCommandAMD = "PYTHONUNBUFFERED=1 amd-smi metric -p -w 1 --csv"
)

func (s *Source) fail(reason energy.Reason, cause error, hint, format string, args ...any) *Error {
	return &Error{Reason: reason, Path: s.cfg.Path, Detail: fmt.Sprintf(format, args...), Hint: hint, Err: cause}
}

// recordHint says how to record another log, with the tool that wrote this one.
func (l *log) recordHint() string {
	text := string(bytes.ToLower(bytes.Join(l.first, []byte{'\n'})))
	for _, h := range []*header{l.head, l.main} {
		if h != nil {
			text += string(bytes.ToLower(h.line))
		}
	}
	for _, word := range []string{"socket", "gfx", "rocm", "amd", "graphics package", "card0", "total_energy_consumption"} {
		if strings.Contains(text, word) {
			return "record with " + RecordCommandAMD
		}
	}
	return "record with " + RecordCommand
}

// check returns what is wrong with the log as a whole.
func (s *Source) check() error {
	l := s.log
	if l.head == nil && len(l.first) == 0 && len(s.file.rest) > 0 {
		l.header(s.file.rest) // which has no end yet
	}
	if l.main == nil {
		if a, line, is := l.foreign(); is {
			return s.refuse(a, line)
		}
	}
	switch {
	case l.head == nil:
		return s.headless()
	case l.main == nil:
		return s.incomplete()
	}
	if why := l.several(); why != "" {
		return s.fail(GPUIdentityColumnMissing, ErrNotALog, severalHint+l.recordHint(), "%s", why)
	}
	if _, unclear := l.commas.read(); unclear != "" && s.cfg.Decimal == "" {
		return s.fail(energy.InvalidPowerSample, ErrNotALog, "say which it is with -decimal point or -decimal comma (decimal= behind the path of the log)", "%s", unclear)
	}
	for _, g := range l.gpus {
		if len(g.samples) > 0 {
			return nil
		}
	}
	return s.unusable()
}

// severalHint says how a log that names no GPU can be read.
const severalHint = "say of how many GPUs it is with -gpus N (gpus=N behind the path of the log), or "

// headless says how a file without a header begins.
func (s *Source) headless() error {
	l := s.log
	if len(l.first) == 0 {
		return s.fail(TelemetryFileEmpty, energy.ErrNoDevice, "", "nothing was written to it yet")
	}
	first := l.first[0]
	if slices.Contains(first, 0) {
		return s.fail(TelemetryFileUnreadable, ErrNotALog, "", "it is not a text")
	}
	if h, _ := parseHeader(first, l.given, false); len(h.lacking) > 0 && !l.given.placed() {
		return s.lacking(h)
	}
	e := s.fail(TimestampColumnMissing, ErrNotALog, l.recordHint(), "no line is a header, the first is %q", first)
	e.Others = []energy.Reason{PowerColumnMissing, GPUIdentityColumnMissing}
	if places := placesOf(first); places != "" {
		e.Detail = fmt.Sprintf("it begins with readings and has no header: %q", first)
		e.Hint = fmt.Sprintf("give the places of the columns, for instance -columns '%s' (columns= behind the path of the log), or %s", places, l.recordHint())
	}
	return e
}

// placesOf says in which places of a reading its time, its GPU and its power seem to be,
// as [Config.Columns] takes them. It is empty if it has no time.
func placesOf(line []byte) string {
	list := (&header{}).split(line)
	stamp := slices.IndexFunc(list, func(cell []byte) bool {
		_, is := parseStamp(cell)
		return is && len(cell) >= len("1736944496")
	})
	if stamp < 0 {
		return ""
	}
	quantity := func(unit string, but int) int {
		for i, cell := range list {
			digits, of := split(cell)
			if _, is := number(digits, false); is && string(of) == unit && i != stamp && i != but {
				return i
			}
		}
		return -1
	}
	gpu := slices.IndexFunc(list, func(cell []byte) bool {
		return bytes.HasPrefix(cell, []byte("GPU-")) || len(cell) > 0 && len(cell) < 3 && digits(cell) == len(cell)
	})
	power := cmp.Or(quantity("W", -1)+1, quantity("", gpu)+1, 3)
	if gpu < 0 {
		return fmt.Sprintf("time=#%d,power=#%d", stamp+1, power)
	}
	return fmt.Sprintf("time=#%d,gpu=#%d,power=#%d", stamp+1, gpu+1, power)
}

// incomplete says what the header of a log lacks, and how to give it.
func (s *Source) incomplete() error {
	h := s.log.head
	missing := h.missing()
	if len(h.lacking) > 0 {
		return s.lacking(h)
	}
	if len(missing) == 0 { // a file of joules, where there were watts
		return s.fail(PowerColumnMissing, ErrNotALog, s.log.recordHint(), "the header is %q", h.quoted())
	}
	e := s.fail(missing[0], ErrNotALog, h.columnsHint()+s.log.recordHint(), "the header is %q", h.quoted())
	e.Others = missing[1:]
	switch {
	case h.width == 1 && len(bytes.Fields(h.line)) > 1 && h.stampOrPower():
		e.Hint = "separate its cells by commas, semicolons or tabs, or " + s.log.recordHint()
	case missing[0] != GPUIdentityColumnMissing:
	case h.suspect >= 0:
		e.Detail = fmt.Sprintf("the column %q may say which GPU a row is of", h.names[h.suspect])
		e.Hint = fmt.Sprintf("if it does, say so with -columns %s (columns= behind the path of the log); if not, say of how many GPUs the log is with -gpus N (gpus=N)", quoted("gpu="+h.names[h.suspect]))
	default:
		e.Detail = fmt.Sprintf("the columns %s may be a GPU each", listed(h.alike()))
		e.Hint = fmt.Sprintf("if they are, say so with -columns %s (columns= behind the path of the log); if not, name the one that counts", quoted("power="+strings.Join(h.alike(), ",power=")))
	}
	return e
}

// stampOrPower reports whether a word of a header of one cell is the name of a time or of
// a power: it may be one of several cells that blanks separate.
func (h *header) stampOrPower() bool {
	return slices.ContainsFunc(bytes.Fields(h.line), func(word []byte) bool {
		name, unit := plain(string(word))
		_, is := columnOf(name, unit)
		return is || stampRankOf(name) > 0
	})
}

// lacking says which of the columns that were given a header does not have.
func (s *Source) lacking(h *header) error {
	reason := PowerColumnMissing
	if h.stamp < 0 {
		reason = TimestampColumnMissing
	}
	return s.fail(reason, ErrNotALog, "give names that the header has with -columns (columns= behind the path of the log)",
		"no column is called %s: the header is %q", listed(h.lacking), h.quoted())
}

// quoted is the line of the header, cut for a message.
func (h *header) quoted() []byte { return h.line[:min(len(h.line), 300)] }

// columnsHint says how the columns that are missing can be given, with those of the
// header that nothing is known about; it is empty if there are none.
func (h *header) columnsHint() string {
	var unknown, give []string
	for i, name := range h.names {
		bare, unit := plain(name)
		_, quantity := columnOf(bare, unit)
		if known := i == h.stamp || i == h.id() || i == h.name || i == h.host || quantity || isSuspect(bare) || name == ""; !known {
			unknown = append(unknown, name)
		}
	}
	if h.stamp < 0 && len(unknown) > 0 {
		give, unknown = append(give, "time="+unknown[0]), unknown[1:]
	}
	if len(h.values) == 0 && len(unknown) > 0 {
		give = append(give, "power="+unknown[0])
		letters := func(name string) string { return strings.Trim(name, "0123456789") }
		for _, name := range unknown[1:] { // GPU0, GPU1
			if letters(name) == letters(unknown[0]) {
				give = append(give, "power="+name)
			}
		}
	}
	if len(give) == 0 {
		return ""
	}
	return fmt.Sprintf("say what its columns are, for instance -columns %s (columns= behind the path of the log), or ", quoted(strings.Join(give[:min(len(give), 9)], ",")))
}

// quoted is an argument as a shell takes it.
func quoted(arg string) string {
	if strings.ContainsAny(arg, " '\"#&;()[]$*?") {
		return "'" + strings.ReplaceAll(arg, "'", `'\''`) + "'"
	}
	return arg
}

// unusable says why a log has a header and no reading: what its rows lack, and how
// the first that lacks it is written.
func (s *Source) unusable() error {
	l := s.log
	var count [flaws]int
	for _, f := range l.faults {
		count[f.flaw]++
	}
	var lacks []string
	for flaw, n := range count {
		if n > 0 {
			lacks = append(lacks, fmt.Sprintf("%d with %s, the first is %s", n, faultTexts[flaw], l.quotes[flaw]))
		}
	}
	hint := l.recordHint()
	switch {
	case count[overPowered] > 0:
		e := s.fail(energy.InvalidPowerSample, energy.ErrNoDevice, "say which columns are the power and its limit with -columns power=POWER,limit=LIMIT (columns= behind the path of the log)",
			"no row has a reading: %s", strings.Join(lacks, "; "))
		e.Others = []energy.Reason{NoUsablePowerSamples}
		return e
	case len(lacks) == 0:
		return s.fail(NoUsablePowerSamples, energy.ErrNoDevice, "record for a moment before the log is opened", "it has a header, and no row that is complete")
	case count[badCells] > 0 && l.main.separator == ',':
		hint = "if numbers have a decimal comma, separate the cells by semicolons; or " + hint
	case count[badStamp] > 0:
		hint = "write times as 2006-01-02 15:04:05.000 or as seconds since 1970; or " + hint
	}
	return s.fail(NoUsablePowerSamples, energy.ErrNoDevice, hint, "no row has a reading: %s", strings.Join(lacks, "; "))
}
