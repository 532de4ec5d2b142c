package annotate

import (
	"bytes"
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/joulebench/joulebench/internal/metrictable"
	"github.com/joulebench/joulebench/powertest/energy"
)

// WriteTable writes for a person what was measured, and what was not and why. The
// error is that of the writer.
func (r Result) WriteTable(out io.Writer) error {
	var b bytes.Buffer
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	r.writeWindow(w)
	r.writeSource(w)
	r.writeEnergy(w)
	w.Flush()
	r.writeComparison(&b)
	for _, f := range r.Findings {
		what := "invalid"
		if !spoils(f.Reason) {
			what = "marked"
		}
		fmt.Fprintf(&b, "%s: %s\n", what, r.inWords(f))
	}
	for _, note := range r.Workload.Notes {
		fmt.Fprintf(&b, "note: %s\n", note)
	}
	_, err := b.WriteTo(out)
	return err
}

func (r Result) writeWindow(w io.Writer) {
	b := r.Workload
	if !b.HasWindow() {
		fmt.Fprintf(w, "window\tunknown\n")
		return
	}
	fmt.Fprintf(w, "window\t%v from %s\n", b.End.Sub(b.Start), b.Start.UTC().Format(time.RFC3339Nano))
	fmt.Fprintf(w, "work\t%d requests, %d input and %d output tokens", b.Requests, b.InputTokens, b.OutputTokens)
	if b.Concurrency > 0 {
		fmt.Fprintf(w, ", concurrency %d", b.Concurrency)
	}
	fmt.Fprintln(w)
}

func (r Result) writeSource(w io.Writer) {
	t := r.telemetry
	fmt.Fprintf(w, "source\t%s", t.where)
	if r.Measurement.Source.Simulated {
		fmt.Fprint(w, " (SIMULATED)")
	}
	fmt.Fprintln(w)
	if !r.Measured {
		return
	}
	switch want := r.options.ExpectedGPUs; {
	case want == nil:
		fmt.Fprintf(w, "GPUs\t%d seen; -gpus says how many there should be\n", t.observed())
	case *want > 0:
		fmt.Fprintf(w, "GPUs\t%d of %d\n", t.observed(), *want)
	default: // a finding says that the number is wrong
		fmt.Fprintf(w, "GPUs\t%d seen\n", t.observed())
	}
}

// writeEnergy writes the metrics, or that they are withheld. The interval is that
// of the energy, and the other numbers are known as well as it is.
func (r Result) writeEnergy(w io.Writer) {
	if len(r.Metrics) == 0 {
		fmt.Fprintf(w, "energy\twithheld\n")
		return
	}
	e := r.Measurement.Energy
	fmt.Fprintf(w, "energy\t%s J ± %s %% (%s to %s J)\n", digits(e.Joules), strconv.FormatFloat(e.ErrPercent(), 'g', 2, 64), digits(e.Low), digits(e.High))
	for _, m := range r.Metrics {
		if m.Key == "total_gpu_energy_j" {
			continue // the line above
		}
		name := strings.TrimSuffix(strings.TrimSuffix(m.Key, "_w"), "_j")
		fmt.Fprintf(w, "%s\t%s %s\n", strings.ReplaceAll(name, "_", " "), digits(m.Value), m.Unit)
	}
}

// digits writes a number with six significant digits, and what is unknown as a dash.
func digits(x float64) string {
	if !metrictable.Finite(x) {
		return "-"
	}
	return strconv.FormatFloat(x, 'g', 6, 64)
}

// writeComparison writes aiperf's metrics, ours beside theirs.
func (r Result) writeComparison(out io.Writer) {
	if r.Comparison == nil {
		return
	}
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "\naiperf's metrics\tpowertest\taiperf\tunit\n")
	for _, c := range r.Comparison {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", c.Name, digits(c.Ours), digits(c.Theirs), c.Unit)
	}
	w.Flush()
}

// inWords is a finding with the name that the source has for the GPU.
func (r Result) inWords(f energy.Finding) string {
	s := string(f.Reason)
	if f.Device != "" {
		s += " (GPU " + r.telemetry.id(f.Device) + ")"
	}
	if f.Detail != "" {
		s += ": " + strings.ReplaceAll(f.Detail, "\n", "\n  ") // what to do, under what was found
	}
	return s
}
