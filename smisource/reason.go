package smisource

import (
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
	if e.Err != nil && e.Err != energy.ErrNoDevice { // of a log that has none, Detail says why
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

// recordHint is how to record a log.
const recordHint = "record with nvidia-smi --query-gpu=timestamp,index,uuid,power.draw --format=csv -lms 500"

func (s *Source) fail(reason energy.Reason, cause error, hint, format string, args ...any) *Error {
	return &Error{Reason: reason, Path: s.cfg.Path, Detail: fmt.Sprintf(format, args...), Hint: hint, Err: cause}
}

// check returns what is wrong with the log as a whole.
func (s *Source) check() error {
	l := s.log
	if l.head == nil && l.first == nil && len(s.file.rest) > 0 {
		l.header(s.file.rest) // which has no end yet
	}
	if l.head == nil {
		return s.headless()
	}
	if missing := l.head.missing(); l.main == nil {
		e := s.fail(missing[0], ErrNotALog, recordHint, "the header is %q", l.head.line)
		e.Others = missing[1:]
		return e
	}
	if why := l.several(); why != "" {
		return s.fail(GPUIdentityColumnMissing, ErrNotALog, recordHint, "%s", why)
	}
	for _, g := range l.gpus {
		if len(g.samples) > 0 {
			return nil
		}
	}
	return s.unusable()
}

// headless says how a file without a header begins.
func (s *Source) headless() error {
	l := s.log
	if l.first == nil {
		return s.fail(TelemetryFileEmpty, energy.ErrNoDevice, "", "nothing was written to it yet")
	}
	if slices.Contains(l.first, 0) {
		return s.fail(TelemetryFileUnreadable, ErrNotALog, "", "it is not a text")
	}
	e := s.fail(TimestampColumnMissing, ErrNotALog, recordHint, "no line is a header, the first is %q", l.first)
	e.Others = []energy.Reason{PowerColumnMissing, GPUIdentityColumnMissing}
	row, _ := cells(nil, slices.Clone(l.first), ',')
	if _, data := parseStamp(row[0]); data {
		e.Detail = fmt.Sprintf("it begins with readings and has no header: %q", l.first)
		e.Hint = "record with --format=csv, without noheader, or put the names of the columns above the first line"
	}
	return e
}

// unusable says why a log has a header and no reading: what its rows lack, and how
// the first that lacks it is written.
func (s *Source) unusable() error {
	l := s.log
	var count [len(faultReasons)]int
	for _, f := range l.faults {
		count[f.reason]++
	}
	what := [...]string{badStamp: "time that is understood", badValue: "power", badIdentity: "GPU"}
	var lacks []string
	for _, r := range []uint8{badStamp, badIdentity, badValue} {
		if count[r] > 0 {
			lacks = append(lacks, fmt.Sprintf("%d with no %s, the first is %s", count[r], what[r], l.quotes[r]))
		}
	}
	if len(lacks) == 0 {
		return s.fail(NoUsablePowerSamples, energy.ErrNoDevice, "record for a moment before the log is opened", "it has a header, and no row that is complete")
	}
	return s.fail(NoUsablePowerSamples, energy.ErrNoDevice, recordHint, "no row has a reading: %s", strings.Join(lacks, "; "))
}
