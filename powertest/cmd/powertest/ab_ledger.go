package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/joulebench/joulebench/internal/atomicfile"
	"github.com/joulebench/joulebench/powertest/ab"
)

// A ledger is what ab keeps in a directory: base.txt and head.txt with the samples
// that are complete, and ab.json with what they are samples of.
type ledger struct {
	dir   string
	files [2]*sampleFile
}

// parameters are what must be the same for samples to be of one comparison, by
// names that a user knows.
type parameters map[string]string

// errOther says that there are samples of another comparison.
var errOther = errors.New("the samples that are there are of another comparison")

func (r *ledger) statePath() string { return filepath.Join(r.dir, "ab.json") }

// failedPath is where the output of a sample that has failed is kept.
func (r *ledger) failedPath(s ab.Side) string {
	return filepath.Join(r.dir, s.String()+".failed.txt")
}

// openLedger opens the ledger of a directory. It has no samples yet, unless they
// are to be resumed, and then they must be of the same comparison.
func openLedger(dir string, p parameters, resume bool) (*ledger, error) {
	r := &ledger{dir: dir}
	for _, s := range []ab.Side{ab.Base, ab.Head} {
		r.files[s] = &sampleFile{path: filepath.Join(dir, s.String()+".txt"), counts: map[string]int{}}
	}
	if !resume {
		return r, r.begin(p)
	}
	state, err := os.ReadFile(r.statePath())
	if err != nil {
		return nil, fmt.Errorf("-resume: there is nothing to go on with: %w", err)
	}
	var was struct {
		Parameters parameters `json:"parameters"`
	}
	if err := json.Unmarshal(state, &was); err != nil {
		return nil, fmt.Errorf("-resume: %s: %w", r.statePath(), err)
	}
	if diff := was.Parameters.differences(p); len(diff) > 0 {
		return nil, fmt.Errorf("-resume: %w: %s; run without -resume and with another -o to begin anew", errOther, strings.Join(diff, "; "))
	}
	return r, errors.Join(r.files[ab.Base].read(), r.files[ab.Head].read())
}

// begin writes what will be sampled. The samples of an earlier run are gone then.
func (r *ledger) begin(p parameters) error {
	for side, f := range r.files {
		for _, path := range []string{f.path, r.failedPath(ab.Side(side))} {
			if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return err
			}
		}
	}
	return atomicfile.Write(r.statePath(), func(w io.Writer) error {
		e := json.NewEncoder(w)
		e.SetIndent("", "  ")
		return e.Encode(struct {
			SchemaVersion int        `json:"schema_version"`
			Parameters    parameters `json:"parameters"`
		}{1, p})
	})
}

// taken reports whether there are samples in a directory.
func taken(dir string) (path string, yes bool) {
	for _, s := range []ab.Side{ab.Base, ab.Head} {
		if path := filepath.Join(dir, s.String()+".txt"); exists(path) {
			return path, true
		}
	}
	return "", false
}

// differences says what is not the same, in the order of the names.
func (p parameters) differences(now parameters) (list []string) {
	names := maps.Clone(p)
	maps.Copy(names, now)
	for _, name := range slices.Sorted(maps.Keys(names)) {
		if p[name] != now[name] {
			list = append(list, fmt.Sprintf("%s was %q and is %q", name, p[name], now[name]))
		}
	}
	return list
}

// samples is how many samples there are of both sides.
func (r *ledger) samples() int {
	n := 0
	for _, f := range r.files {
		for _, c := range f.counts {
			n += c
		}
	}
	return n
}
