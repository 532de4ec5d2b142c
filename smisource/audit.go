package smisource

import (
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/joulebench/joulebench/powertest/energy"
)

// Audit is what a log holds around a span.
type Audit struct {
	// GPUs are those that were selected, in the log's order.
	GPUs []GPUAudit `json:"gpus"`
	// Findings are about all of them.
	Findings []energy.Finding `json:"findings,omitempty"`
}

// GPUAudit is what a log holds of a GPU around a span.
type GPUAudit struct {
	// ID is the GPU as the log counts it, such as "0".
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
	// Findings are about the rows of the GPU.
	Findings []energy.Finding `json:"findings,omitempty"`
}

// Audit reports what the log holds around a span, as far as it was read. It counts
// samples and the longest gap as InferenceX does.
func (s *Source) Audit(span energy.Span) Audit {
	s.mu.Lock()
	defer s.mu.Unlock()
	w := window{span.Start.UnixNano(), span.End.UnixNano()}
	a := Audit{Findings: s.findings(w)}
	for i, k := range s.gpus {
		g := s.log.gpus[k]
		wide := w.wide(s.cfg.MaxGap)
		list, _ := g.between(wide.start, wide.end)
		one := GPUAudit{ID: g.id, UUID: s.devices[i].UUID, Samples: len(list)}
		one.MaxGap, one.Bracketed = bracketing(list, w)
		for _, f := range s.faults(k, w) {
			f.Device = one.UUID
			one.Findings = append(one.Findings, f)
		}
		a.GPUs = append(a.GPUs, one)
	}
	return a
}

// bracketing returns the longest time between two of the samples that reach over
// the window, if they do.
func bracketing(list []sample, w window) (time.Duration, bool) {
	first, last := -1, -1
	for i, x := range list {
		if x.at <= w.start {
			first = i
		}
		if x.at >= w.end {
			last = i
			break
		}
	}
	if first < 0 || last < 0 {
		return 0, false
	}
	longest := int64(0)
	for i := first + 1; i <= last; i++ {
		longest = max(longest, list[i].at-list[i-1].at)
	}
	return time.Duration(longest), true
}

// faults returns what is wrong with rows of a GPU near the window: one finding
// for each reason.
func (s *Source) faults(gpu int, w window) []energy.Finding {
	var count [len(faultReasons)]int
	var first [len(faultReasons)]int64
	wide := w.wide(s.cfg.MaxGap)
	for _, f := range s.log.faults {
		if int(f.gpu) != gpu && f.gpu != every || !wide.touches(f.from, f.to) {
			continue
		}
		if count[f.reason]++; count[f.reason] == 1 {
			first[f.reason] = f.line
		}
	}
	what := [...]string{badStamp: "time stamp that is understood", badValue: "value", badIdentity: "GPU"}
	var found []energy.Finding
	for r, n := range count {
		if n == 0 {
			continue
		}
		detail := fmt.Sprintf("line %d of %s has no %s", first[r], filepath.Base(s.cfg.Path), what[r])
		if n > 1 {
			detail += fmt.Sprintf(", nor have %d more near the window", n-1)
		}
		found = append(found, energy.Finding{Reason: faultReasons[r], Detail: detail})
	}
	return found
}

// findings returns what is wrong with the log as a whole around the window.
func (s *Source) findings(w window) (found []energy.Finding) {
	add := func(r energy.Reason, format string, args ...any) {
		found = append(found, energy.Finding{Reason: r, Detail: fmt.Sprintf(format, args...)})
	}
	usable := 0
	for i, k := range s.gpus {
		g := s.log.gpus[k]
		wide := w.wide(s.around(s.devices[i]))
		list, _ := g.between(wide.start, wide.end)
		usable += len(list)
		if from, to := bracket(list, w); from <= to {
			if _, runs := g.between(from, to); runs > 1 && !slices.ContainsFunc(found, func(f energy.Finding) bool { return f.Reason == energy.ClockStep }) {
				add(energy.ClockStep, "the time stamps of GPU %s go backwards in the window: the clock of the log's host was set, or the log was not written in order", g.id)
			}
		}
	}
	if usable == 0 {
		add(NoUsablePowerSamples, "no GPU has a reading near the window: is the log of the same time, and its time zone right?")
	}
	if names := s.unexpected(w); len(names) > 0 {
		add(energy.ExpectedGPUCountMismatch, "the log has %d GPUs that it did not have when it was opened (%s): open it again", len(names), strings.Join(names, ", "))
	}
	wide := w.wide(s.cfg.MaxGap)
	for _, seam := range s.log.seams {
		if wide.touches(seam[0], seam[1]) && seam[1]-seam[0] > int64(s.cfg.MaxGap) {
			add(TelemetryFileReplaced, "the file was replaced by another, and %v between them are lost", time.Duration(seam[1]-seam[0]).Round(time.Millisecond))
		}
	}
	return found
}

// bracket returns the times of the last sample that is not after the start, or
// else of the first, and of the first that is not before the end, or else of the
// last.
func bracket(list []sample, w window) (from, to int64) {
	from, to = math.MaxInt64, math.MinInt64
	for _, x := range list {
		if x.at <= w.start || from == math.MaxInt64 {
			from = x.at
		}
		to = x.at
		if x.at >= w.end {
			break
		}
	}
	return from, to
}

// unexpected returns the GPUs that came after the log was opened, where all are
// wanted.
func (s *Source) unexpected(w window) (names []string) {
	if !s.all {
		return nil
	}
	wide := w.wide(s.cfg.MaxGap)
	for _, g := range s.log.gpus[s.known:] {
		if list, _ := g.between(wide.start, wide.end); len(list) > 0 {
			names = append(names, g.id)
		}
	}
	return names
}
