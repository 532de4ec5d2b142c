package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/joulebench/joulebench/internal/atomicfile"
	"github.com/joulebench/joulebench/internal/terminal"
	"github.com/joulebench/joulebench/powertest"
	"github.com/joulebench/joulebench/powertest/energy"
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
	if _, err := io.WriteString(w, s.settings()); err != nil {
		return fmt.Errorf("write the benchmark records: %w", err)
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

// settings are lines of configuration.
func (s *session) settings() string {
	model := terminal.Text(strings.Join(strings.Fields(s.model), " "))
	if s.embedded() {
		model = "embedded"
	}
	var b strings.Builder
	if model != "" {
		fmt.Fprintf(&b, "model: %s\n", model)
	}
	fmt.Fprintf(&b, "prompt-words: %d\nmax-tokens: %d\n", s.prompt, s.maxTokens)
	fmt.Fprintf(&b, "slo-ttft: %v\nslo-itl: %v\n", s.slo.ttft, s.slo.itl)
	if s.steady {
		b.WriteString("steady: true\n")
	}
	return b.String()
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

// column is a column of the table: its name, and its cell for a level.
type column struct {
	name string
	cell func(r result) string
}

var columns = []column{
	{"users", func(r result) string { return strconv.Itoa(r.users) }},
	{"requests", func(r result) string { return strconv.FormatInt(r.report.Work.Requests, 10) }},
	{"req/s", func(r result) string { return number("%.1f")(r.perSecond()) }},
	{"tokens/s", metric("tokens/s", "%.0f")},
	{"TTFT-p50-ms", func(r result) string { return millis(r.ttft, 0.5) }},
	{"TTFT-p99-ms", func(r result) string { return millis(r.ttft, 0.99) }},
	{"ITL-p50-ms", func(r result) string { return millis(r.gaps, 0.5) }},
	{"ITL-p99-ms", func(r result) string { return millis(r.gaps, 0.99) }},
	{"SLO-%", func(r result) string { return number("%.1f")(r.metPercent()) }},
	{"W", metric("W", "%.1f")},
	{"tokens/J", metric("tokens/J", "%.4g")},
	{"±%", metric("err-%", "%.2g")},
	{"goodput-tokens/J", metric("goodput-tokens/J", "%.4g")},
	{"J/token", metric("J/token", "%.4g")},
	{"prefill-J/req", metric("prefill-J/op", "%.4g")},
	{"decode-J/req", metric("decode-J/op", "%.4g")},
	{"cpu-J/req", metric("cpu-J/op", "%.4g")},
	{"dram-J/req", metric("dram-J/op", "%.4g")},
	{"all-J/req", metric("all-J/op", "%.4g")},
	{"all-tokens/J", metric("all-tokens/J", "%.4g")},
	{"errors", func(r result) string { return strconv.Itoa(r.failures) }},
}

// shownColumns returns the columns of a table: those of other kinds of devices than GPUs
// only where such were measured.
func shownColumns(results []result) []column {
	kinds := map[string]bool{}
	for _, r := range results {
		if m := r.report.Measurement; m != nil {
			for _, k := range m.Kinds {
				kinds[string(k.Kind)] = true
			}
		}
	}
	return slices.DeleteFunc(slices.Clone(columns), func(c column) bool {
		kind, _, found := strings.Cut(c.name, "-")
		return found && slices.Contains([]string{"cpu", "dram", "all"}, kind) && !kinds[kind]
	})
}

// unknown is the cell of a number that is not there.
const unknown = "-"

// number formats a number that may not be known.
func number(format string) func(v float64, known bool) string {
	return func(v float64, known bool) string {
		if !known {
			return unknown
		}
		return fmt.Sprintf(format, v)
	}
}

func metric(unit, format string) func(r result) string {
	return func(r result) string { return number(format)(r.report.Value(unit)) }
}

func millis(sorted []time.Duration, p float64) string {
	v, known := quantile(sorted, p)
	return number("%.1f")(float64(v)/float64(time.Millisecond), known)
}

// writeTable writes a row for each level, and the notes to them. No line is
// one of the benchmark format, so that both can be in one file.
func writeTable(w io.Writer, results []result) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	columns := shownColumns(results)
	for _, c := range columns {
		fmt.Fprintf(t, "%s\t", c.name)
	}
	fmt.Fprintln(t)
	for _, r := range results {
		for _, c := range columns {
			fmt.Fprintf(t, "%s\t", c.cell(r))
		}
		fmt.Fprintln(t)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	if i := slices.IndexFunc(results, func(r result) bool { return r.report.Valid() }); i >= 0 {
		var devices []energy.Device
		for _, d := range results[i].report.Measurement.AllDevices() {
			devices = append(devices, d.Device)
		}
		if _, err := fmt.Fprintf(w, "Note: %s\n", energy.NotCovered(devices)); err != nil {
			return err
		}
	}
	for _, r := range results {
		for _, note := range r.notes() {
			if _, err := fmt.Fprintf(w, "Note: users=%d: %s\n", r.users, terminal.Text(note)); err != nil {
				return err
			}
		}
	}
	return nil
}
