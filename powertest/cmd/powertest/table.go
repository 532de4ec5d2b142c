package main

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/joulebench/joulebench/powertest/energy"
)

// writeTable tells a person what was measured, and what was not and why.
func (a *annotation) writeTable(out io.Writer) {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	a.tellWindow(w)
	a.tellSource(w)
	a.tellEnergy(w)
	w.Flush()
	a.tellComparison(out)
	for _, f := range a.allFindings() {
		what := "invalid"
		if !spoils(f.Reason) {
			what = "marked"
		}
		fmt.Fprintf(out, "%s: %s\n", what, a.inWords(f))
	}
	if a.workload != nil {
		for _, note := range a.workload.notes {
			fmt.Fprintf(out, "note: %s\n", note)
		}
	}
}

func (a *annotation) tellWindow(w io.Writer) {
	b := a.workload
	if b == nil {
		fmt.Fprintf(w, "window\tunknown\n")
		return
	}
	fmt.Fprintf(w, "window\t%v from %s\n", b.end.Sub(b.start), b.start.UTC().Format(time.RFC3339Nano))
	fmt.Fprintf(w, "work\t%d requests, %d input and %d output tokens", b.requests, b.input, b.output)
	if b.users > 0 {
		fmt.Fprintf(w, ", concurrency %d", b.users)
	}
	fmt.Fprintln(w)
}

func (a *annotation) tellSource(w io.Writer) {
	t := a.telemetry
	fmt.Fprintf(w, "source\t%s", t.where)
	if t.measurement.Source.Simulated {
		fmt.Fprint(w, " (SIMULATED)")
	}
	fmt.Fprintln(w)
	if !t.measured {
		return
	}
	switch {
	case a.countGPUs && a.gpus > 0:
		fmt.Fprintf(w, "GPUs\t%d of %d\n", t.observed(), a.gpus)
	case a.countGPUs: // by a number that is wrong, which a finding tells
		fmt.Fprintf(w, "GPUs\t%d seen\n", t.observed())
	default:
		fmt.Fprintf(w, "GPUs\t%d seen; -gpus says how many there should be\n", t.observed())
	}
}

// tellEnergy tells the metrics, or that they are withheld. The interval is that
// of the energy, and the other numbers are known as well as it is.
func (a *annotation) tellEnergy(w io.Writer) {
	if len(a.metrics) == 0 {
		fmt.Fprintf(w, "energy\twithheld\n")
		return
	}
	e := a.telemetry.measurement.Energy
	fmt.Fprintf(w, "energy\t%s J ± %s %% (%s to %s J)\n", digits(e.Joules), strconv.FormatFloat(e.ErrPercent(), 'g', 2, 64), digits(e.Low), digits(e.High))
	for _, m := range a.metrics {
		if m.key != "total_gpu_energy_j" {
			name, unit := humanName(m.key)
			fmt.Fprintf(w, "%s\t%s %s\n", name, digits(m.value), unit)
		}
	}
}

// humanName splits the key of a metric into a name and a unit.
func humanName(key string) (name, unit string) {
	switch {
	case strings.HasSuffix(key, "_w"):
		key, unit = strings.TrimSuffix(key, "_w"), "W"
	case strings.HasSuffix(key, "_j"):
		key, unit = strings.TrimSuffix(key, "_j"), "J"
	default:
		unit = "J"
	}
	return strings.ReplaceAll(key, "_", " "), unit
}

// digits writes a number with six significant digits.
func digits(x float64) string { return strconv.FormatFloat(x, 'g', 6, 64) }

// tellComparison tells aiperf's metrics, ours beside theirs.
func (a *annotation) tellComparison(out io.Writer) {
	list := a.comparison()
	if list == nil {
		return
	}
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "\naiperf's metrics\tpowertest\taiperf\tunit\n")
	for _, c := range list {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", c.Name, orDash(c.Ours), orDash(c.Theirs), c.Unit)
	}
	w.Flush()
}

func orDash(r *real) string {
	if r == nil {
		return "-"
	}
	return digits(float64(*r))
}

// inWords is a finding with the name that the source has for the GPU.
func (a *annotation) inWords(f energy.Finding) string {
	s := string(f.Reason)
	if f.Device != "" {
		s += " (GPU " + a.telemetry.id(f.Device) + ")"
	}
	if f.Detail != "" {
		s += ": " + f.Detail
	}
	return s
}

// joinReasons lists reason codes.
func joinReasons(reasons []energy.Reason) string {
	list := make([]string, len(reasons))
	for i, r := range reasons {
		list[i] = string(r)
	}
	return strings.Join(list, ", ")
}
