package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/joulebench/joulebench/internal/atomicfile"
	"github.com/joulebench/joulebench/internal/terminal"
	"github.com/joulebench/joulebench/powertest"
	"github.com/joulebench/joulebench/powertest/energy"
	"github.com/joulebench/joulebench/powertest/plot"
)

// print writes the table, and the benchmark records if they go to standard output.
func (s *session) print() error {
	if len(s.results) == 0 {
		return nil
	}
	if err := writeTable(s.table, s.results, s.wide); err != nil {
		return fmt.Errorf("write the table: %w", err)
	}
	if s.bench != standard {
		return nil
	}
	return s.writeRecords(s.stdout)
}

// save writes the files that were asked for, with all levels so far: after each
// level, so that they are there however the run ends.
func (s *session) save() error {
	var list []error
	if s.bench != "" && s.bench != standard {
		list = append(list, atomicfile.Write(s.bench, s.writeRecords))
	}
	if s.json != "" {
		list = append(list, atomicfile.Write(s.json, s.writeReports))
	}
	list = append(list, s.page.Write(func() *plot.Page {
		return &plot.Page{Title: "loadgen", Sections: plot.OfReports("all levels", s.reports()...)}
	}))
	return errors.Join(list...)
}

// writeRecords writes the levels in the Go benchmark format, below what must be
// equal for two files to be comparable. A level to which no token came is none.
func (s *session) writeRecords(w io.Writer) error {
	if _, err := io.WriteString(w, s.settings()); err != nil {
		return fmt.Errorf("write the benchmark records: %w", err)
	}
	records := powertest.NewWriter(w)
	records.Digits = 6
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

// reports are those of the levels, in their order.
func (s *session) reports() []powertest.Report {
	list := []powertest.Report{}
	for _, r := range s.results {
		list = append(list, r.report)
	}
	return list
}

// writeReports writes everything that is known of the levels, as a JSON array.
func (s *session) writeReports(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "\t")
	return e.Encode(s.reports())
}

// column is a column of the table: its name, whether it is in wide tables only, and its
// cell for a level.
type column struct {
	name string
	wide bool
	cell func(r result) string
}

// columns are those of tables. What is in all of them fits into 80 columns of text.
var columns = []column{
	{"users", false, func(r result) string { return strconv.Itoa(r.users) }},
	{"requests", true, func(r result) string { return strconv.FormatInt(r.report.Work.Requests, 10) }},
	{"req/s", false, func(r result) string { return number("%.1f")(r.perSecond()) }},
	{"tokens/s", false, metric("tokens/s", "%.0f")},
	{"TTFT-p50-ms", true, func(r result) string { return millis(r.ttft, 0.5) }},
	{"TTFT-p99-ms", false, func(r result) string { return millis(r.ttft, 0.99) }},
	{"ITL-p50-ms", true, func(r result) string { return millis(r.gaps, 0.5) }},
	{"ITL-p99-ms", true, func(r result) string { return millis(r.gaps, 0.99) }},
	{"SLO-%", false, func(r result) string { return number("%.1f")(r.metPercent()) }},
	{"W", false, metric("W", "%.1f")},
	{"tokens/J", false, metric("tokens/J", "%.4g")},
	{"±%", false, metric("err-%", "%.2g")},
	{"goodput-tokens/J", true, metric("goodput-tokens/J", "%.4g")},
	{"J/token", true, metric("J/token", "%.4g")},
	{"prefill-J/req", true, metric("prefill-J/op", "%.4g")},
	{"decode-J/req", true, metric("decode-J/op", "%.4g")},
	{"cpu-J/req", true, metric("cpu-J/op", "%.4g")},
	{"dram-J/req", true, metric("dram-J/op", "%.4g")},
	{"all-J/req", true, metric("all-J/op", "%.4g")},
	{"all-tokens/J", true, metric("all-tokens/J", "%.4g")},
	{"errors", false, func(r result) string { return strconv.Itoa(r.failures) }},
}

// shownColumns returns the columns of a table: those of other kinds of devices than GPUs
// only where such were measured.
func shownColumns(results []result, wide bool) []column {
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
		return c.wide && !wide || found && slices.Contains([]string{"cpu", "dram", "all"}, kind) && !kinds[kind]
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

// note is a note to levels.
type note struct {
	text  string
	users []string // of the levels
	alike bool     // the numbers of others than the first differ
}

// numbers are those in a note, with what is written together with them.
var numbers = regexp.MustCompile(`[0-9][0-9.,a-zµ]*`)

// notesTo returns the notes to all levels, each cause once.
func notesTo(results []result) (list []note) {
	at := map[string]int{}
	for _, r := range results {
		users := strconv.Itoa(r.users)
		for _, text := range r.notes() {
			key := numbers.ReplaceAllString(text, "#")
			i, known := at[key]
			if !known {
				i = len(list)
				at[key] = i
				list = append(list, note{text: text})
			}
			n := &list[i]
			n.alike = n.alike || n.text != text
			if !slices.Contains(n.users, users) {
				n.users = append(n.users, users)
			}
		}
	}
	return list
}

// String is the note as a line.
func (n note) String() string {
	if n.alike && len(n.users) > 1 {
		return fmt.Sprintf("Note: users=%s: %s (alike with users=%s)", n.users[0], n.text, strings.Join(n.users[1:], ","))
	}
	return fmt.Sprintf("Note: users=%s: %s", strings.Join(n.users, ","), n.text)
}

// textColumns is how wide a note is, as most terminals are.
const textColumns = 80

// writeTable writes a row for each level, and the notes to them.
func writeTable(w io.Writer, results []result, wide bool) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	columns := shownColumns(results, wide)
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
		if _, err := io.WriteString(w, terminal.Wrap("Note: "+energy.NotCovered(devices), "  ", textColumns)); err != nil {
			return err
		}
	}
	for _, n := range notesTo(results) {
		if _, err := io.WriteString(w, terminal.Wrap(n.String(), "  ", textColumns)); err != nil {
			return err
		}
	}
	return nil
}
