package energy

import "time"

// An Auditor is a [Source] that keeps what its readings were made from, such as a
// log, and can say what it holds around a span beside the energy.
type Auditor interface {
	Audit(span Span) Audit
}

// Audit is what a source holds around a span.
type Audit struct {
	// Devices are those of the source, in its order.
	Devices []DeviceAudit `json:"devices"`
	// Findings are about all of them.
	Findings []Finding `json:"findings,omitempty"`
}

// DeviceAudit is what a source holds of a device around a span.
type DeviceAudit struct {
	// ID is the device as the source counts it, such as "0".
	ID string `json:"id"`
	// UUID is that of [Source.Devices].
	UUID string `json:"uuid"`
	// Samples is how many readings there are from the longest gap before the
	// span to the longest gap after it. Those of one time are one.
	Samples int `json:"samples"`
	// MaxGap is the longest time between two readings, from the last that is
	// not after the start to the first that is not before the end; 0 if the
	// readings do not reach over both.
	MaxGap time.Duration `json:"max_gap_ns"`
	// Bracketed says that they do.
	Bracketed bool `json:"bracketed"`
	// Findings are about the readings of the device.
	Findings []Finding `json:"findings,omitempty"`
}

// A ReasonedError is an error of a source whose [Reason] says more than the errors of
// this package do. It is found by errors.As.
type ReasonedError interface {
	error
	Code() Reason
}
