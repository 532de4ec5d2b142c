package gate

import (
	"encoding/json"
	"io"
	"math"
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
	Unit            string       `json:"unit"`
	Config          string       `json:"config,omitempty"`
	Verdict         Verdict      `json:"verdict"`
	Why             string       `json:"why,omitempty"`
	Better          string       `json:"better,omitempty"`
	Exact           bool         `json:"exact,omitempty"`
	Old             *jsonSummary `json:"old,omitempty"`
	New             jsonSummary  `json:"new"`
	Delta           *float64     `json:"delta,omitempty"`
	P               *float64     `json:"p,omitempty"`
	PAdjusted       *float64     `json:"p_adjusted,omitempty"`
	Threshold       *float64     `json:"threshold,omitempty"`
	InstrumentError *float64     `json:"instrument_error,omitempty"`
	Bound           string       `json:"bound,omitempty"`
	Limit           *float64     `json:"limit,omitempty"`
	Pooled          bool         `json:"pooled,omitempty"`
	Waived          *Waiver      `json:"waived,omitempty"`
}

type jsonSummary struct {
	Center float64  `json:"center"`
	Low    *float64 `json:"low,omitempty"`
	High   *float64 `json:"high,omitempty"`
	N      int      `json:"n"`
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
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(doc)
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
		Benchmark: r.Benchmark, Unit: r.Unit, Config: r.Config,
		Verdict: r.Verdict, Why: r.Why, Exact: r.Exact,
		New:   r.New.json(),
		Delta: finite(r.Delta), P: finite(r.P), PAdjusted: finite(r.PAdjusted),
		InstrumentError: finite(r.InstrumentError),
		Bound:           r.Bound, Pooled: r.Pooled, Waived: r.Waived,
	}
	switch r.Better {
	case -1:
		row.Better = "lower"
	case +1:
		row.Better = "higher"
	}
	if r.Bound != "" {
		row.Limit = finite(r.Limit)
	} else {
		before := r.Old.json()
		row.Old, row.Threshold = &before, finite(r.Threshold)
	}
	return row
}

func (s Summary) json() jsonSummary {
	return jsonSummary{Center: s.Center, Low: finite(s.Low), High: finite(s.High), N: s.N}
}

// finite is a number that JSON can say; nil for others.
func finite(x float64) *float64 {
	if math.IsNaN(x) || math.IsInf(x, 0) {
		return nil
	}
	return &x
}
