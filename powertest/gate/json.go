package gate

import (
	"encoding/json"
	"io"
	"math"
	"strings"
)

// jsonSchema is the version of what WriteJSON writes. Keys may be added without
// changing it.
const jsonSchema = 1

type jsonReport struct {
	SchemaVersion int          `json:"schema_version"`
	Outcome       string       `json:"outcome"`
	ExitCode      int          `json:"exit_code"`
	Headline      string       `json:"headline"`
	Reasons       []string     `json:"reasons"`
	Warnings      []string     `json:"warnings"`
	Old           *File        `json:"old"`
	New           File         `json:"new"`
	Alpha         float64      `json:"alpha,omitempty"`
	Family        int          `json:"family"`
	Rows          []jsonRow    `json:"rows"`
	Missing       []Absent     `json:"missing_benchmarks"`
	Added         []Absent     `json:"new_benchmarks"`
	Rejected      []Rejected   `json:"rejected_samples"`
	Faults        []Fault      `json:"faults"`
	Differences   []Difference `json:"differences"`
}

type jsonRow struct {
	Benchmark       string       `json:"benchmark"`
	Package         string       `json:"package,omitempty"`
	Unit            string       `json:"unit"`
	Config          string       `json:"config,omitempty"`
	Verdict         Verdict      `json:"verdict"`
	Why             string       `json:"why,omitempty"`
	Better          string       `json:"better,omitempty"`
	Exact           bool         `json:"exact,omitempty"`
	Old             *jsonSummary `json:"old,omitempty"`
	New             jsonSummary  `json:"new"`
	Test            Test         `json:"test,omitempty"`
	Pairs           int          `json:"pairs,omitempty"`
	Delta           number       `json:"delta,omitzero"`
	DeltaLow        number       `json:"delta_low,omitzero"`
	DeltaHigh       number       `json:"delta_high,omitzero"`
	Confidence      float64      `json:"confidence,omitempty"`
	P               number       `json:"p,omitzero"`
	PPaired         number       `json:"p_paired,omitzero"`
	PAdjusted       number       `json:"p_adjusted,omitzero"`
	Threshold       number       `json:"threshold,omitzero"`
	InstrumentError number       `json:"instrument_error,omitzero"`
	Unseen          number       `json:"unseen,omitzero"`
	Unbounded       bool         `json:"unseen_unbounded,omitempty"`
	MaxUnseen       number       `json:"max_unseen,omitzero"`
	Needed          int          `json:"needed_samples,omitempty"`
	Bound           string       `json:"bound,omitempty"`
	Limit           number       `json:"limit,omitzero"`
	Pooled          bool         `json:"pooled,omitempty"`
	Waived          *Waiver      `json:"waived,omitempty"`
}

type jsonSummary struct {
	Center float64 `json:"center"`
	Low    number  `json:"low,omitzero"`
	High   number  `json:"high,omitzero"`
	N      int     `json:"n"`

	Values []float64 `json:"values"`
	Runs   []int     `json:"runs,omitempty"`
}

// WriteJSON writes the report as one JSON object, as the package's documentation
// says under "JSON".
func (r *Report) WriteJSON(w io.Writer) error {
	doc := jsonReport{
		SchemaVersion: jsonSchema,
		Outcome:       r.Outcome.String(),
		ExitCode:      r.Outcome.ExitCode(),
		Headline:      r.Headline(),
		Reasons:       nonNil(r.Reasons),
		Warnings:      nonNil(r.Warnings),
		New:           r.NewFile,
		Alpha:         r.Alpha,
		Family:        r.Family,
		Rows:          make([]jsonRow, len(r.Rows)),
		Missing:       nonNil(r.Missing),
		Added:         nonNil(r.New),
		Rejected:      nonNil(r.Rejected),
		Faults:        nonNil(r.Faults),
		Differences:   nonNil(r.Differences),
	}
	if r.OldFile.Name != "" {
		doc.Old = &r.OldFile
	}
	for i := range r.Rows {
		doc.Rows[i] = r.Rows[i].json()
	}
	return writeJSON(w, doc)
}

// writeJSON writes an indented JSON object in which GitHub Actions finds no command.
func writeJSON(w io.Writer, doc any) error {
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(doc); err != nil {
		return err
	}
	_, err := io.WriteString(w, strings.ReplaceAll(b.String(), "##", `\u0023\u0023`)) // the same text
	return err
}

// nonNil makes an empty list of none: [] rather than null.
func nonNil[T any](l []T) []T {
	if l == nil {
		return []T{}
	}
	return l
}

func (r *Row) json() jsonRow {
	row := jsonRow{
		Benchmark: r.Benchmark, Package: r.Package, Unit: r.Unit, Config: r.Config,
		Verdict: r.Verdict, Why: r.Why, Exact: r.Exact,
		Better: map[int]string{-1: "lower", +1: "higher"}[r.Better],
		New:    r.New.json(),
		Test:   r.Test, Pairs: r.Pairs,
		Delta: number(r.Delta), DeltaLow: number(r.DeltaLow), DeltaHigh: number(r.DeltaHigh), Confidence: r.Confidence,
		P: number(r.P), PPaired: number(r.PPaired), PAdjusted: number(r.PAdjusted),
		Threshold: number(nan), InstrumentError: number(r.InstrumentError),
		Unseen: number(r.Unseen), Unbounded: math.IsInf(r.Unseen, 1), MaxUnseen: number(r.MaxUnseen), Needed: r.Needed,
		Bound: r.Bound, Limit: number(nan), Pooled: r.Pooled, Waived: r.Waived,
	}
	if r.Bound != "" {
		row.Limit = number(r.Limit)
	} else {
		before := r.Old.json()
		row.Old, row.Threshold = &before, number(r.Threshold)
	}
	return row
}

func (s Summary) json() jsonSummary {
	return jsonSummary{s.Center, number(s.Low), number(s.High), s.N, s.Values, s.Runs}
}

// number is left out if it is not one that JSON has.
type number float64

// IsZero implements the option omitzero.
func (n number) IsZero() bool { return math.IsNaN(float64(n)) || math.IsInf(float64(n), 0) }
