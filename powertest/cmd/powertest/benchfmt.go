package main

import (
	"io"
	"path/filepath"
	"strings"
	"time"

	"github.com/joulebench/joulebench/powertest"
)

// benchmarkRecord writes the record in the Go benchmark format.
func (a *annotation) benchmarkRecord(w io.Writer) error {
	m := a.telemetry.measurement
	for _, f := range append(a.found[:len(a.found):len(a.found)], a.telemetry.found...) {
		m.Add(f)
	}
	return powertest.NewReport(a.benchmarkName(), a.work(), m).WriteBenchmark(w)
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
		Latency:      time.Duration(b.latency * float64(time.Second)),
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
