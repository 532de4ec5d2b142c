package plot

import (
	"cmp"
	"encoding/json"
	"fmt"

	"github.com/joulebench/joulebench/powertest"
	"github.com/joulebench/joulebench/powertest/energy"
	"github.com/joulebench/joulebench/powertest/gate"
)

// reports draws traces and reports of meters: each, and if there are several their metrics
// against the keys of their names.
func (in *input) reports() {
	list := make([]powertest.Report, 1)
	if err := json.Unmarshal(in.text, &list[0]); err != nil {
		list = nil
		if err := json.Unmarshal(in.text, &list); err != nil {
			in.err = err
			return
		}
	}
	for _, r := range list {
		if r.SchemaVersion > powertest.SchemaVersion {
			in.err = fmt.Errorf("%w: its schema version is %d, and this release reads up to %d", energy.ErrMalformed, r.SchemaVersion, powertest.SchemaVersion)
			return
		}
		if r.Recording != nil {
			if in.err = r.Recording.Check(); in.err != nil {
				return
			}
		}
	}
	in.sections = OfReports(in.label, list...)
}

// OfReports draws several reports: their metrics against the keys of their names, and each.
func OfReports(name string, list ...powertest.Report) []Section {
	var sections []Section
	var points []point
	for _, r := range list {
		points = append(points, pointsOf(r)...)
		sections = append(sections, OfReport(r))
	}
	if figures := curves(points); len(figures) > 0 {
		sections = append([]Section{{Name: name, Figures: figures}}, sections...)
	}
	return sections
}

// recording draws an energy.Recording.
func (in *input) recording() {
	var r energy.Recording
	if in.err = json.Unmarshal(in.text, &r); in.err == nil {
		in.err = r.Check()
	}
	if in.err == nil {
		in.sections = []Section{OfRecording(in.label, r)}
	}
}

// OfRecording draws what a source has reported.
func OfRecording(name string, r energy.Recording) Section {
	p := powerOf(name, r, r.Base)
	p.fromZero()
	return Section{Name: name, Figures: []Figure{p}, Reasons: r.Findings}
}

// gateReport draws the JSON of a gate.
func (in *input) gateReport() {
	r, err := gate.ReadJSON(in.reader())
	if err != nil {
		in.err = err
		return
	}
	in.sections = []Section{OfGate(r, nil, nil)}
}

// samples draws a benchmark file by itself.
func (in *input) samples() {
	list, warnings, err := gate.ReadSamples(in.Gate, in.label, in.reader())
	if err != nil {
		in.err = err
		return
	}
	s := OfSamples(in.label, list, in.Gate.Units...)
	s.Notes = append(s.Notes, warnings...)
	in.sections = []Section{s}
}

// compare draws a benchmark file as the new side of a comparison.
func (in *input) compare(old *input) {
	r, err := gate.JudgeReaders(in.Gate, old.label, old.reader(), in.label, in.reader())
	before, _, errBefore := gate.ReadSamples(in.Gate, old.label, old.reader())
	after, _, errAfter := gate.ReadSamples(in.Gate, in.label, in.reader())
	if in.err = cmp.Or(err, errBefore, errAfter); in.err != nil {
		return
	}
	in.sections = []Section{OfGate(r, before, after)}
	in.sections[0].From = old.name + ", " + in.name
}

// validation draws what annotate has written beside a result.
func (in *input) validation() {
	var v struct {
		Result    string `json:"benchmark_result"`
		Powertest struct {
			Measurement *energy.Measurement `json:"measurement"`
			Findings    []energy.Finding    `json:"findings"`
			Notes       []string            `json:"notes"`
		} `json:"powertest"`
		Metrics map[string]*float64 `json:"metrics"`
	}
	if in.err = json.Unmarshal(in.text, &v); in.err != nil {
		return
	}
	name := cmp.Or(v.Result, in.label)
	s := Section{Name: name, Notes: []string{"nothing was measured"}}
	if m := v.Powertest.Measurement; m != nil {
		s = OfMeasurement(name, *m)
	}
	s.Reasons = v.Powertest.Findings
	s.Notes = append(s.Notes, v.Powertest.Notes...)
	in.sections = []Section{s}
}
