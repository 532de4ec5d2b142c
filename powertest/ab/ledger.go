package ab

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/joulebench/joulebench/internal/atomicfile"
	"github.com/joulebench/joulebench/internal/inputfile"
	"github.com/joulebench/joulebench/powertest/gate"
)

// ErrOther says that the samples in a directory are of another comparison.
var ErrOther = errors.New("the samples that are there are of another comparison")

// A Ledger is the complete samples of a comparison in a directory: base.txt and
// head.txt in the Go benchmark format, and ab.json, which says what they are samples
// of.
type Ledger struct {
	dir   string
	sides [2]*sampleFile
	// session is the mark of what this process takes: what it resumes has another.
	session string
}

// Path is the file with the samples of a side. It is not there before the first.
func (l *Ledger) Path(s Side) string { return l.sides[s].path }

// Samples is how many samples there are of both sides.
func (l *Ledger) Samples() int {
	n := 0
	for _, f := range l.sides {
		for _, c := range f.counts {
			n += c
		}
	}
	return n
}

// failedPath is where the output of a sample that has failed is kept.
func (l *Ledger) failedPath(s Side) string {
	return filepath.Join(l.dir, s.String()+".failed.txt")
}

// samplePath is the file of a side in a directory, and statePath that of what is
// compared.
func samplePath(dir string, s Side) string { return filepath.Join(dir, s.String()+".txt") }
func statePath(dir string) string          { return filepath.Join(dir, "ab.json") }

// taken returns a file of samples that is in a directory; empty if there is none.
func taken(dir string) string {
	for _, s := range []Side{Base, Head} {
		path := samplePath(dir, s)
		if _, err := os.Stat(path); err == nil {
			return path
		}
	}
	return ""
}

// The largest files that are resumed.
const maxState, maxSamples = 1 << 20, 1 << 30

// openLedger opens the ledger of a directory. It has no samples yet, unless they
// are to be resumed, and then they must be of the same comparison.
func openLedger(dir string, p parameters, resume bool) (*Ledger, error) {
	l := &Ledger{dir: dir, session: fmt.Sprintf("%016x", rand.Uint64())}
	for _, s := range []Side{Base, Head} {
		l.sides[s] = &sampleFile{path: samplePath(dir, s), counts: map[string]int{}, units: map[string]bool{}}
	}
	if !resume {
		return l, l.begin(p)
	}
	state, err := inputfile.ReadFile(statePath(dir), maxState)
	if err != nil {
		return nil, fmt.Errorf("-resume: there is nothing to go on with: %w", err)
	}
	var was ledgerState
	if err := json.Unmarshal(state, &was); err != nil {
		return nil, fmt.Errorf("-resume: %s: %w", statePath(dir), err)
	}
	if diff := was.Parameters.differences(p); len(diff) > 0 {
		return nil, fmt.Errorf("-resume: %w: %s\nrun without -resume and with another -o to begin anew", ErrOther, strings.Join(diff, "; "))
	}
	return l, errors.Join(l.sides[Base].read(), l.sides[Head].read())
}

// ledgerState is ab.json.
type ledgerState struct {
	SchemaVersion int        `json:"schema_version"`
	Parameters    parameters `json:"parameters"`
}

// begin writes what will be sampled. The samples of an earlier run are gone then.
func (l *Ledger) begin(p parameters) error {
	for side, f := range l.sides {
		for _, path := range []string{f.path, l.failedPath(Side(side))} {
			if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return err
			}
		}
	}
	return atomicfile.Write(statePath(l.dir), func(w io.Writer) error {
		e := json.NewEncoder(w)
		e.SetIndent("", "  ")
		return e.Encode(ledgerState{1, p})
	})
}

// parameters are what must be the same for samples to be of one comparison, by
// names that a user knows.
type parameters map[string]string

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

// A sampleFile is the complete samples of one side: what the binaries wrote, each
// after a line that says which sample it is.
type sampleFile struct {
	path    string
	samples []keptSample
	counts  map[string]int  // samples by package
	units   map[string]bool // lines of units, of which the file has each once
}

// isUnit reports whether a line says something of a unit.
func isUnit(line []byte) bool { return bytes.HasPrefix(line, []byte("Unit ")) }

// withoutUnits returns an output less the lines of units that earlier samples have.
func (f *sampleFile) withoutUnits(output []byte) (rest []byte) {
	for line := range bytes.Lines(output) {
		if !isUnit(line) || !f.units[string(line)] {
			rest = append(rest, line...)
		}
	}
	return rest
}

// noteUnits notes the lines of units in a text.
func (f *sampleFile) noteUnits(text []byte) {
	for line := range bytes.Lines(text) {
		if isUnit(line) {
			f.units[string(line)] = true
		}
	}
}

// A keptSample is one that is in a file.
type keptSample struct {
	gate.Mark
	text []byte // with the line of the mark
}

// add adds a sample of a side and package.
func (l *Ledger) add(s Side, name string, output []byte, took time.Duration) error {
	f := l.sides[s]
	return f.append(gate.Mark{
		Number: f.counts[name] + 1, Package: name, Took: took, Run: l.Samples() + 1, Session: l.session,
	}, output)
}

// append adds a sample, which is in the file in full or not at all.
func (f *sampleFile) append(mark gate.Mark, output []byte) error {
	s := keptSample{mark, fmt.Appendf(nil, "%s\n%s", mark, f.withoutUnits(output))}
	samples := append(f.samples, s)
	err := atomicfile.Write(f.path, func(w io.Writer) error {
		for _, s := range samples {
			if _, err := w.Write(s.text); err != nil {
				return err
			}
		}
		return nil
	})
	if err == nil {
		f.samples = samples
		f.counts[mark.Package]++
		f.noteUnits(s.text)
	}
	return err
}

// read reads the samples that are there.
func (f *sampleFile) read() error {
	data, err := inputfile.ReadFile(f.path, maxSamples)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	for line := range bytes.Lines(data) {
		f.noteUnits(line)
		if bytes.HasPrefix(line, []byte(gate.MarkBegin)) {
			if err := f.begin(string(line)); err != nil {
				return err
			}
		}
		if last := len(f.samples) - 1; last >= 0 {
			f.samples[last].text = append(f.samples[last].text, line...)
		} else if len(bytes.TrimSpace(line)) > 0 {
			return fmt.Errorf("-resume: %s has no samples that ab has taken, or something before them", f.path)
		}
	}
	return nil
}

// begin begins a sample, with the line of its mark.
func (f *sampleFile) begin(line string) error {
	mark, ok := gate.ParseMark(line)
	if n := f.counts[mark.Package]; !ok || mark.Number != n+1 {
		return fmt.Errorf("-resume: %s has been changed: after sample %d of %s comes %q", f.path, n, mark.Package, strings.TrimSpace(line))
	}
	f.counts[mark.Package]++
	f.samples = append(f.samples, keptSample{Mark: mark})
	return nil
}

// first is the first sample of a package; nil if there is none.
func (f *sampleFile) first(name string) []byte {
	for _, s := range f.samples {
		if s.Package == name {
			return s.text
		}
	}
	return nil
}

// upTo are the first samples of each package, count of them.
func (f *sampleFile) upTo(count int) io.Reader {
	var text []byte
	for _, s := range f.samples {
		if s.Number <= count {
			text = append(text, s.text...)
		}
	}
	return bytes.NewReader(text)
}
