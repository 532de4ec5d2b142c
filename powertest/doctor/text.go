package doctor

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/joulebench/joulebench/internal/terminal"
	"github.com/joulebench/joulebench/powertest/energy"
)

// columns is how wide the text is made, but for the verdict, which is the first line,
// and words that are longer.
const columns = 100

// WriteText writes the report for a person: the verdict in the first line, then
// tables, at most 100 columns wide. The error is that of out.
func (r Report) WriteText(out io.Writer) error {
	var b bytes.Buffer
	b.WriteString(r.Verdict + "\n")
	r.writeSources(&b)
	if r.Watch != nil {
		r.writeGPUs(&b)
		r.writeCounters(&b)
		r.writeCrossChecks(&b)
		r.writeServer(&b)
		if r.Measurable {
			r.writeWindows(&b)
		}
		r.writeLoad(&b)
		r.writeMeter(&b)
		r.writeFindings(&b)
	}
	_, err := io.WriteString(out, terminal.Text(b.String()))
	return err
}

// table writes rows whose cells are divided by tabs, when it is flushed.
func table(w io.Writer) *tabwriter.Writer { return tabwriter.NewWriter(w, 0, 0, 2, ' ', 0) }

func (r Report) writeSources(b *bytes.Buffer) {
	b.WriteString("\nsources\n")
	for _, s := range r.Sources {
		mark := " "
		if s.Chosen {
			mark = "*"
		}
		text := s.Status
		if !s.Linked && s.Status == "not tried" {
			text = "not linked into this binary"
		}
		if s.Detail != "" {
			text += ": " + s.Detail
		}
		b.WriteString(wrapped(fmt.Sprintf("%s %-11s%s", mark, s.Name, text), strings.Repeat(" ", 13)))
	}
}

func (r Report) writeGPUs(b *bytes.Buffer) {
	b.WriteString("\n")
	w := table(b)
	fmt.Fprintln(w, "GPU\tname\tpower limit\tpersistence mode\tMIG mode\ttemp\tprocesses\trows")
	for _, g := range r.GPUs {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%d\n", g.id(), cmp.Or(terminal.Line(g.Name), "-"), unit(g.PowerLimit, "%.0f W"),
			choice(g.Persistence, "on", "off"), choice(g.MIG, "on", "off"),
			unit(g.Celsius, "%.0f °C"), g.others(), g.Rows)
	}
	w.Flush()
	for _, g := range r.GPUs {
		parts := []string{g.UUID}
		for _, p := range []struct{ what, value string }{{"host ", g.Host}, {"role ", g.Role}, {"at ", g.Endpoint}} {
			if p.value != "" {
				parts = append(parts, p.what+p.value)
			}
		}
		b.WriteString(wrapped(fmt.Sprintf("%s: %s", g.title(), strings.Join(parts, ", ")), "  "))
	}
	for _, l := range r.LeftOut {
		b.WriteString(wrapped("not measured: "+l.String(), "  "))
	}
}

// id is the device as selectors name it.
func (g GPU) id() string {
	switch {
	case g.Index == nil:
		return "-"
	case g.Kind.OrGPU() != energy.GPU:
		return fmt.Sprintf("%s:%d", g.Kind, *g.Index)
	}
	return strconv.Itoa(*g.Index)
}

// title is the device in a sentence: "GPU 0", "CPU 1".
func (g GPU) title() string {
	index := "-"
	if g.Index != nil {
		index = strconv.Itoa(*g.Index)
	}
	return g.Kind.Title() + " " + index
}

// others is how many other processes use the GPU.
func (g GPU) others() string {
	if g.Processes == nil {
		return "-"
	}
	return strconv.Itoa(len(g.Processes))
}

func (r Report) writeCounters(b *bytes.Buffer) {
	b.WriteString("\n")
	w := table(b)
	fmt.Fprintln(w, "GPU\tmethod\tperiod\tjitter\tseen ±\tticks\tmissed\tstep\tresolution\tcall p50\tp99\tpower")
	for _, g := range r.GPUs {
		step := "%.4g J"
		if g.Method == energy.Gauge {
			step = "%.4g W"
		}
		var half *time.Duration
		if g.Within != nil {
			half = new(*g.Within / 2)
		}
		fmt.Fprintf(w, "%s\t%v\t%s\t%s\t%s\t%d\t%d\t%s\t%s\t%s\t%s\t%s\n", g.id(), g.Method,
			took(g.Period), took(g.Jitter), took(half), g.Ticks, g.Missed, unit(g.Step, step),
			unit(g.Resolution, "%.4g J"), took(g.CallP50), took(g.CallP99), unit(g.Watts, "%.1f W"))
	}
	w.Flush()
	shown := map[string]bool{}
	for _, g := range r.GPUs {
		if g.Metric != "" && !shown[g.Metric] {
			shown[g.Metric] = true
			b.WriteString(wrapped("read by "+g.Metric, "  "))
		}
	}
	how := fmt.Sprintf("watched for %s, read every %s", short(r.Watch.For.Round(time.Millisecond)), short(r.Watch.Every))
	if r.Watch.Past {
		how = fmt.Sprintf("looked at %s from %s", short(r.Watch.For), r.Watch.Start.Format(time.RFC3339))
	}
	if r.Watch.Ended {
		how += "; ended by an interrupt"
	}
	b.WriteString(how + "\n")
}

// writeCrossChecks writes what counters and the power gauges beside them say.
func (r Report) writeCrossChecks(b *bytes.Buffer) {
	if !slices.ContainsFunc(r.GPUs, func(g GPU) bool { return g.CrossCheck != nil }) {
		return
	}
	b.WriteString("\nthe same time by counter and by power gauge, with the error of each\n")
	w := table(b)
	fmt.Fprintln(w, "GPU\tcounter\t\tgauge\t\tcounter / gauge")
	for _, g := range r.GPUs {
		if x := g.CrossCheck; x != nil {
			fmt.Fprintf(w, "%s\t%.4g W\t%s\t%.4g W\t%s\t%.4g\n", g.id(), x.Counter.Watts, interval(x.Counter), x.Gauge.Watts, interval(x.Gauge), x.Ratio)
		}
	}
	w.Flush()
}

// interval writes the interval of a power.
func interval(p energy.PowerEstimate) string { return fmt.Sprintf("(%.4g to %.4g)", p.Low, p.High) }

func (r Report) writeServer(b *bytes.Buffer) {
	var ages []time.Duration
	for _, g := range r.GPUs {
		if g.Age != nil {
			ages = append(ages, *g.Age)
		}
	}
	if ages != nil {
		fmt.Fprintf(b, "the newest samples are up to %s old\n", short(slices.Max(ages)))
	}
	s := r.Server
	if s == nil {
		return
	}
	if s.Scrape != nil {
		where, by := "ahead of", s.Offset
		if by != nil && *by < 0 {
			where, by = "behind", new(-*by)
		}
		fmt.Fprintf(b, "scraped every %s; its clock is %s this machine's by %s ± %s\n", short(*s.Scrape), where, took(by), took(s.Within))
	}
	if s.Collapsed > 0 {
		fmt.Fprintf(b, "rows left out because their GPU was already counted: %d\n", s.Collapsed)
	}
}

func (r Report) writeWindows(b *bytes.Buffer) {
	b.WriteString("\nexpected error, of all GPUs together")
	var devices []energy.Device
	for _, g := range r.GPUs {
		devices = append(devices, energy.Device{Calibration: g.Calibration})
	}
	if len(devices) > 0 && devices[0].Calibration != nil { // one profile has all of them
		b.WriteString(", with the profile " + devices[0].Calibration.Profile)
	}
	b.WriteString("\n")
	w := table(b)
	fmt.Fprintln(w, "window\tpower as seen\tload in the window")
	for _, x := range r.Windows {
		seen := unit(x.Seen, "± %.2g %%")
		if x.Extrapolated {
			seen += " (extrapolated)"
		}
		fmt.Fprintf(w, "%s\t%s\t%s\n", short(x.Length), seen, unit(x.Load, "± %.2g %%"))
	}
	w.Flush()
	b.WriteString(wrapped(energy.NotCovered(devices), ""))
	for _, x := range r.Windows {
		if x.Reason != "" {
			b.WriteString(wrapped(fmt.Sprintf("%s: %s: %s", short(x.Length), x.Reason, x.Detail), "  "))
		}
	}
}

// writeFindings writes what was found of the GPUs, each cause once: not again what the verdict
// has said of all of them.
func (r Report) writeFindings(b *bytes.Buffer) {
	var found []energy.Finding
	names := map[string]string{}
	for _, g := range r.GPUs {
		names[g.UUID] = g.title()
		for _, f := range g.Findings {
			f.Device = g.UUID
			found = append(found, f)
		}
	}
	causes := slices.DeleteFunc(energy.Causes(found), r.told)
	if len(causes) > 0 {
		b.WriteString("\n")
	}
	for _, c := range causes {
		b.WriteString(wrapped(c.Line(func(uuid string) string { return names[uuid] }), "  "))
	}
	for _, g := range r.GPUs {
		for _, p := range g.Processes {
			b.WriteString(wrapped(fmt.Sprintf("%s: process %d %s", g.title(), p.PID, cmp.Or(p.Name, "(name unknown)")), "  "))
		}
	}
}

// writeLoad writes how the counters follow the load.
func (r Report) writeLoad(b *bytes.Buffer) {
	if r.Load == nil {
		return
	}
	b.WriteString("\nunder load\n")
	if len(r.Load.GPUs) > 0 {
		w := table(b)
		fmt.Fprintln(w, "GPU\tpower\tpaused\trose after\tlag on\tlag off\ttail\tcoverage\tmodulation\tintegrates")
		for i, g := range r.Load.GPUs {
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", r.GPUs[i].id(),
				unit(g.Watts, "%.1f W"), unit(g.PausedWatts, "%.1f W"), took(g.Started), took(g.Rise), took(g.Fall),
				took(g.Tail), unit(g.Coverage, "%.3f"), unit(g.Modulation, "%.2f"),
				choice(g.Integrates, "all of the time", "a part of the time"))
		}
		w.Flush()
	}
	for _, note := range r.Load.Notes {
		b.WriteString(wrapped(note, "  "))
	}
}

// writeMeter writes how the device compares with a meter, and what became of a profile.
func (r Report) writeMeter(b *bytes.Buffer) {
	if r.Uncalibrated != "" {
		b.WriteString("\n" + wrapped("not calibrated: "+r.Uncalibrated, "  "))
	}
	switch m := r.Meter; {
	case m == nil:
	case m.Comparison == nil:
		b.WriteString("\n" + wrapped("against the meter: gain and offset were not measured: "+m.Reason, "  "))
	default:
		c := m.Comparison
		fmt.Fprintf(b, "\nagainst the meter: gain %.4f ± %.4f, offset %.1f W ± %.1f W\n", c.Gain, 2*c.GainSD, c.Offset, 2*c.OffsetSD)
		w := table(b)
		fmt.Fprintln(w, "meter\tdevice\tcorrected\tfor")
		for _, l := range c.Levels {
			watts, sd := c.Watts(l.Device)
			fmt.Fprintf(w, "%.1f W\t%.1f W\t%.1f W ± %.1f W\t%.1f s\n", l.Meter, l.Device, watts, 2*sd, l.Seconds)
		}
		w.Flush()
		ahead, where := c.Ahead, "ahead of"
		if ahead < 0 {
			ahead, where = -ahead, "behind"
		}
		b.WriteString(wrapped(fmt.Sprintf("the meter's clock is %s the readings by %s, by a correlation of %.3f", where, ahead.Round(time.Millisecond), c.Fit), "  "))
	}
}

// unit formats a number, or says that it is unknown.
func unit(x *float64, format string) string {
	if x == nil {
		return "-"
	}
	return fmt.Sprintf(format, *x)
}

// choice says which of two a truth is, or that it is unknown.
func choice(b *bool, yes, no string) string {
	switch {
	case b == nil:
		return "-"
	case *b:
		return yes
	}
	return no
}

// took formats a time with three digits.
func took(d *time.Duration) string {
	if d == nil {
		return "-"
	}
	return digitsOf(*d, 3)
}

// digitsOf formats a time with some digits: 99.6 ms.
func digitsOf(d time.Duration, digits int) string {
	for _, u := range []struct {
		unit time.Duration
		name string
	}{{time.Second, "s"}, {time.Millisecond, "ms"}, {time.Microsecond, "µs"}} {
		rounded, _ := strconv.ParseFloat(strconv.FormatFloat(float64(d)/float64(u.unit), 'g', digits, 64), 64)
		if math.Abs(rounded) >= 1 {
			return strconv.FormatFloat(rounded, 'f', -1, 64) + " " + u.name
		}
	}
	return strconv.FormatInt(int64(d), 10) + " ns"
}

// short formats a time as -benchtime takes it, with what matters of it.
func short(d time.Duration) string {
	for _, r := range []struct{ from, digit time.Duration }{
		{time.Hour, time.Minute},
		{time.Minute, time.Second},
		{10 * time.Second, 100 * time.Millisecond},
		{time.Second, 10 * time.Millisecond},
		{time.Millisecond, 100 * time.Microsecond},
	} {
		if d >= r.from {
			d = d.Round(r.digit)
			break
		}
	}
	if s, ok := strings.CutSuffix(d.String(), "m0s"); ok {
		return s + "m"
	}
	return d.String()
}

// wrapped breaks a text into lines, as [terminal.Wrap] does.
func wrapped(text, indent string) string { return terminal.Wrap(text, indent, columns) }
