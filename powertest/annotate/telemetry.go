package annotate

import (
	"cmp"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/joulebench/joulebench/powertest/energy"
	"github.com/joulebench/joulebench/powertest/tokens"
)

// A telemetry is what a source reported of a window.
type telemetry struct {
	// where is the source in a few words, without credentials.
	where string
	// measurement is what was measured, if measured.
	measurement energy.Measurement
	measured    bool
	// gpus are the devices of the source, and ids their names by their UUIDs.
	gpus []seenGPU
	ids  map[string]string
	// found are the findings that are not in the measurement.
	found []energy.Finding
	// counts are what the inference servers counted; nil if none was asked.
	counts *tokens.Counts
	// recording is what the source reported, and spans is what was measured of it; nil
	// unless it was asked for.
	recording *energy.Recording
	spans     []energy.Span
	// check compares a log with the energy accumulators; nil if there is nothing
	// to compare it with.
	check any
}

// A seenGPU is a device as the validation file describes it: its ID is the name that
// the source has for it, such as its index in a log.
type seenGPU struct {
	energy.DeviceAudit
	// seen says that there were readings near the window.
	seen bool
}

// audited adds what is known of the source beyond the measurement. Where it keeps no
// more than that, its devices are called by their UUIDs.
func (t telemetry) audited(src energy.Source, span energy.Span) telemetry {
	if c, ok := src.(interface{ AccumulatorCheck() any }); ok {
		t.check = c.AccumulatorCheck()
	}
	auditor, ok := src.(energy.Auditor)
	if !ok {
		for _, d := range t.measurement.Devices {
			if uuid := d.Device.UUID; ofGPUs(t.measurement) {
				t = t.with(seenGPU{energy.DeviceAudit{ID: uuid, UUID: uuid, Samples: d.Ticks}, true})
			}
		}
		return t
	}
	a := auditor.Audit(span)
	t.found = append(t.found, a.Findings...)
	measured := t.devices()
	for _, d := range a.Devices {
		if measured[d.UUID] != nil {
			t.found = append(t.found, d.Findings...)
			t = t.with(seenGPU{d, d.Samples > 0})
		}
	}
	return t
}

// with adds devices of the source.
func (t telemetry) with(gpus ...seenGPU) telemetry {
	if t.ids == nil {
		t.ids = map[string]string{}
	}
	for _, g := range gpus {
		t.gpus = append(t.gpus, g)
		if _, known := t.ids[g.UUID]; !known {
			t.ids[g.UUID] = g.ID
		}
	}
	return t
}

// id returns the name of a device in the source, or its UUID.
func (t telemetry) id(uuid string) string { return cmp.Or(t.ids[uuid], uuid) }

// devices returns the measurements of the devices, by their UUIDs.
func (t telemetry) devices() map[string]*energy.DeviceMeasurement {
	all := make(map[string]*energy.DeviceMeasurement, len(t.measurement.Devices))
	for i := range t.measurement.Devices {
		d := &t.measurement.Devices[i]
		all[d.Device.UUID] = d
	}
	return all
}

// observed is how many GPUs were seen around the window.
func (t telemetry) observed() int {
	n := 0
	for _, g := range t.gpus {
		if g.seen {
			n++
		}
	}
	return n
}

// expected compares the number of GPUs with the one that was asked for.
func (t telemetry) expected(want *int) []energy.Finding {
	switch {
	case want == nil:
		return nil
	case *want <= 0:
		return finding(invalidExpectedGPUs, "-gpus=%d: it must be the number of GPUs that the benchmark used", *want)
	case t.measured && t.observed() != *want:
		return finding(energy.ExpectedGPUCountMismatch,
			"%d GPUs were seen, and -gpus says that %d were used: -devices chooses which count", t.observed(), *want)
	}
	return nil
}

// findings are all findings, each once: those of devices in the order in which
// InferenceX looks at them, and then those of the whole.
func (t telemetry) findings() []energy.Finding {
	var all []energy.Finding
	type about struct {
		reason energy.Reason
		device string
	}
	known := map[about]bool{}
	for _, f := range slices.Concat(t.found, t.measurement.Reasons) {
		if of := (about{f.Reason, f.Device}); !known[of] {
			known[of] = true
			all = append(all, f)
		}
	}
	slices.SortStableFunc(all, func(a, b energy.Finding) int {
		if a.Device == "" || b.Device == "" {
			return strings.Compare(b.Device, a.Device)
		}
		return compareIDs(t.id(a.Device), t.id(b.Device))
	})
	return all
}

// compareIDs sorts numbers before other names.
func compareIDs(a, b string) int {
	number := func(id string) uint64 {
		if n, err := strconv.ParseUint(id, 10, 64); err == nil {
			return n
		}
		return math.MaxUint64
	}
	return cmp.Or(cmp.Compare(number(a), number(b)), cmp.Compare(a, b))
}
