package powertest

import (
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"golang.org/x/perf/benchfmt"

	"github.com/joulebench/joulebench/internal/metrictable"
	"github.com/joulebench/joulebench/powertest/energy"
)

// ErrNoNumbers means that a report has nothing to write in a benchmark record.
var ErrNoNumbers = errors.New("no numbers to write")

// A Writer writes reports as records in the Go benchmark format, as benchmarks print
// them, to one file. Its methods may be called from any goroutine.
type Writer struct {
	// Digits is how many significant digits values have; 0 means as many as there are. It is
	// set before the first Write.
	Digits int

	mu    sync.Mutex
	w     *benchfmt.Writer
	units map[string]bool // that have their line
}

// NewWriter returns a Writer to w, which must have no other writer of records.
func NewWriter(w io.Writer) *Writer {
	return &Writer{w: benchfmt.NewWriter(w), units: map[string]bool{}}
}

// Write writes the record of a report. Before it come what is new
// in it: lines that say which direction of a unit is better, and the configuration
// that must be equal for two records to be comparable. One that no longer holds is
// unset.
//
// The number of iterations is that of Work.Ops, and 1 if that is not known; ns/op
// is the elapsed time by it. What is withheld is left out. The error wraps
// [ErrNoNumbers] if nothing remains, and is that of the underlying writer otherwise.
func (w *Writer) Write(r Report) error {
	record, err := r.record()
	if err == nil {
		err = w.write(record)
	}
	if err != nil {
		return fmt.Errorf("powertest: write the benchmark record of %s: %w", r.Name, err)
	}
	return nil
}

func (w *Writer) write(res *benchfmt.Result) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, v := range res.Values {
		better, known := metrictable.Better(v.Unit)
		if w.units[v.Unit] || v.OrigUnit != "" || !known {
			continue
		}
		key := benchfmt.UnitMetadataKey{Unit: v.Unit, Key: "better"}
		line := benchfmt.UnitMetadata{UnitMetadataKey: key, OrigUnit: v.Unit, Value: better.String()}
		if err := w.w.Write(&line); err != nil {
			return err
		}
		w.units[v.Unit] = true
	}
	for i, v := range res.Values {
		res.Values[i].Value, res.Values[i].OrigValue = w.round(v.Value), w.round(v.OrigValue)
	}
	return w.w.Write(res)
}

// round rounds a value to the digits that are asked for.
func (w *Writer) round(v float64) float64 {
	if w.Digits <= 0 {
		return v
	}
	// The format has no other result than a number.
	r, _ := strconv.ParseFloat(strconv.FormatFloat(v, 'g', w.Digits, 64), 64)
	return r
}

// WriteBenchmark writes the report as [Writer.Write] of a new Writer does: a record
// that stands alone. The records of several reports go to one file through one
// Writer.
func (r Report) WriteBenchmark(w io.Writer) error { return NewWriter(w).Write(r) }

// record makes the record.
func (r Report) record() (*benchfmt.Result, error) {
	res := &benchfmt.Result{Name: benchfmt.Name(recordName(r.Name, r.Procs)), Iters: int(max(r.Work.Ops, 1))}
	if r.Measurement != nil {
		var devices []energy.Device
		for _, d := range r.Measurement.AllDevices() {
			devices = append(devices, d.Device)
		}
		for _, s := range settings(r.Source, devices, r.Measurement.LeftOut) {
			res.Config = append(res.Config, benchfmt.Config{Key: s.key, Value: []byte(s.value), File: true})
		}
	}
	if r.Work.Ops > 0 && r.Work.Elapsed > 0 {
		ns := float64(r.Work.Elapsed.Nanoseconds()) / float64(r.Work.Ops)
		res.Values = append(res.Values, benchfmt.Value{Value: ns / 1e9, Unit: "sec/op", OrigValue: ns, OrigUnit: "ns/op"})
	}
	for _, m := range r.Metrics {
		res.Values = append(res.Values, benchfmt.Value{Value: m.Value, Unit: m.Unit})
	}
	if len(res.Values) == 0 {
		return nil, fmt.Errorf("%w: %v", ErrNoNumbers, energy.Causes(r.Reasons))
	}
	return res, nil
}

// recordName returns a name as testing would have it, without its first word:
// that begins with an upper-case letter, and there is no white space.
func recordName(name string, procs int) string {
	name = strings.TrimPrefix(name, "Benchmark")
	name = strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) || !unicode.IsPrint(r) {
			return '_'
		}
		return r
	}, name)
	first, size := utf8.DecodeRuneInString(name)
	name = string(unicode.ToUpper(first)) + name[size:]
	if size == 0 {
		name = "Load"
	}
	if procs > 1 {
		name += "-" + strconv.Itoa(procs)
	}
	return name
}
