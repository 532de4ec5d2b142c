package smisource

import (
	"fmt"
	"math"
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
	tallies := s.tallies(w)
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
		for _, f := range s.faults(k, tallies) {
			f.Device = one.UUID
			one.Findings = append(one.Findings, f)
		}
		a.Devices = append(a.Devices, one)
	}
	return a
}

// tally counts faults by flaw; first are the lines of the first of each.
type tally struct {
	count [flaws]int
	first [flaws]int64
}

func (t *tally) add(flaw uint8, n int, line int64) {
	if t.count[flaw] == 0 || line < t.first[flaw] {
		t.first[flaw] = line
	}
	t.count[flaw] += n
}

// tallies counts the faults near the window, by GPU, with those of every one.
func (s *Source) tallies(w window) map[int]*tally {
	found := map[int]*tally{}
	wide := w.wide(s.cfg.MaxGap)
	for _, f := range s.log.faults {
		if !wide.touches(f.from, f.to) {
			continue
		}
		t := found[int(f.gpu)]
		if t == nil {
			t = &tally{}
			found[int(f.gpu)] = t
		}
		t.add(f.flaw, 1, f.line)
	}
	return found
}

// faults returns what is wrong with rows of a GPU, of those that were counted: one
// finding for each flaw.
func (s *Source) faults(gpu int, tallies map[int]*tally) (found []energy.Finding) {
	var sum tally
	for _, t := range []*tally{tallies[gpu], tallies[every]} {
		for flaw := range flaws {
			if t != nil && t.count[flaw] > 0 {
				sum.add(flaw, t.count[flaw], t.first[flaw])
			}
		}
	}
	for flaw, n := range sum.count {
		if n == 0 {
			continue
		}
		detail := fmt.Sprintf("line %d of %s has %s", sum.first[flaw], filepath.Base(s.cfg.Path), faultTexts[flaw])
		if n > 1 {
			detail += fmt.Sprintf(", and %d more have near the window", n-1)
		}
		found = append(found, energy.Finding{Reason: faultReasons[flaw], Detail: detail})
	}
	return found
}

// counted are times of a log that count from another moment than 1970: these are before
// 2001, as no log is.
const counted = int64(1e9 * time.Second)

// elsewhere says of what time the log is, where it is of another than the window, and what
// may be the cause.
func (s *Source) elsewhere(w window) string {
	from, to := int64(math.MaxInt64), int64(math.MinInt64)
	for _, k := range s.gpus {
		for _, x := range s.log.gpus[k].samples {
			from, to = min(from, x.at), max(to, x.at)
		}
	}
	utc := func(at int64) string { return time.Unix(0, at).UTC().Format(time.DateTime) }
	switch {
	case from > to:
		return "none of them has any"
	case to < counted:
		return fmt.Sprintf("its times, up to %.6g s, count from another moment than 1970\n"+
			"say when that was, in seconds since 1970, with -sync-clock 1700000000s (offset= behind its path)", time.Duration(to).Seconds())
	}
	return fmt.Sprintf("it is of %s to %s UTC, and the window of %s to %s\n"+
		"-tz (tz= behind its path) says the zone of its times, and -sync-clock (offset=) how far its clock was off", utc(from), utc(to), utc(w.start), utc(w.end))
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
		add(NoUsablePowerSamples, "no GPU has a reading near the window: %s", s.elsewhere(w))
	}
	if why := s.log.several(); why != "" {
		add(GPUIdentityMissing, "%s", why)
	}
	if decimal, unclear := s.log.commas.read(); s.cfg.Decimal == "" && (unclear != "" || decimal != s.log.decimal) {
		add(energy.InvalidPowerSample, "numbers are written in two ways since the log was opened: open it again")
	}
	if f, any := s.unheard(); any {
		found = append(found, f)
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
