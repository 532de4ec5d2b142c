package gate

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"math"
)

// ReadJSON reads what [Report.WriteJSON] has written. Numbers that it leaves out are not
// numbers, or infinite, as they were. The error wraps [ErrInput].
func ReadJSON(r io.Reader) (*Report, error) {
	var doc jsonReport
	if err := json.NewDecoder(r).Decode(&doc); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrInput, err)
	}
	if doc.SchemaVersion > jsonSchema {
		return nil, fmt.Errorf("%w: its schema version is %d, and this release reads up to %d", ErrInput, doc.SchemaVersion, jsonSchema)
	}
	report := &Report{
		Reasons: doc.Reasons, Warnings: doc.Warnings, NewFile: doc.New, Missing: doc.Missing, New: doc.Added, Rejected: doc.Rejected,
		Faults: doc.Faults, Differences: doc.Differences, Family: doc.Family, Alpha: doc.Alpha, Outcome: CannotJudge,
	}
	for _, o := range []Outcome{Pass, Regression} {
		if doc.Outcome == o.String() {
			report.Outcome = o
		}
	}
	if doc.Old != nil {
		report.OldFile = *doc.Old
	}
	packages := map[string]map[string]bool{} // that have a benchmark
	for i := range doc.Rows {
		if err := cmp.Or(doc.Rows[i].New.check(), doc.Rows[i].Old.check()); err != nil {
			return nil, fmt.Errorf("%w: row %d: %w", ErrInput, i+1, err)
		}
		row := doc.Rows[i].row()
		if packages[row.Benchmark] == nil {
			packages[row.Benchmark] = map[string]bool{}
		}
		packages[row.Benchmark][row.Package] = true
		report.Rows = append(report.Rows, row)
	}
	for i := range report.Rows {
		if row := &report.Rows[i]; len(packages[row.Benchmark]) > 1 && row.Package != "" {
			row.label = row.Package + "." + row.Benchmark
		}
	}
	return report, nil
}

// row is the inverse of [Row.json].
func (r *jsonRow) row() Row {
	row := Row{
		Benchmark: r.Benchmark, Package: r.Package, Unit: r.Unit, Config: r.Config, Verdict: r.Verdict, Why: r.Why, Exact: r.Exact,
		Better: map[string]int{"lower": -1, "higher": +1}[r.Better], New: r.New.summary(),
		Test: r.Test, Pairs: r.Pairs, Confidence: r.Confidence,
		Delta: float64(r.Delta), DeltaLow: float64(r.DeltaLow), DeltaHigh: float64(r.DeltaHigh),
		P: float64(r.P), PPaired: float64(r.PPaired), PAdjusted: float64(r.PAdjusted), Threshold: float64(r.Threshold),
		Unseen: float64(r.Unseen), MaxUnseen: float64(r.MaxUnseen), Needed: r.Needed,
		InstrumentError: float64(r.InstrumentError), Bound: r.Bound, Limit: float64(r.Limit), Pooled: r.Pooled, Waived: r.Waived,
	}
	if r.Old != nil {
		row.Old = r.Old.summary()
	}
	if r.Unbounded {
		row.Unseen = math.Inf(1)
	}
	return row
}

// maxRun is the largest number of a run.
const maxRun = 1e9

// check returns an error unless the runs, if there are any, are those of the values.
func (s *jsonSummary) check() error {
	if s == nil || s.Runs == nil {
		return nil
	}
	if len(s.Runs) != len(s.Values) {
		return fmt.Errorf("it has %d runs of %d values", len(s.Runs), len(s.Values))
	}
	for _, run := range s.Runs {
		if run < 1 || run > maxRun {
			return fmt.Errorf("run %d is not from 1 to %.0f", run, maxRun)
		}
	}
	return nil
}

func (s *jsonSummary) summary() Summary {
	return Summary{Center: s.Center, Low: float64(s.Low), High: float64(s.High), N: s.N, Values: s.Values, Runs: s.Runs}
}

// UnmarshalJSON implements json.Unmarshaler.
func (r *jsonRow) UnmarshalJSON(text []byte) error {
	type plain jsonRow
	absent := number(nan)
	*r = jsonRow{
		Delta: absent, DeltaLow: number(math.Inf(-1)), DeltaHigh: number(math.Inf(1)), P: absent, PPaired: absent, PAdjusted: absent,
		Threshold: absent, InstrumentError: absent, Unseen: absent, MaxUnseen: absent, Limit: absent,
	}
	return json.Unmarshal(text, (*plain)(r))
}

// UnmarshalJSON implements json.Unmarshaler.
func (s *jsonSummary) UnmarshalJSON(text []byte) error {
	type plain jsonSummary
	*s = jsonSummary{Low: number(math.Inf(-1)), High: number(math.Inf(1))}
	return json.Unmarshal(text, (*plain)(s))
}
