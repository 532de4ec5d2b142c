package gate

import (
	"fmt"
	"io"
	"math"
	"strings"
	"unicode/utf8"

	"github.com/joulebench/joulebench/internal/terminal"
)

// WriteText writes the plan as a table, with the reasons and notes.
func (s *SamplePlan) WriteText(w io.Writer) error {
	return printed(w, func(out io.Writer) {
		for _, reason := range s.Reasons {
			fmt.Fprintf(out, "CANNOT PLAN: %s\n", reason)
		}
		if len(s.Rows) > 0 {
			fmt.Fprintf(out, "%s: how many samples of each side a change needs, to be found in %.0f %% of runs\n"+
				"if its noise has no heavy tails, among %s at alpha %g, and a threshold below it (in brackets: how uncertain that is)\n\n",
				terminal.Line(s.File.Name), 100*Power, count(s.Family, "comparison"), s.Alpha)
			s.writeTable(out)
		}
		for i, warning := range s.Warnings {
			if i == 0 {
				fmt.Fprintln(out, "\nnote:")
			}
			fmt.Fprintf(out, "  %s\n", warning)
		}
	})
}

// writeTable writes two lines for each row, one for each test.
func (s *SamplePlan) writeTable(out io.Writer) {
	table := [][]string{{"benchmark", "unit", "samples", "noise", "by"}}
	for _, change := range s.Changes {
		table[0] = append(table[0], percent(change))
	}
	var notes []string // below each line
	for i := range s.Rows {
		r := &s.Rows[i]
		first := []string{r.Name(), terminal.Line(r.Unit), fmt.Sprint(r.N), r.noiseCell(r.Noise), "gate"}
		second := []string{"", "", "", r.noiseCell(r.PairNoise), "ab"}
		for k, change := range s.Changes {
			first = append(first, r.cell(r.Unpaired[k], r.Noise, change))
			second = append(second, r.cell(r.Paired[k], r.PairNoise, change))
		}
		table, notes = append(table, first, second), append(notes, "", r.note(s.Changes[0]))
	}
	widths := make([]int, len(table[0]))
	for _, line := range table {
		for c, cell := range line {
			widths[c] = max(widths[c], utf8.RuneCountInString(cell))
		}
	}
	for i, line := range table {
		var b strings.Builder
		for c, cell := range line {
			width := widths[c]
			if c < 2 || c == 4 {
				width = -width
			}
			fmt.Fprintf(&b, "%*s  ", width, cell)
		}
		fmt.Fprintln(out, strings.TrimRight(b.String(), " "))
		if i > 0 && notes[i-1] != "" {
			fmt.Fprintln(out, "    "+notes[i-1])
		}
	}
}

func (r *PlanRow) noiseCell(noise float64) string {
	switch {
	case r.Exact:
		return "exact"
	case math.IsNaN(noise):
		return "?"
	}
	return RoundedUp(noise)
}

// cell is a number of samples: "24 (14–60)".
func (r *PlanRow) cell(n Needed, noise, change float64) string {
	switch {
	case r.Exact:
		return "1"
	case n.Samples > 0 && n.High == 0:
		return fmt.Sprintf("%d (%d–)", n.Samples, n.Low)
	case n.Samples > 0:
		return fmt.Sprintf("%d (%d–%d)", n.Samples, n.Low, n.High)
	case math.IsNaN(noise):
		return "?"
	case change <= r.InstrumentError:
		return "never"
	}
	return fmt.Sprintf("over %d", most)
}

// fewToPlan is how many samples leave a plan uncertain by more than a factor of 3.
const fewToPlan = 10

// note is what limits a row: the instrument, or the samples that it is made of.
func (r *PlanRow) note(least float64) string {
	var parts []string
	if r.InstrumentError >= least {
		parts = append(parts, "the instrument's error of a comparison is "+RoundedUp(r.InstrumentError)+": run longer, with a larger -benchtime")
	}
	switch {
	case r.Exact:
	case math.IsNaN(r.Noise) && r.N >= 6:
		parts = append(parts, "a value is 0 or less, and has no ratio")
	case math.IsNaN(r.PairNoise):
		parts = append(parts, fmt.Sprintf("%s do not show how large the noise is: take %d", count(r.N, "sample"), fewToPlan))
	case r.N < fewToPlan:
		parts = append(parts, fmt.Sprintf("%s show the noise roughly: take %d", count(r.N, "sample"), fewToPlan))
	}
	return strings.Join(parts, "; ")
}

type jsonPlan struct {
	SchemaVersion int           `json:"schema_version"`
	File          File          `json:"file"`
	Alpha         float64       `json:"alpha"`
	Power         float64       `json:"power"`
	Family        int           `json:"family"`
	Changes       []float64     `json:"changes"`
	Rows          []jsonPlanRow `json:"rows"`
	Reasons       []string      `json:"reasons"`
	Warnings      []string      `json:"warnings"`
}

type jsonPlanRow struct {
	Benchmark       string       `json:"benchmark"`
	Package         string       `json:"package,omitempty"`
	Unit            string       `json:"unit"`
	Config          string       `json:"config,omitempty"`
	Exact           bool         `json:"exact,omitempty"`
	N               int          `json:"n"`
	Noise           number       `json:"noise,omitzero"`
	PairNoise       number       `json:"pair_noise,omitzero"`
	InstrumentError number       `json:"instrument_error,omitzero"`
	Unpaired        []jsonNeeded `json:"unpaired"`
	Paired          []jsonNeeded `json:"paired"`
}

type jsonNeeded struct {
	Change  float64 `json:"change"`
	Samples int     `json:"samples,omitempty"`
	Low     int     `json:"low,omitempty"`
	High    int     `json:"high,omitempty"`
}

// WriteJSON writes the plan as one JSON object, as the package's documentation says under
// "JSON".
func (s *SamplePlan) WriteJSON(w io.Writer) error {
	doc := jsonPlan{
		SchemaVersion: jsonSchema, File: s.File, Alpha: s.Alpha, Power: Power, Family: s.Family, Changes: s.Changes,
		Rows: []jsonPlanRow{}, Reasons: nonNil(s.Reasons), Warnings: nonNil(s.Warnings),
	}
	for i := range s.Rows {
		r := &s.Rows[i]
		row := jsonPlanRow{
			Benchmark: r.Benchmark, Package: r.Package, Unit: r.Unit, Config: r.Config, Exact: r.Exact, N: r.N,
			Noise: number(r.Noise), PairNoise: number(r.PairNoise), InstrumentError: number(r.InstrumentError),
		}
		for k, change := range s.Changes {
			n, p := r.Unpaired[k], r.Paired[k]
			row.Unpaired = append(row.Unpaired, jsonNeeded{change, n.Samples, n.Low, n.High})
			row.Paired = append(row.Paired, jsonNeeded{change, p.Samples, p.Low, p.High})
		}
		doc.Rows = append(doc.Rows, row)
	}
	return writeJSON(w, doc)
}
