package main

import (
	"bytes"
	"fmt"
	"io"
)

// tellLoad tells what the counters made of the load.
func (d *diagnosis) tellLoad(b *bytes.Buffer) {
	if d.Load == nil {
		return
	}
	b.WriteString("\nunder load\n")
	if len(d.Load.GPUs) > 0 {
		table(b, func(w io.Writer) {
			fmt.Fprintln(w, "GPU\tpower\tpaused\trose after\tlag on\tlag off\ttail\tcoverage\tmodulation\tintegrates")
			for i, g := range d.Load.GPUs {
				fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", d.GPUs[i].id(), unit(g.Watts, "%.1f W"), unit(g.PausedWatts, "%.1f W"),
					took(g.Started), took(g.Rise), took(g.Fall), took(g.Tail), unit(g.Coverage, "%.3f"), unit(g.Modulation, "%.2f"), yesNo(g.Integrates))
			}
		})
	}
	for _, note := range d.Load.Notes {
		b.WriteString(wrapped(note, "  "))
	}
}

func yesNo(b *bool) string {
	switch {
	case b == nil:
		return "-"
	case *b:
		return "all of the time"
	}
	return "a part of the time"
}
