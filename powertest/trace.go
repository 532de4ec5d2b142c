package powertest

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/joulebench/joulebench/internal/atomicfile"
	"github.com/joulebench/joulebench/internal/inputfile"
	"github.com/joulebench/joulebench/powertest/energy"
)

// writeTrace writes the report to a new file in dir; an empty dir means that none
// is wanted. The file appears under its name when it is complete. That of
// [testing.Benchmark], which has no name, is called benchmark.
func writeTrace(dir string, r Report) error {
	if dir == "" {
		return nil
	}
	info, err := os.Stat(dir)
	if err == nil && !info.IsDir() {
		err = fs.ErrInvalid
	}
	if err != nil {
		return fmt.Errorf("POWERTEST_TRACE=%s must be a directory that can be written to: %w", dir, err)
	}
	for {
		name := fmt.Sprintf("%s-%d.%d.%d.json", cmp.Or(atomicfile.Name(r.Name), "benchmark"), r.Procs, os.Getpid(), process.traces.Add(1))
		err := atomicfile.Create(filepath.Join(dir, name), r.writeJSON)
		switch {
		case err == nil:
			return nil
		case !errors.Is(err, fs.ErrExist): // else by a process of the same number, of another container or time
			return fmt.Errorf("POWERTEST_TRACE=%s: %w", dir, err)
		}
	}
}

// maxTrace is the largest trace that is read: hours of readings of many devices.
const maxTrace = 1 << 30

// OpenTrace opens the recording in a trace that POWERTEST_TRACE wrote, or that
// [Report.WriteFile] wrote of a report with one, for [energy.MeasurePast]. The
// error wraps [energy.ErrMalformed] if there is none in the file.
func OpenTrace(path string) (energy.HistorySource, error) {
	data, err := inputfile.ReadFile(path, maxTrace)
	if err != nil {
		return nil, fmt.Errorf("open trace: %w", err)
	}
	var r Report
	if err := json.Unmarshal(data, &r); err != nil {
		return nil, fmt.Errorf("open trace %s: %w: %w", path, energy.ErrMalformed, err)
	}
	if r.SchemaVersion > SchemaVersion {
		return nil, fmt.Errorf("open trace %s: %w: its schema version is %d, and this release reads up to %d",
			path, energy.ErrMalformed, r.SchemaVersion, SchemaVersion)
	}
	if r.Recording == nil {
		return nil, fmt.Errorf("open trace %s: %w: it has no recording, which POWERTEST_TRACE=DIR writes", path, energy.ErrMalformed)
	}
	replay, err := energy.NewReplay(*r.Recording)
	if err != nil {
		return nil, fmt.Errorf("open trace %s: %w", path, err)
	}
	return replay, nil
}
