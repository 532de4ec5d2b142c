package powertest

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"

	"github.com/joulebench/joulebench/powertest/energy"
)

// traces numbers the files of this process.
var traces atomic.Int64

// writeTrace writes the report to a new file in dir; an empty dir means that none
// is wanted. The file appears under its name when it is complete.
func writeTrace(dir string, r Report) error {
	if dir == "" {
		return nil
	}
	if info, err := os.Stat(dir); err != nil || !info.IsDir() {
		return fmt.Errorf("POWERTEST_TRACE=%s must be a directory that can be written to: %w", dir, errors.Join(err, fs.ErrInvalid))
	}
	name := fmt.Sprintf("%s-%d.%d.%d.json", fileName(r.Name), r.Procs, os.Getpid(), traces.Add(1))
	if err := r.WriteFile(filepath.Join(dir, name)); err != nil {
		return fmt.Errorf("POWERTEST_TRACE=%s: %w", dir, err)
	}
	return nil
}

// fileName makes a benchmark's name or a UUID fit for a file's name.
func fileName(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', strings.ContainsRune("-_=.", r):
			return r
		}
		return '_'
	}, s)
}

// OpenTrace opens the recording in a trace that POWERTEST_TRACE wrote, or that
// [Report.WriteFile] wrote of a report with one, for [energy.MeasurePast]. The
// error wraps [energy.ErrMalformed] if there is none in the file.
func OpenTrace(path string) (energy.HistorySource, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("open trace: %w", err)
	}
	var r Report
	if err := json.Unmarshal(data, &r); err != nil {
		return nil, fmt.Errorf("open trace %s: %w: %w", path, energy.ErrMalformed, err)
	}
	if r.SchemaVersion > SchemaVersion {
		return nil, fmt.Errorf("open trace %s: %w: its schema is version %d, and this reads up to %d: use a newer release", path, energy.ErrMalformed, r.SchemaVersion, SchemaVersion)
	}
	if r.Recording == nil {
		return nil, fmt.Errorf("open trace %s: %w: it has no recording: traces are written by benchmarks and meters with POWERTEST_TRACE=DIR", path, energy.ErrMalformed)
	}
	replay, err := energy.NewReplay(*r.Recording)
	if err != nil {
		return nil, fmt.Errorf("open trace %s: %w", path, err)
	}
	return replay, nil
}
