package series

import (
	"cmp"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/joulebench/joulebench/internal/terminal"
	"github.com/joulebench/joulebench/powertest"
	"github.com/joulebench/joulebench/powertest/energy"
	"github.com/joulebench/joulebench/powertest/tokens"
)

// WriteTable writes for a person, in 80 columns: each group with its steps, the half-width of an
// interval in percent behind each number, and the reason in the place of one that is withheld. The
// error is that of the writer.
func (s *Series) WriteTable(out io.Writer) error {
	var b strings.Builder
	for i, g := range s.Groups {
		if i > 0 {
			b.WriteByte('\n')
		}
		fmt.Fprintf(&b, "%s\n", terminal.Text(g.Name))
		w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
		good := slices.ContainsFunc(g.Points, func(p Point) bool { return p.Good != nil })
		head := "time\tGPUs\tW\t± %\ttokens/s\t± %\tJ/token\t± %\t"
		if s.Price != nil {
			head += s.Price.Currency + "/Mtoken\t"
		}
		if good {
			head += "good %\t"
		}
		fmt.Fprintln(w, head)
		day := ""
		for _, p := range g.Points {
			at := p.Start.UTC().Format("15:04Z")
			if d := p.Start.UTC().Format("Jan 2"); d != day {
				day, at = d, d+" "+at
			}
			fmt.Fprintf(w, "%s\t%d\t%s\t%s\t%s\t", at, p.GPUs, column(p.Watts), column(p.TokensPerSecond), column(p.JoulesPerToken))
			if s.Price != nil {
				fmt.Fprintf(w, "%s\t", strings.Split(column(p.CostPerMillionTokens), "\t")[0]) // as exact as J/token
			}
			if good {
				percent := "-"
				if p.Good != nil {
					percent = strconv.FormatFloat(100*p.Good.Value, 'f', 1, 64)
				}
				fmt.Fprintf(w, "%s\t", percent)
			}
			fmt.Fprintln(w, codes(p.Reasons))
		}
		w.Flush()
	}
	for _, line := range append(s.why(), s.Notes...) {
		fmt.Fprintf(&b, "%s\n", line)
	}
	_, err := io.WriteString(out, terminal.Text(terminal.Trimmed(b.String())))
	return err
}

// column is a number with its half-width in percent, as two columns.
func column(i *powertest.Interval) string {
	if i == nil {
		return "-\t"
	}
	percent := "-"
	if p := i.ErrPercent(); !math.IsNaN(p) && !math.IsInf(p, 0) {
		percent = strconv.FormatFloat(p, 'g', 2, 64)
	}
	return strconv.FormatFloat(i.Value, 'g', 4, 64) + "\t" + percent
}

// codes are the codes of reasons, each once.
func codes(list []energy.Finding) string {
	var names []string
	for _, f := range list {
		if !slices.Contains(names, string(f.Reason)) {
			names = append(names, string(f.Reason))
		}
	}
	return strings.Join(names, ",")
}

// why says once of each reason in the whole what was seen.
func (s *Series) why() (lines []string) {
	seen := map[energy.Reason]bool{}
	for _, g := range s.Groups {
		for _, p := range g.Points {
			for _, f := range p.Reasons {
				if !seen[f.Reason] {
					seen[f.Reason] = true
					lines = append(lines, fmt.Sprintf("%s %s: %v", g.Name, p.Start.UTC().Format(time.RFC3339), f))
				}
			}
		}
	}
	return lines
}

// csvHead are the columns of WriteCSV: of each number, its interval.
var csvHead = func() []string {
	head := []string{"group", "start", "gpus"}
	for _, of := range []string{"joules", "watts", "output_tokens", "prompt_tokens", "requests", "tokens_per_second", "joules_per_token", "good", "good_requests_per_joule", "cost", "cost_per_million_output_tokens"} {
		head = append(head, of, of+"_low", of+"_high")
	}
	return append(head, "reasons")
}()

// WriteCSV writes one row of each group and step, with all digits. What is not known is empty. The
// error is that of the writer.
func (s *Series) WriteCSV(out io.Writer) error {
	w := csv.NewWriter(out)
	if err := w.Write(csvHead); err != nil {
		return err
	}
	for _, g := range s.Groups {
		for _, p := range g.Points {
			row := []string{g.Name, p.Start.UTC().Format(time.RFC3339), strconv.Itoa(p.GPUs)}
			for _, i := range []*powertest.Interval{p.Joules, p.Watts, p.Output, p.Prompt, p.Requests, p.TokensPerSecond, p.JoulesPerToken, p.Good, p.GoodPerJoule, p.Cost, p.CostPerMillionTokens} {
				if i == nil {
					row = append(row, "", "", "")
					continue
				}
				for _, v := range []float64{i.Value, i.Low, i.High} {
					row = append(row, strconv.FormatFloat(v, 'g', -1, 64))
				}
			}
			if err := w.Write(append(row, codes(p.Reasons))); err != nil {
				return err
			}
		}
	}
	w.Flush()
	return w.Error()
}

// WriteBenchmark writes a record in the Go benchmark format for each group and step that has
// numbers, such as BenchmarkSeries/group=all/at=2026-11-25T10:00:00Z. The error is that of the
// writer, or [powertest.ErrNoNumbers] if no step has any.
func (s *Series) WriteBenchmark(out io.Writer) error {
	w, written := powertest.NewWriter(out), false
	for _, g := range s.Groups {
		for _, p := range g.Points {
			r := s.report(g, p)
			switch err := w.Write(r); {
			case err == nil:
				written = true
			case !errors.Is(err, powertest.ErrNoNumbers):
				return err
			}
		}
	}
	if !written {
		return fmt.Errorf("series: %w", powertest.ErrNoNumbers)
	}
	return nil
}

// report is one step as a report of a load.
func (s *Series) report(g *Group, p Point) powertest.Report {
	m := energy.Measurement{
		Start: p.Start, End: p.Start.Add(s.Every), Duration: s.Every, Reasons: p.Reasons,
		Source:  energy.Info{Name: "prometheus"},
		Devices: make([]energy.DeviceMeasurement, p.GPUs),
	}
	if p.Joules != nil {
		m.Valid, m.Energy, m.Watts = true, energy.Estimate{Joules: p.Joules.Value, Low: p.Joules.Low, High: p.Joules.High}, p.Watts.Value
	}
	name := strings.NewReplacer("/", "_", " ", "=").Replace(cmp.Or(g.Name, whole))
	r := powertest.NewReport(fmt.Sprintf("BenchmarkSeries/group=%s/at=%s", name, p.Start.UTC().Format(time.RFC3339)), powertest.Work{Elapsed: s.Every}, m)
	count := func(i *powertest.Interval) *tokens.Count {
		if i == nil {
			return nil
		}
		return &tokens.Count{Value: i.Value, Low: i.Low, High: i.High}
	}
	r.AddServer(tokens.Counts{Start: m.Start, End: m.End, Output: count(p.Output), Prompt: count(p.Prompt), Requests: count(p.Requests)})
	if s.Price != nil {
		r.SetPrice(*s.Price)
	}
	return r
}
