package smisource

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"io"
	"io/fs"
	"maps"
	"math"
	"slices"
	"strconv"
	"time"

	"github.com/joulebench/joulebench/powertest/energy"
)

// tolerance is by how much, as a share of the accumulators' energy, the log may
// differ from it.
const tolerance = 0.05

// Accumulator compares what the energy accumulators of GPUs gained while a log
// was written with the integral of the whole log. It says whether the readings
// agree with them, not whether a window is valid: the snapshots are from before
// and after all of the log. Its keys are those of InferenceX.
type Accumulator struct {
	// Available is true: the snapshots were there.
	Available bool `json:"available"`
	// AccumulatorJoules is the sum of GPUJoules. They are amd-smi's, as InferenceX has them:
	// 0.27 % too many.
	AccumulatorJoules float64 `json:"accumulator_delta_j"`
	// StreamJoules is the integral of the log, by trapezoids, over the GPUs of
	// Integrated.
	StreamJoules float64 `json:"integrated_stream_j"`
	// RelativeError is the difference of the two as a share of the
	// accumulators'; nil if these gained nothing.
	RelativeError *float64 `json:"relative_error"`
	// WithinTolerance says that the difference is not more than Tolerance, and
	// that no accumulator went down.
	WithinTolerance bool `json:"within_tolerance"`
	// Tolerance is a share: 0.05.
	Tolerance float64 `json:"tolerance"`
	// GPUJoules is what the accumulator of each GPU gained that is in both
	// snapshots, by its number there.
	GPUJoules map[string]float64 `json:"per_gpu_delta_j"`
	// Integrated are the GPUs of GPUJoules that the log has.
	Integrated []string `json:"integrated_gpu_ids"`
	// Unmatched are the GPUs that only one snapshot has.
	Unmatched []string `json:"unmatched_gpus"`
	// Negative are the GPUs whose accumulator went down: a reset, which a sum
	// can hide.
	Negative []string `json:"negative_delta_gpus"`
	// StreamSeconds is the time from the first reading of those GPUs to the
	// last.
	StreamSeconds float64 `json:"stream_span_s"`
}

// Unavailable says why there is no [Accumulator]. Its keys are those of InferenceX.
type Unavailable struct {
	// Available is false.
	Available bool          `json:"available"`
	Reason    energy.Reason `json:"reason"`
}

// AccumulatorCheck is [Source.CrossCheck] as InferenceX publishes it in JSON: an
// [Accumulator], an [Unavailable], or nil if nobody has recorded snapshots.
func (s *Source) AccumulatorCheck() any {
	acc, err := s.CrossCheck()
	switch e, ok := errors.AsType[*Error](err); {
	case errors.Is(err, ErrNoSnapshots):
		return nil
	case ok:
		return Unavailable{Reason: e.Reason}
	case err != nil || !finite(acc.StreamJoules) || !finite(acc.AccumulatorJoules):
		return Unavailable{Reason: "cross_check_error"}
	}
	return acc
}

func finite(x float64) bool { return !math.IsNaN(x) && !math.IsInf(x, 0) }

// CrossCheck compares the log, to its end, with the energy snapshots around it. It
// is about all GPUs of the log, whatever was selected. The error is an [Error] with
// [MissingStartSnapshot], [MissingEndSnapshot],
// [UnparseableStartSnapshot] or [UnparseableEndSnapshot]; it wraps
// [ErrNoSnapshots] if there is neither.
func (s *Source) CrossCheck() (Accumulator, error) {
	start, end, err := s.snapshots()
	if err != nil {
		return Accumulator{}, err
	}
	a := Accumulator{Available: true, Tolerance: tolerance, GPUJoules: map[string]float64{}, Integrated: []string{}, Unmatched: []string{}, Negative: []string{}}
	for _, id := range numerically(start, end) {
		before, first := start[id]
		after, second := end[id]
		if !first || !second {
			a.Unmatched = append(a.Unmatched, id)
			continue
		}
		gained := after - before
		a.GPUJoules[id] = gained
		a.AccumulatorJoules += gained
		if gained < 0 {
			a.Negative = append(a.Negative, id)
		}
	}
	s.integrate(&a)
	if a.AccumulatorJoules > 0 {
		off := math.Abs(a.AccumulatorJoules-a.StreamJoules) / a.AccumulatorJoules
		a.RelativeError = &off
		a.WithinTolerance = len(a.Negative) == 0 && off <= tolerance
	}
	return a, nil
}

// integrate adds what the log says of the GPUs whose accumulators are known.
// Package energy would withhold an integral over gaps, and it would be right: but
// here the log as a whole is checked, gaps included.
func (s *Source) integrate(a *Accumulator) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.closed.Load() {
		_ = s.read(context.Background()) // a file that is gone was read before
	}
	var from, to int64
	for _, id := range numerically(a.GPUJoules, nil) {
		i := slices.IndexFunc(s.log.gpus, func(g *gpu) bool { return g.id == id })
		if i < 0 {
			continue
		}
		list := s.log.gpus[i].whole()
		if len(list) == 0 {
			continue
		}
		a.StreamJoules += integral(list, s.log.unit)
		if len(a.Integrated) == 0 {
			from, to = list[0].at, list[len(list)-1].at
		}
		from, to = min(from, list[0].at), max(to, list[len(list)-1].at)
		a.Integrated = append(a.Integrated, id)
	}
	a.StreamSeconds = time.Duration(to - from).Seconds()
}

// integral returns the joules from the first sample to the last.
func integral(list []sample, unit string) (joules float64) {
	if unit == "J" {
		return list[len(list)-1].value - list[0].value
	}
	for i := 1; i < len(list); i++ {
		a, b := list[i-1], list[i]
		joules += time.Duration(b.at-a.at).Seconds() * (a.value + b.value) / 2
	}
	return joules
}

// numerically returns the keys of both maps, numbers first and in their order.
func numerically(a, b map[string]float64) []string {
	ids := slices.AppendSeq(slices.Collect(maps.Keys(a)), maps.Keys(b))
	number := func(id string) int {
		if n, err := strconv.Atoi(id); err == nil {
			return n
		}
		return math.MaxInt
	}
	slices.SortFunc(ids, func(a, b string) int {
		return cmp.Or(cmp.Compare(number(a), number(b)), cmp.Compare(a, b))
	})
	return slices.Compact(ids)
}

const snapshotHint = "write one before the log and one after it with amd-smi metric -E --csv"

// largest is how long a snapshot may be: it has one row per GPU.
const largest = 1 << 20

// snapshots reads the energy accumulators before and after the log, by GPU.
func (s *Source) snapshots() (start, end map[string]float64, err error) {
	start, errStart := s.snapshot(s.cfg.EnergyStart, MissingStartSnapshot, UnparseableStartSnapshot)
	end, errEnd := s.snapshot(s.cfg.EnergyEnd, MissingEndSnapshot, UnparseableEndSnapshot)
	if missing(errStart) && missing(errEnd) {
		return nil, nil, &Error{Reason: MissingStartSnapshot, Path: s.cfg.EnergyStart, Err: errors.Join(ErrNoSnapshots, fs.ErrNotExist),
			Hint: snapshotHint}
	}
	// A missing one is reported before one that is broken.
	for _, err := range []error{errStart, errEnd} {
		if missing(err) {
			return nil, nil, err
		}
	}
	return start, end, errors.Join(errStart, errEnd)
}

func missing(err error) bool { return errors.Is(err, fs.ErrNotExist) }

// snapshot reads what amd-smi metric -E --csv wrote. GPUs without an energy are
// left out.
func (s *Source) snapshot(path string, absent, broken energy.Reason) (map[string]float64, error) {
	file, _, err := openRegular(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, &Error{Reason: absent, Path: path, Err: err}
	}
	if err != nil {
		return nil, &Error{Reason: broken, Path: path, Err: err}
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, largest))
	if err != nil {
		return nil, &Error{Reason: broken, Path: path, Err: err}
	}
	byGPU := parseSnapshot(text)
	if len(byGPU) == 0 {
		return nil, &Error{Reason: broken, Path: path, Err: ErrNotALog, Detail: "it has no GPU with a total_energy_consumption", Hint: snapshotHint}
	}
	return byGPU, nil
}

func parseSnapshot(text []byte) map[string]float64 {
	var d decoder
	byGPU := map[string]float64{}
	var h *header
	for line := range bytes.Lines(d.decode(text, true)) {
		line = bytes.TrimSpace(line)
		if h == nil {
			if head, _ := parseHeader(line, nil, false); head.id() >= 0 && len(head.energies) > 0 { // it may have a power as well
				h = head
			}
			continue
		}
		row, ok := cells(nil, line, h.separator)
		key := cell(row, h.id()) // as the log's GPUs are counted
		if !ok || absent(key) || len(row) > h.width {
			continue
		}
		value := h.energies[0]
		value.excess = 0 // as InferenceX has them
		if v, flaw := value.quantity(cell(row, value.at)); flaw == fine {
			byGPU[string(key)] = v
		}
	}
	return byGPU
}
