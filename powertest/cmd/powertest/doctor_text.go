package main

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"
)

// columns is how wide the text is made, but for the verdict, which is the first line,
// and words that are longer.
const columns = 100

// tell tells a person what was found.
func (d *diagnosis) tell(out io.Writer) error {
	var b bytes.Buffer
	b.WriteString(d.Verdict + "\n")
	d.tellSources(&b)
	if d.Watch != nil {
		d.tellGPUs(&b)
		d.tellCounters(&b)
		d.tellServer(&b)
		if d.Measurable {
			d.tellWindows(&b)
		}
		d.tellLoad(&b)
		d.tellFindings(&b)
	}
	_, err := out.Write(b.Bytes())
	return err
}

// table writes rows whose cells are divided by tabs.
func table(b *bytes.Buffer, rows func(w io.Writer)) {
	w := tabwriter.NewWriter(b, 0, 0, 2, ' ', 0)
	rows(w)
	w.Flush()
}

func (d *diagnosis) tellSources(b *bytes.Buffer) {
	b.WriteString("\nsources\n")
	for _, s := range d.Sources {
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

func (d *diagnosis) tellGPUs(b *bytes.Buffer) {
	b.WriteString("\n")
	table(b, func(w io.Writer) {
		fmt.Fprintln(w, "GPU\tname\tpower limit\tpersistence mode\tMIG mode\ttemp\tprocesses\trows")
		for _, g := range d.GPUs {
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%d\n", g.id(), cmp.Or(g.Name, "-"), unit(g.PowerLimit, "%.0f W"),
				onOff(g.Persistence), onOff(g.MIG), unit(g.Celsius, "%.0f °C"), g.others(), g.Rows)
		}
	})
	for _, g := range d.GPUs {
		parts := []string{g.UUID}
		for _, p := range []struct{ what, value string }{{"host ", g.Host}, {"role ", g.Role}, {"at ", g.Endpoint}} {
			if p.value != "" {
				parts = append(parts, p.what+p.value)
			}
		}
		b.WriteString(wrapped(fmt.Sprintf("GPU %s: %s", g.id(), strings.Join(parts, ", ")), "  "))
	}
}

func (g gpuCheck) id() string {
	if g.Index == nil {
		return "-"
	}
	return strconv.Itoa(*g.Index)
}

// others is how many other processes use the GPU.
func (g gpuCheck) others() string {
	if g.Processes == nil {
		return "-"
	}
	return strconv.Itoa(len(g.Processes))
}

func (d *diagnosis) tellCounters(b *bytes.Buffer) {
	b.WriteString("\n")
	table(b, func(w io.Writer) {
		fmt.Fprintln(w, "GPU\tmethod\tperiod\tjitter\tseen ±\tticks\tmissed\tstep\tresolution\tcall p50\tp99\tpower")
		for _, g := range d.GPUs {
			step := "%.4g J"
			if g.Method.String() == "gauge" {
				step = "%.4g W"
			}
			var half *time.Duration
			if g.Within != nil {
				h := *g.Within / 2
				half = &h
			}
			fmt.Fprintf(w, "%s\t%v\t%s\t%s\t%s\t%d\t%d\t%s\t%s\t%s\t%s\t%s\n", g.id(), g.Method, took(g.Period), took(g.Jitter), took(half), g.Ticks, g.Missed,
				unit(g.Step, step), unit(g.Resolution, "%g J"), took(g.CallP50), took(g.CallP99), unit(g.Watts, "%.1f W"))
		}
	})
	told := map[string]bool{}
	for _, g := range d.GPUs {
		if g.Via != "" && !told[g.Via] {
			told[g.Via] = true
			b.WriteString(wrapped("read by "+g.Via, "  "))
		}
	}
	how := fmt.Sprintf("watched for %s, read every %s", short(d.Watch.For.Round(time.Millisecond)), short(d.Watch.Every))
	if d.Watch.Past {
		how = fmt.Sprintf("looked at %s from %s", short(d.Watch.For), d.Watch.Start.Format(time.RFC3339))
	}
	if d.Watch.Ended {
		how += "; ended by an interrupt"
	}
	b.WriteString(how + "\n")
}

func (d *diagnosis) tellServer(b *bytes.Buffer) {
	var oldest *time.Duration
	for _, g := range d.GPUs {
		if g.Age != nil && (oldest == nil || *g.Age > *oldest) {
			oldest = g.Age
		}
	}
	if oldest != nil {
		fmt.Fprintf(b, "the newest samples are up to %s old\n", short(*oldest))
	}
	s := d.Server
	if s == nil {
		return
	}
	if s.Scrape != nil {
		fmt.Fprintf(b, "scraped every %s; its clock is ahead of this machine's by %s ± %s\n", short(*s.Scrape), took(s.Offset), took(s.Within))
	}
	fmt.Fprintf(b, "%d rows told of GPUs that were counted already\n", s.Collapsed)
}

func (d *diagnosis) tellWindows(b *bytes.Buffer) {
	b.WriteString("\nexpected error, of all GPUs together\n")
	table(b, func(w io.Writer) {
		fmt.Fprintln(w, "window\tpower as seen\tload in the window")
		for _, x := range d.Windows {
			seen := percent(x.Seen)
			if x.Extrapolated {
				seen += " (extrapolated)"
			}
			fmt.Fprintf(w, "%s\t%s\t%s\n", short(x.Length), seen, percent(x.Load))
		}
	})
	for _, x := range d.Windows {
		if x.Reason != "" {
			b.WriteString(wrapped(fmt.Sprintf("%s: %s: %s", short(x.Length), x.Reason, x.Detail), "  "))
		}
	}
}

func (d *diagnosis) tellFindings(b *bytes.Buffer) {
	first := true
	for _, g := range d.GPUs {
		for _, f := range g.Findings {
			if first {
				b.WriteString("\n")
				first = false
			}
			b.WriteString(wrapped(fmt.Sprintf("GPU %s: %s: %s", g.id(), f.Reason, f.Detail), "  "))
		}
		for _, p := range g.Processes {
			b.WriteString(wrapped(fmt.Sprintf("  process %d %s", p.PID, cmp.Or(p.Name, "(name unknown)")), "    "))
		}
	}
}
