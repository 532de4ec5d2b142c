package plot

import (
	"cmp"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/joulebench/joulebench/powertest"
	"github.com/joulebench/joulebench/powertest/energy"
	"github.com/joulebench/joulebench/powertest/gate"
)

// OfReport draws a report: its power over time, if it has a recording, as in a trace, the
// energy of its parts, and its numbers.
func OfReport(r powertest.Report) Section {
	name := cmp.Or(r.Name, "benchmark")
	if r.Measurement == nil {
		return Section{Name: name, Reasons: r.Reasons, Tables: []Table{metricTable(r)}, Notes: []string{"nothing was measured"}}
	}
	s := OfMeasurement(name, *r.Measurement, r.Phases...)
	if r.Recording != nil {
		p := powerOf(name, *r.Recording, r.Measurement.Start)
		p.bands(r)
		s.Figures = append([]Figure{p}, s.Figures...)
	}
	s.Tables = append([]Table{metricTable(r)}, s.Tables...)
	return s
}

// OfMeasurement draws a measurement that was made without a report, as that of a doctor or
// of annotate: the energy of its devices, kinds, roles and phases.
func OfMeasurement(name string, m energy.Measurement, phases ...powertest.PhaseReport) Section {
	s := Section{Name: name, Reasons: m.Reasons}
	parts := &Parts{Name: name, Unit: "J"}
	for _, d := range m.AllDevices() {
		parts.add(deviceName(d.Device), d.Valid, d.Energy, d.Reasons)
	}
	if len(m.Devices) > 1 {
		parts.add("sum", m.Valid, m.Energy, m.Reasons)
	}
	for _, r := range m.Roles {
		parts.add("role "+r.Role, r.Valid, r.Energy, nil)
	}
	for _, p := range phases {
		parts.add("phase "+p.Name, p.Measurement.Valid, p.Measurement.Energy, p.Measurement.Reasons)
	}
	if len(parts.Parts) > 1 {
		s.Figures = append(s.Figures, parts)
	}
	s.Tables = append(s.Tables, parts.table())
	var devices []energy.Device
	for _, d := range m.AllDevices() {
		devices = append(devices, d.Device)
	}
	if m.Source.Simulated {
		s.Notes = append(s.Notes, "The devices are simulated: no joule of this was used.")
	}
	for _, l := range m.LeftOut {
		s.Notes = append(s.Notes, "not measured: "+l.String())
	}
	s.Notes = append(s.Notes, energy.NotCovered(devices))
	return s
}

// add adds a part, or why it is withheld.
func (p *Parts) add(name string, valid bool, e energy.Estimate, reasons []energy.Finding) {
	part := Part{Name: name, Amount: e.Joules, Low: e.Low, High: e.High}
	if !valid {
		part.Amount, part.Low, part.High = math.NaN(), math.NaN(), math.NaN()
		part.Why = withholding(reasons)
	}
	p.Parts = append(p.Parts, part)
}

// withholding are the codes of the reasons that withhold a number.
func withholding(reasons []energy.Finding) string {
	var codes []string
	for _, c := range energy.Causes(reasons) {
		if c.Withholds() {
			codes = append(codes, string(c.Reason))
		}
	}
	return cmp.Or(strings.Join(codes, ", "), "withheld")
}

// table is the parts as text.
func (p *Parts) table() Table {
	t := Table{Title: "energy", Columns: []string{"of", p.Unit, "low", "high"}}
	for _, x := range p.Parts {
		row := []string{x.Name, digits(x.Amount), digits(x.Low), digits(x.High)}
		if x.Why != "" {
			row[1] = "withheld: " + x.Why
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}

// metricTable is the metrics of a report as text. The interval of what is divided by work,
// which is counted, is that of its energy.
func metricTable(r powertest.Report) Table {
	t := Table{Title: "metrics", Columns: []string{"metric", "value", "low", "high"}}
	for _, m := range r.Metrics {
		row := []string{m.Unit, digits(m.Value), "–", "–"}
		for _, unit := range gate.ErrorUnits(m.Unit) {
			if percent, ok := r.Value(unit); ok {
				half := math.Abs(m.Value) * percent / 100
				row[2], row[3] = digits(m.Value-half), digits(m.Value+half)
				break
			}
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}

// digits writes a number with six significant digits, and what is unknown as a dash.
func digits(x float64) string {
	if math.IsNaN(x) || math.IsInf(x, 0) {
		return "–"
	}
	return strconv.FormatFloat(x, 'g', 6, 64)
}

// bands adds the window and the phases of a report, before what went wrong.
func (p *Power) bands(r powertest.Report) {
	var list []Band
	add := func(kind BandKind, name string, m energy.Measurement, spans []energy.Span) {
		if len(spans) == 0 {
			spans = []energy.Span{{Start: m.Start, End: m.End}}
		}
		for _, s := range spans {
			list = append(list, Band{
				Kind: kind, Name: name, Label: label(m), Withheld: !m.Valid,
				From: p.edge(s.Start.Sub(p.Start)), To: p.edge(s.End.Sub(p.Start)),
			})
		}
	}
	add(Window, "window", *r.Measurement, r.Spans)
	for _, ph := range r.Phases {
		add(Phase, ph.Name, ph.Measurement, ph.Spans)
	}
	p.Bands = append(list, p.Bands...)
}

// label is what was measured, or why that is withheld.
func label(m energy.Measurement) string {
	if !m.Valid {
		return "withheld: " + withholding(m.Reasons)
	}
	j := scaleOf("J", m.Energy.Joules)
	return fmt.Sprintf("%.4g %s ± %.2g %%, %s", m.Energy.Joules/j.factor, j.unit, m.Energy.ErrPercent(), watts(m.Watts))
}
