package annotate

import (
	"errors"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/joulebench/joulebench/powertest"
)

// WriteBenchmark writes a record in the Go benchmark format, for benchstat, or
// nothing if there are no numbers. The error is that of the writer.
func (r Result) WriteBenchmark(w io.Writer) error {
	m := r.Measurement
	m.Devices, m.Roles = slices.Clone(m.Devices), slices.Clone(m.Roles) // Add changes them
	for _, f := range slices.Concat(r.found, r.telemetry.found) {
		if f.Reason != aggregateMissing && f.Reason != aggregateUnwritable { // this is another file
			m.Add(f)
		}
	}
	err := powertest.NewReport(r.benchmarkName(), r.work(), m).WriteBenchmark(w)
	if errors.Is(err, powertest.ErrNoNumbers) {
		return nil // why is in the validation file
	}
	return err
}

// work is what the energy is divided by, as package powertest counts it.
func (r Result) work() powertest.Work {
	w := r.Workload
	if !w.HasWindow() {
		return powertest.Work{}
	}
	work := powertest.Work{
		Ops:          w.Requests,
		Requests:     w.Requests,
		PromptTokens: w.InputTokens,
		OutputTokens: w.OutputTokens,
		Users:        w.Concurrency,
		Elapsed:      w.End.Sub(w.Start),
	}
	if w.Latency > 0 {
		work.Latency = time.Duration(w.Latency * float64(w.Requests) * float64(time.Second))
		work.Latencies = w.Requests
	}
	return work
}

// benchmarkName makes a benchmark's name of the name of the result: a letter or a
// digit stays, and what may not stand in a name becomes an underscore.
func (r Result) benchmarkName() string {
	base := filepath.Base(r.options.Result)
	stem := strings.TrimSuffix(base, filepath.Ext(base))
	return "BenchmarkAnnotate/" + strings.Map(func(c rune) rune {
		if c > ' ' && c < 0x7f && !strings.ContainsRune(`/\"`, c) {
			return c
		}
		return '_'
	}, stem)
}
