package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/joulebench/joulebench/powertest"
)

// writeBenchfmt writes the record in the Go benchmark format. A file is emptied
// where there are no numbers: it must not hold those of another run.
func (a *annotation) writeBenchfmt() error {
	if a.benchfmt == "-" {
		return a.benchmarkRecord(a.std.out)
	}
	f, err := os.Create(a.benchfmt)
	if err != nil {
		return fmt.Errorf("-benchfmt: %w", err)
	}
	return errors.Join(a.benchmarkRecord(f), f.Close())
}

// benchmarkRecord writes the record, or nothing if there are no numbers.
func (a *annotation) benchmarkRecord(w io.Writer) error {
	m := a.telemetry.measurement
	m.Devices, m.Roles = slices.Clone(m.Devices), slices.Clone(m.Roles) // Add changes them
	for _, f := range slices.Concat(a.found, a.telemetry.found) {
		if f.Reason != aggregateMissing && f.Reason != aggregateUnwritable { // this is another file
			m.Add(f)
		}
	}
	err := powertest.NewReport(a.benchmarkName(), a.work(), m).WriteBenchmark(w)
	if errors.Is(err, powertest.ErrNoNumbers) {
		return nil // why is in the sidecar
	}
	return err
}

// work is what the energy is divided by, as package powertest counts it.
func (a *annotation) work() powertest.Work {
	b := a.workload
	if b == nil {
		return powertest.Work{}
	}
	return powertest.Work{
		Ops:          b.requests,
		Requests:     b.requests,
		PromptTokens: b.input,
		OutputTokens: b.output,
		Users:        b.users,
		Elapsed:      b.end.Sub(b.start),
		Latency:      time.Duration(b.latency * float64(b.requests) * float64(time.Second)),
		Latencies:    b.latencies(),
	}
}

// benchmarkName makes a benchmark's name of the name of the result: a letter or a
// digit stays, and what may not stand in a name becomes an underscore.
func (a *annotation) benchmarkName() string {
	base := filepath.Base(a.result())
	stem := strings.TrimSuffix(base, filepath.Ext(base))
	return "BenchmarkAnnotate/" + strings.Map(func(r rune) rune {
		if r > ' ' && r < 0x7f && !strings.ContainsRune(`/\"`, r) {
			return r
		}
		return '_'
	}, stem)
}
