package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"time"

	"github.com/joulebench/joulebench/powertest"
	"github.com/joulebench/joulebench/powertest/energy"
	"github.com/joulebench/joulebench/smisource"

	// Sources that are opened by name.
	_ "github.com/joulebench/joulebench/dcgmsource"
	_ "github.com/joulebench/joulebench/promsource"
	_ "github.com/joulebench/joulebench/simsource"
)

// settleTime is how long a source may take to show what came after the window.
const settleTime = 5 * time.Minute

// A telemetry is what a source told of a window.
type telemetry struct {
	// where is the source in a few words, without credentials.
	where string
	// measurement is what was measured, if measured.
	measurement energy.Measurement
	measured    bool
	// gpus are the devices of the source.
	gpus []seenGPU
	// found are the findings that are not in the measurement.
	found []energy.Finding
	// check compares a log with the energy accumulators; nil if there is nothing
	// to compare it with.
	check any
}

// A seenGPU is a device as the sidecar tells of it.
type seenGPU struct {
	// id is the name of the GPU in the source: its index in a log.
	id, uuid string
	// seen says that there were readings near the window, and samples how many.
	seen    bool
	samples int
	// maxGap is the longest time between two of them, if hasGap.
	maxGap time.Duration
	hasGap bool
}

// id returns the name of a device in the source, or its UUID.
func (t telemetry) id(uuid string) string {
	for _, g := range t.gpus {
		if g.uuid == uuid {
			return g.id
		}
	}
	return uuid
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

// findings are all findings, each once: those of devices in the order in which
// InferenceX looks at them, and then those of the whole.
func (t telemetry) findings() []energy.Finding {
	var all []energy.Finding
	for _, f := range slices.Concat(t.found, t.measurement.Reasons) {
		if !slices.ContainsFunc(all, func(g energy.Finding) bool { return f.Reason == g.Reason && f.Device == g.Device }) {
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

// openSource opens the source that the flags name.
func (o *annotateOptions) openSource() (energy.Source, error) {
	var devices []string
	if o.devices != "" {
		devices = []string{o.devices}
	}
	switch {
	case o.log != "":
		s, err := smisource.Open(smisource.Config{Path: o.log, Location: o.loc, Offset: o.syncClock, MaxGap: o.maxGap, Devices: devices})
		if err != nil {
			return nil, err // not s: a nil *smisource.Source is a non-nil energy.Source
		}
		return s, nil
	case o.trace != "":
		h, err := powertest.OpenTrace(o.trace)
		if err != nil {
			return nil, err
		}
		return h, nil
	case o.prometheus != "":
		return energy.Open("prometheus", o.prometheus, devices)
	case o.dcgm != "":
		return energy.Open("dcgm", o.dcgm, devices)
	}
	name, arg, _ := strings.Cut(o.source, "=")
	return energy.Open(name, arg, devices)
}

// asked is the source as it was asked for, where nothing better is known: without
// what may be a password.
func (o *annotateOptions) asked() string {
	switch {
	case o.log != "":
		return o.log
	case o.trace != "":
		return o.trace
	case o.prometheus != "":
		return "prometheus"
	case o.dcgm != "":
		return "dcgm"
	}
	name, _, _ := strings.Cut(o.source, "=")
	return name
}

// where tells where a source reads. Files go by their names, as in InferenceX's
// sidecar; of others it is the name of the source and its endpoints.
func (o *annotateOptions) where(src energy.Source) string {
	if o.log != "" || o.trace != "" {
		return o.asked()
	}
	var endpoints []string
	for _, d := range src.Devices() {
		if d.Endpoint != "" && !slices.Contains(endpoints, d.Endpoint) {
			endpoints = append(endpoints, d.Endpoint)
		}
	}
	if len(endpoints) == 0 {
		return src.Info().Name
	}
	return src.Info().Name + ": " + strings.Join(endpoints, ", ")
}

// unopened is the telemetry of a source that could not be opened.
func (o *annotateOptions) unopened(err error) telemetry {
	return telemetry{where: o.asked(), found: []energy.Finding{{Reason: o.openReason(err), Detail: err.Error()}}}
}

// openReason returns the code for an error of opening a source. That a file is not
// there is about the telemetry only if a file was asked for: of a driver it is the
// library.
func (o *annotateOptions) openReason(err error) energy.Reason {
	if e, ok := errors.AsType[*smisource.Error](err); ok {
		return e.Reason
	}
	file := o.log != "" || o.trace != ""
	switch {
	case file && errors.Is(err, fs.ErrNotExist):
		return smisource.TelemetryFileMissing
	case errors.Is(err, energy.ErrNoDevice):
		return noUsableSamples
	case file && (errors.Is(err, fs.ErrPermission) || errors.Is(err, energy.ErrMalformed)):
		return smisource.TelemetryFileUnreadable
	}
	return energy.SourceStalled
}

// past measures a window of the past.
func (o *annotateOptions) past(ctx context.Context, h energy.HistorySource, span energy.Span) telemetry {
	ctx, cancel := context.WithTimeout(ctx, settleTime)
	defer cancel()
	t := telemetry{where: o.where(h), measured: true}
	t.measurement = energy.MeasurePast(ctx, h, span)
	if s, ok := h.(*smisource.Source); ok {
		t.audit(s, span)
	} else {
		t.see()
	}
	return t
}

// audit adds what is known of a log beyond the measurement.
func (t *telemetry) audit(s *smisource.Source, span energy.Span) {
	a := s.Audit(span)
	t.found = append(t.found, a.Findings...)
	for _, g := range a.GPUs {
		t.found = append(t.found, g.Findings...)
		t.gpus = append(t.gpus, seenGPU{id: g.ID, uuid: g.UUID, seen: g.Samples > 0, samples: g.Samples, maxGap: g.MaxGap, hasGap: g.Bracketed})
	}
	t.check = crossCheck(s)
}

// crossCheck compares a log with the energy accumulators around it, as the
// sidecar shows it; nil if nobody has recorded them.
func crossCheck(s *smisource.Source) any {
	type unavailable struct {
		Available bool          `json:"available"`
		Reason    energy.Reason `json:"reason"`
	}
	acc, err := s.CrossCheck()
	switch e, ok := errors.AsType[*smisource.Error](err); {
	case errors.Is(err, smisource.ErrNoSnapshots):
		return nil
	case ok:
		return unavailable{Reason: e.Reason}
	case err != nil || !finite(acc.StreamJoules) || !finite(acc.AccumulatorJoules):
		return unavailable{Reason: "cross_check_error"}
	}
	return acc
}

// see lists the devices of a measurement, by their UUIDs.
func (t *telemetry) see() {
	for _, d := range t.measurement.Devices {
		t.gpus = append(t.gpus, seenGPU{id: d.Device.UUID, uuid: d.Device.UUID, seen: true, samples: d.Ticks})
	}
}

// expect compares the number of GPUs with the one that was asked for.
func (o *annotateOptions) expect(t *telemetry) {
	if !o.countGPUs {
		return
	}
	if o.gpus <= 0 {
		t.found = append(t.found, energy.Finding{Reason: invalidExpectedGPUs, Detail: fmt.Sprintf("-gpus=%d: it must be the number of GPUs that the benchmark used", o.gpus)})
		return
	}
	if n := t.observed(); t.measured && n != o.gpus {
		t.found = append(t.found, energy.Finding{Reason: energy.ExpectedGPUCountMismatch, Detail: fmt.Sprintf("%d GPUs were seen, and -gpus says that %d were used: -devices chooses which count", n, o.gpus)})
	}
}
