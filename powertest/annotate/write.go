package annotate

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/joulebench/joulebench/internal/metrictable"
	"github.com/joulebench/joulebench/internal/terminal"
	"github.com/joulebench/joulebench/powertest"
	"github.com/joulebench/joulebench/powertest/energy"
)

// WriteTable writes for a person what was measured, and what was not and why. The
// error is that of the writer.
func (r Result) WriteTable(out io.Writer) error {
	var b bytes.Buffer
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	invalid, cost := "invalid", r.cost()
	if r.options.alone() {
		if len(r.options.Command) > 0 {
			b.WriteByte('\n') // below what the command has written
		}
		invalid = "withheld"
		r.writeAlone(w, cost)
		r.writeDevices(&b)
	} else {
		r.writeWindow(w)
		r.writeSource(w)
		r.writeEnergy(w)
		writeCost(w, cost)
		r.writeKinds(w)
		w.Flush()
		r.writeComparison(&b)
	}
	if r.Measurement.Valid && r.Valid() {
		fmt.Fprintf(&b, "%s\n", energy.NotCovered(r.devices()))
	}
	if cost != nil {
		fmt.Fprintln(&b, cost.Price.NotCovered(cost.Of))
	}
	for _, c := range r.causes() {
		what := invalid
		if !r.spoils(c.Finding) {
			what = "marked"
		}
		fmt.Fprintf(&b, "%s: %s\n", what, r.inWords(c))
	}
	if r.tooShort() {
		fmt.Fprintf(&b, "%s\n", r.longer())
	}
	for _, note := range slices.Concat(r.Workload.Notes, r.serverNotes()) {
		fmt.Fprintf(&b, "note: %s\n", note)
	}
	_, err := io.WriteString(out, terminal.Text(b.String()))
	return err
}

func (r Result) writeWindow(w io.Writer) {
	b := r.Workload
	if !b.HasWindow() {
		fmt.Fprintf(w, "window\tunknown\n")
		return
	}
	fmt.Fprintf(w, "window\t%v from %s", b.End.Sub(b.Start).Round(time.Millisecond), b.Start.UTC().Format("2006-01-02T15:04:05.999Z07:00"))
	if from := b.Origin.String(); from != "" {
		fmt.Fprintf(w, "; %s", from)
	}
	fmt.Fprintf(w, "\nwork\t%s\n", b.describe())
	r.writeServer(w)
}

// describe says what was done, and what the result does not say of it.
func (w Workload) describe() string {
	known := func(n int64) string {
		if n == 0 {
			return "unknown"
		}
		return strconv.FormatInt(n, 10)
	}
	s := fmt.Sprintf("%s requests, %s input and %s output tokens", known(w.Requests), known(w.InputTokens), known(w.OutputTokens))
	if w.Concurrency > 0 {
		s += fmt.Sprintf(", concurrency %d", w.Concurrency)
	}
	if w.Rate > 0 {
		s += fmt.Sprintf(", %.4g requests/s", w.Rate)
	}
	if w.Harness != "" {
		s += ", by " + w.Harness
	}
	if w.Model != "" {
		s += " of " + w.Model
	}
	return s
}

// writeOrigin writes where the readings are from, and by which profiles they were measured.
func (r Result) writeOrigin(w io.Writer) {
	fmt.Fprintf(w, "source\t%s", r.telemetry.where)
	if r.Measurement.Source.Simulated {
		fmt.Fprint(w, " (SIMULATED)")
	}
	fmt.Fprintln(w)
	if profiles := r.profiles(); profiles != "" {
		fmt.Fprintf(w, "calibration\tby the profile %s\n", profiles)
	}
}

func (r Result) writeSource(w io.Writer) {
	r.writeOrigin(w)
	switch want := r.options.ExpectedGPUs; {
	case !r.Measured:
	case want == nil:
		fmt.Fprintf(w, "GPUs\t%d seen; -gpus says how many there should be\n", r.telemetry.observed())
	case *want > 0:
		fmt.Fprintf(w, "GPUs\t%d of %d\n", r.telemetry.observed(), *want)
	default: // a finding says that the number is wrong
		fmt.Fprintf(w, "GPUs\t%d seen\n", r.telemetry.observed())
	}
}

func (r Result) devices() (list []energy.Device) {
	for _, d := range r.Measurement.AllDevices() {
		list = append(list, d.Device)
	}
	return list
}

// profiles are the profiles by which the devices were measured; empty if by none.
func (r Result) profiles() string {
	var list []string
	for _, d := range r.devices() {
		if c := d.Calibration; c != nil && !slices.Contains(list, c.Profile) {
			list = append(list, c.Profile)
		}
	}
	return strings.Join(list, ", ")
}

// writeEnergy writes the metrics, or that they are withheld. The interval is that
// of the energy, and the other numbers are known as well as it is.
func (r Result) writeEnergy(w io.Writer) {
	if len(r.Metrics) == 0 {
		fmt.Fprintf(w, "energy\twithheld\n")
		return
	}
	fmt.Fprintf(w, "energy\t%s\n", inJoules(r.Measurement.Energy))
	for _, m := range r.Metrics {
		if m.Key == "total_gpu_energy_j" {
			continue // the line above
		}
		name := strings.TrimSuffix(strings.TrimSuffix(m.Key, "_w"), "_j")
		fmt.Fprintf(w, "%s\t%s %s\n", strings.ReplaceAll(name, "_", " "), digits(m.Value), m.Unit)
	}
}

// inJoules writes an energy with its interval.
func inJoules(e energy.Estimate) string {
	return fmt.Sprintf("%s J ± %.2g %% (%s to %s J)", digits(e.Joules), e.ErrPercent(), digits(e.Low), digits(e.High))
}

// writeKinds writes which kinds of devices have no number, beside those whose metrics are
// above, and why.
func (r Result) writeKinds(w io.Writer) {
	for _, k := range r.Measurement.Kinds {
		if k.Valid {
			continue
		}
		var why []string
		for _, c := range energy.Causes(k.Reasons) {
			why = append(why, strings.ReplaceAll(c.String(), "\n", " "))
		}
		fmt.Fprintf(w, "%s energy\twithheld: %s\n", k.Kind, strings.Join(why, "; "))
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

// inWords is a cause with the names that the source has for the GPUs, and what to do
// under what was found.
func (r Result) inWords(c energy.Cause) string {
	c.Detail = strings.Replace(c.Detail, string(c.Reason)+": ", "", 1) // the error of a source says it, too
	all := r.devices()
	line := c.Line(func(uuid string) string {
		if of := slices.IndexFunc(all, func(d energy.Device) bool { return d.UUID == uuid }); of >= 0 && r.options.alone() {
			return all[of].Title()
		}
		name := r.telemetry.id(uuid)
		if !strings.HasPrefix(name, "GPU-") {
			name = "GPU " + name
		}
		return name
	})
	return strings.ReplaceAll(line, "\n", "\n  ")
}

// WriteBenchmark writes a record in the Go benchmark format, for benchstat, or
// nothing if there are no numbers. The error is that of the writer.
func (r Result) WriteBenchmark(w io.Writer) error {
	err := r.Report().WriteBenchmark(w)
	if errors.Is(err, powertest.ErrNoNumbers) {
		return nil // why is in the validation file
	}
	return err
}

// WriteJSON writes the [Result.Report] as JSON. The error is that of the writer.
func (r Result) WriteJSON(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(r.Report())
}

// Report is what was found as package powertest reports a load: where it withholds a
// number, the result does, too.
func (r Result) Report() powertest.Report {
	m := r.Measurement
	m.Devices, m.Roles, m.Kinds = slices.Clone(m.Devices), slices.Clone(m.Roles), slices.Clone(m.Kinds) // Add changes them
	for i := range m.Kinds {
		m.Kinds[i].Devices = slices.Clone(m.Kinds[i].Devices)
	}
	for _, f := range slices.Concat(r.found, r.telemetry.found) {
		if !slices.Contains([]energy.Reason{aggregateMissing, aggregateUnwritable, notOfGPUs}, f.Reason) { // these are about another file
			m.Add(f)
		}
	}
	report := powertest.NewReport(r.benchmarkName(), r.work(), m)
	report.Recording, report.Spans = r.Recording, r.Spans
	if r.Server != nil {
		report.AddServer(r.Server.Counts)
	}
	if r.options.Price != nil {
		report.SetPrice(*r.options.Price)
	}
	return report
}

// work is what the energy is divided by, as package powertest counts it.
func (r Result) work() powertest.Work {
	w := r.Workload
	if !w.HasWindow() {
		return powertest.Work{}
	}
	if r.options.alone() {
		return powertest.Work{Ops: 1, Elapsed: w.End.Sub(w.Start)}
	}
	work := powertest.Work{
		Ops:          w.Requests,
		Requests:     w.Requests,
		PromptTokens: w.InputTokens,
		OutputTokens: w.OutputTokens,
		Users:        w.Concurrency,
		Elapsed:      w.End.Sub(w.Start),
	}
	if w.Latency > 0 {
		work.Latency = time.Duration(w.Latency * float64(w.Requests) * float64(time.Second))
		work.Latencies = w.Requests
	}
	return work
}

// benchmarkName makes a benchmark's name of the name of the result, or of the command: a
// letter or a digit stays, and what may not stand in a name becomes an underscore.
func (r Result) benchmarkName() string {
	stem := "window"
	switch o := r.options; {
	case o.Result != "":
		base := filepath.Base(o.Result)
		stem = strings.TrimSuffix(base, filepath.Ext(base))
	case len(o.Command) > 0:
		stem = filepath.Base(o.Command[0])
	}
	return "BenchmarkAnnotate/" + recordWord(stem)
}

// recordWord is a text as a word of a benchmark's name.
func recordWord(text string) string {
	return strings.Map(func(c rune) rune {
		if c > ' ' && c < 0x7f && !strings.ContainsRune(`/\"`, c) {
			return c
		}
		return '_'
	}, text)
}
