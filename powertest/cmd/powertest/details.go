package main

import (
	"math"
	"runtime/debug"

	"github.com/joulebench/joulebench/powertest/energy"
)

// detailsJSON is what a sidecar has beyond InferenceX's: the intervals, where the
// readings came from, and the reasons in words.
type detailsJSON struct {
	Version string       `json:"version"`
	Source  sourceJSON   `json:"source"`
	Energy  *amountJSON  `json:"energy"`
	Watts   *real        `json:"watts"`
	Devices []deviceJSON `json:"devices"`
	Roles   []roleJSON   `json:"roles,omitempty"`
	// Aiperf are the metrics of aiperf, ours and theirs.
	Aiperf []comparisonJSON `json:"aiperf,omitempty"`
	// Marks are the reasons that do not make the power invalid.
	Marks    []energy.Reason  `json:"marks"`
	Findings []energy.Finding `json:"findings"`
	Notes    []string         `json:"notes,omitempty"`
}

type sourceJSON struct {
	Name      string `json:"name,omitempty"`
	Version   string `json:"version,omitempty"`
	Simulated bool   `json:"simulated"`
	WaitedS   real   `json:"waited_s"`
}

// amountJSON is an amount of energy and the interval of at least 95 %.
type amountJSON struct {
	Joules     real `json:"joules"`
	Low        real `json:"low"`
	High       real `json:"high"`
	ErrPercent real `json:"err_percent"`
}

type deviceJSON struct {
	ID      string      `json:"id"`
	UUID    string      `json:"uuid"`
	Name    string      `json:"name,omitempty"`
	Host    string      `json:"host,omitempty"`
	Role    string      `json:"role,omitempty"`
	Method  string      `json:"method"`
	Via     string      `json:"via,omitempty"`
	PeriodS real        `json:"period_s,omitempty"`
	Samples int         `json:"samples_in_window"`
	Energy  *amountJSON `json:"energy"`
	Watts   *real       `json:"watts"`
}

type roleJSON struct {
	Role   string      `json:"role"`
	GPUs   int         `json:"gpus"`
	Energy *amountJSON `json:"energy"`
	Watts  *real       `json:"watts"`
}

// comparisonJSON is one of aiperf's metrics: ours is null if it is withheld or
// unknown, and theirs if the export does not tell it.
type comparisonJSON struct {
	Name   string `json:"name"`
	Unit   string `json:"unit"`
	Ours   *real  `json:"powertest"`
	Theirs *real  `json:"aiperf"`
}

// amount returns an estimate, nil if it is withheld.
func amount(e energy.Estimate, valid bool) *amountJSON {
	if !valid {
		return nil
	}
	return &amountJSON{Joules: real(e.Joules), Low: real(e.Low), High: real(e.High), ErrPercent: real(e.ErrPercent())}
}

// number returns a number, nil if it is withheld or unknown.
func number(x float64, known bool) *real {
	if !known || !finite(x) {
		return nil
	}
	r := real(x)
	return &r
}

// details gathers them.
func (a *annotation) details() detailsJSON {
	t, m := a.telemetry, a.telemetry.measurement
	d := detailsJSON{
		Version:  version(),
		Source:   sourceJSON{Name: m.Source.Name, Version: m.Source.Version, Simulated: m.Source.Simulated, WaitedS: rounded(m.Waited.Seconds(), 3)},
		Energy:   amount(m.Energy, m.Valid),
		Watts:    number(m.Watts, m.Valid),
		Devices:  []deviceJSON{},
		Findings: a.allFindings(),
		Aiperf:   a.comparison(),
	}
	_, d.Marks = verdict(d.Findings)
	if d.Findings == nil {
		d.Findings = []energy.Finding{}
	}
	if a.workload != nil {
		d.Notes = a.workload.notes
	}
	for _, dm := range m.Devices {
		d.Devices = append(d.Devices, deviceJSON{
			ID: t.id(dm.Device.UUID), UUID: dm.Device.UUID, Name: dm.Device.Name, Host: dm.Device.Host, Role: dm.Device.Role,
			Method: dm.Device.Method.String(), Via: dm.Device.Metric, PeriodS: real(dm.Period.Seconds()), Samples: dm.Ticks,
			Energy: amount(dm.Energy, dm.Valid), Watts: number(dm.Watts, dm.Valid),
		})
	}
	for _, r := range m.Roles {
		d.Roles = append(d.Roles, roleJSON{Role: r.Role, GPUs: r.Devices, Energy: amount(r.Energy, r.Valid), Watts: number(r.Watts, r.Valid)})
	}
	return d
}

// comparison computes aiperf's metrics, where the result is one of aiperf.
func (a *annotation) comparison() []comparisonJSON {
	if a.aiperf == "" || a.workload == nil {
		return nil
	}
	valid := len(a.metrics) > 0
	in := efficiencyOf(a.workload, a.telemetry.measurement.Energy.Joules, valid)
	var list []comparisonJSON
	for _, e := range efficiencies {
		theirs, told := a.workload.told[e.name]
		if !told {
			theirs.value = math.NaN()
		}
		list = append(list, comparisonJSON{Name: e.name, Unit: e.unit, Ours: number(e.value(in), true), Theirs: number(theirs.value, told)})
	}
	return list
}

// version is the version of this command.
func version() string {
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "(devel)"
}
