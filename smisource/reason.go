package smisource

import (
	"errors"
	"fmt"

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
// one from after it: nobody meant to cross-check. It is wrapped by an [Error]
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
	// Detail says in words what was seen, and what to do.
	Detail string
	// Err is the cause.
	Err error
}

// Error returns the error as one line.
func (e *Error) Error() string {
	text := fmt.Sprintf("smi: %s: %s", e.Path, e.Reason)
	if e.Detail != "" {
		text += ": " + e.Detail
	}
	if e.Err != nil && e.Err != energy.ErrNoDevice { // of a log that has none, Detail says why
		text += ": " + e.Err.Error()
	}
	return text
}

// Code returns the reason: it is an [energy.ReasonedError].
func (e *Error) Code() energy.Reason { return e.Reason }

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }
