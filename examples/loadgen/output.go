package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/joulebench/joulebench/internal/atomicfile"
	"github.com/joulebench/joulebench/powertest"
)

// print writes the table, and the benchmark records unless they are in a file.
func (s *session) print() error {
	if len(s.results) == 0 {
		return nil
	}
	if err := writeTable(s.stdout, s.results); err != nil {
		return fmt.Errorf("write the table: %w", err)
	}
	if s.bench != "" {
		return nil
	}
	if _, err := fmt.Fprintln(s.stdout); err != nil {
		return fmt.Errorf("write the benchmark records: %w", err)
	}
	return s.writeRecords(s.stdout)
}

// save writes the files that were asked for, with all levels so far: after each
// level, so that they are there however the run ends.
func (s *session) save() error {
	var list []error
	if s.bench != "" {
		list = append(list, atomicfile.Write(s.bench, s.writeRecords))
	}
	if s.json != "" {
		list = append(list, atomicfile.Write(s.json, s.writeReports))
	}
	return errors.Join(list...)
}

// writeRecords writes the levels in the Go benchmark format, below what must be
// equal for two files to be comparable. A level to which no token came is none.
func (s *session) writeRecords(w io.Writer) error {
	for _, c := range s.settings() {
		if c.value == "" {
			continue
		}
		if _, err := fmt.Fprintf(w, "%s: %s\n", c.key, c.value); err != nil {
			return fmt.Errorf("write the benchmark records: %w", err)
		}
	}
	records := powertest.NewWriter(w)
	for _, r := range s.results {
		if r.report.Work.OutputTokens == 0 {
			continue
		}
		if err := records.Write(r.report); err != nil && !errors.Is(err, powertest.ErrNoNumbers) {
			return err
		}
	}
	return nil
}

type setting struct{ key, value string }

func (s *session) settings() []setting {
	list := []setting{
		{"model", strings.Join(strings.Fields(s.model), " ")},
		{"prompt-words", strconv.Itoa(s.prompt)},
		{"max-tokens", strconv.Itoa(s.maxTokens)},
		{"slo-ttft", s.slo.ttft.String()},
		{"slo-itl", s.slo.itl.String()},
	}
	if s.embedded() {
		list[0].value = "embedded"
	}
	if s.steady {
		list = append(list, setting{"steady", "true"})
	}
	return list
}

// writeReports writes everything that is known of the levels, as a JSON array.
func (s *session) writeReports(w io.Writer) error {
	reports := []powertest.Report{}
	for _, r := range s.results {
		reports = append(reports, r.report)
	}
	e := json.NewEncoder(w)
	e.SetIndent("", "\t")
	return e.Encode(reports)
}
