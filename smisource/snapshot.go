package smisource

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"

	"github.com/joulebench/joulebench/powertest/energy"
)

// largest is how long a snapshot may be: it has one row per GPU.
const largest = 1 << 20

// snapshots reads the energy accumulators before and after the log, by GPU.
func (s *Source) snapshots() (start, end map[string]float64, err error) {
	start, errStart := s.snapshot(s.cfg.EnergyStart, MissingStartSnapshot, UnparseableStartSnapshot)
	end, errEnd := s.snapshot(s.cfg.EnergyEnd, MissingEndSnapshot, UnparseableEndSnapshot)
	if missing(errStart) && missing(errEnd) {
		return nil, nil, &Error{Reason: MissingStartSnapshot, Path: s.cfg.EnergyStart, Err: errors.Join(ErrNoSnapshots, fs.ErrNotExist),
			Detail: "to compare, write one before the log and one after it with amd-smi metric -E --csv"}
	}
	// That one is missing says more than that the other is broken.
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
	file, err := os.Open(path)
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
		return nil, &Error{Reason: broken, Path: path, Err: ErrNotALog, Detail: "it has no GPU with a total_energy_consumption: write it with amd-smi metric -E --csv"}
	}
	return byGPU, nil
}

func parseSnapshot(text []byte) map[string]float64 {
	var d decoder
	byGPU := map[string]float64{}
	var h *header
	var value *column
	for line := range bytes.Lines(d.decode(text, true)) {
		line = bytes.TrimSpace(line)
		if h == nil {
			if h, value = snapshotHeader(line); value == nil {
				h = nil
			}
			continue
		}
		row, ok := cells(nil, line, h.separator)
		key := cell(row, h.id()) // as the log's GPUs are counted
		if !ok || absent(key) || len(row) > h.width {
			continue
		}
		if v, ok := value.quantity(cell(row, value.at)); ok {
			byGPU[string(key)] = v
		}
	}
	return byGPU
}

// snapshotHeader looks for the header of a snapshot, which may have a power as
// well.
func snapshotHeader(line []byte) (*header, *column) {
	h, _ := parseHeader(line)
	if h.id() < 0 || len(h.energies) == 0 {
		return nil, nil
	}
	return h, &h.energies[0]
}
