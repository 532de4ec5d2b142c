package powertest

import (
	"errors"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"golang.org/x/perf/benchfmt"

	"github.com/joulebench/joulebench/internal/metrictable"
	"github.com/joulebench/joulebench/powertest/energy"
)

// ErrNoNumbers says that a report has nothing to write in a benchmark record.
var ErrNoNumbers = errors.New("there are no numbers to write")

// WriteBenchmark writes the report as a record in the Go benchmark format, with
// all digits. The first record to a writer, and whatever changes after it, is
// preceded by the lines that say which direction of a unit is better and what must
// be equal for two files to be comparable, as benchmarks print them: the records
// of several reports, to one writer or to files that are joined, make one file.
//
// The number of iterations is that of Work.Ops, and 1 if that is not known; ns/op
// is the elapsed time by it. What is withheld is left out. The error wraps
// [ErrNoNumbers] if nothing remains, and is that of the writer otherwise.
func (r Report) WriteBenchmark(w io.Writer) error {
	record, err := r.record()
	if err != nil {
		return fmt.Errorf("powertest: write the benchmark record of %s: %w", r.Name, err)
	}
	if err := writers.of(w).write(record); err != nil {
		return fmt.Errorf("powertest: write the benchmark record of %s: %w", r.Name, err)
	}
	return nil
}

// record makes the record.
func (r Report) record() (*benchfmt.Result, error) {
	res := &benchfmt.Result{Name: benchfmt.Name(recordName(r.Name, r.Procs)), Iters: int(max(r.Work.Ops, 1))}
	if r.Measurement != nil {
		for _, s := range settings(r.Source, r.devices()) {
			res.Config = append(res.Config, benchfmt.Config{Key: s.key, Value: []byte(s.value), File: true})
		}
	}
	add := func(v float64, unit string) {
		if unit == "ns/op" {
			res.Values = append(res.Values, benchfmt.Value{Value: v / 1e9, Unit: "sec/op", OrigValue: v, OrigUnit: unit})
			return
		}
		res.Values = append(res.Values, benchfmt.Value{Value: v, Unit: unit})
	}
	if r.Work.Ops > 0 && r.Work.Elapsed > 0 {
		add(float64(r.Work.Elapsed.Nanoseconds())/float64(r.Work.Ops), "ns/op")
	}
	for _, m := range r.Metrics {
		add(m.Value, m.Unit)
	}
	if len(res.Values) == 0 {
		return nil, fmt.Errorf("%w: %v", ErrNoNumbers, r.Reasons)
	}
	return res, nil
}

func (r Report) devices() []energy.Device {
	var list []energy.Device
	for _, d := range r.Measurement.Devices {
		list = append(list, d.Device)
	}
	return list
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

// recordWriter writes records to one writer, and what they need before them once.
type recordWriter struct {
	mu   sync.Mutex
	w    *benchfmt.Writer
	told map[string]bool // units
}

func newRecordWriter(w io.Writer) *recordWriter {
	return &recordWriter{w: benchfmt.NewWriter(w), told: map[string]bool{}}
}

func (w *recordWriter) write(res *benchfmt.Result) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, v := range res.Values {
		better, known := metrictable.Better(v.Unit)
		if w.told[v.Unit] || v.OrigUnit != "" || !known {
			continue
		}
		meta := &benchfmt.UnitMetadata{UnitMetadataKey: benchfmt.UnitMetadataKey{Unit: v.Unit, Key: "better"}, OrigUnit: v.Unit, Value: better.String()}
		if err := w.w.Write(meta); err != nil {
			return err
		}
		w.told[v.Unit] = true
	}
	return w.w.Write(res)
}

// recordWriters are the writers that were written to last. One that is forgotten,
// because there were too many, is told again what holds: that does no harm.
type recordWriters struct {
	mu   sync.Mutex
	list []knownWriter
}

type knownWriter struct {
	to io.Writer
	*recordWriter
}

const maxWriters = 16

var writers recordWriters

func (k *recordWriters) of(to io.Writer) *recordWriter {
	if to == nil || !reflect.ValueOf(to).Comparable() {
		return newRecordWriter(to) // it cannot be recognised
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if b, ok := to.(interface{ Len() int }); ok && b.Len() == 0 {
		// A buffer that was emptied, and is a new one now.
		k.list = slices.DeleteFunc(k.list, func(x knownWriter) bool { return x.to == to })
	}
	if i := slices.IndexFunc(k.list, func(x knownWriter) bool { return x.to == to }); i >= 0 {
		x := k.list[i]
		k.list = append(slices.Delete(k.list, i, i+1), x)
		return x.recordWriter
	}
	if len(k.list) == maxWriters {
		k.list = slices.Delete(k.list, 0, 1)
	}
	x := knownWriter{to, newRecordWriter(to)}
	k.list = append(k.list, x)
	return x.recordWriter
}
