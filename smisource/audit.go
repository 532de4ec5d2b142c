package smisource

import (
	"fmt"
	"path/filepath"
	"slices"
	"sort"
	"strings"
	"time"

	"github.com/joulebench/joulebench/powertest/energy"
)

// Audit reports what the log holds around a span, as far as it was read. It counts
// samples and the longest gap as InferenceX does.
func (s *Source) Audit(span energy.Span) energy.Audit {
	s.mu.Lock()
	defer s.mu.Unlock()
	w := window{span.Start.UnixNano(), span.End.UnixNano()}
	a := energy.Audit{Findings: s.findings(w)}
	for i, k := range s.gpus {
		g := s.log.gpus[k]
		wide := w.wide(s.cfg.MaxGap)
		list, _ := g.between(wide.start, wide.end)
		one := energy.DeviceAudit{ID: g.id, UUID: s.devices[i].UUID, Samples: len(list)}
		first, last, whole := bracket(list, w)
		if one.Bracketed = whole; whole {
			for i := first + 1; i <= last; i++ {
				one.MaxGap = max(one.MaxGap, time.Duration(list[i].at-list[i-1].at))
			}
		}
		for _, f := range s.faults(k, w) {
			f.Device = one.UUID
			one.Findings = append(one.Findings, f)
		}
		a.Devices = append(a.Devices, one)
	}
	return a
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
		if first, last, _ := bracket(list, w); first <= last {
			if _, runs := g.between(list[first].at, list[last].at); runs > 1 && !slices.ContainsFunc(found, func(f energy.Finding) bool { return f.Reason == energy.ClockStep }) {
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

// bracket returns the last sample that is not after the start, or else the first, and
// the first that is not before the end, or else the last. whole says that the two
// reach over the window.
func bracket(list []sample, w window) (first, last int, whole bool) {
	first = sort.Search(len(list), func(i int) bool { return list[i].at > w.start }) - 1
	last = sort.Search(len(list), func(i int) bool { return list[i].at >= w.end })
	whole = first >= 0 && last < len(list)
	return max(first, 0), min(last, len(list)-1), whole
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
