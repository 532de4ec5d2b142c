package gate

import (
	"bufio"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"golang.org/x/perf/benchunit"
)

// textWidth is the width that the table is made for, in columns.
const textWidth = 100

// WriteText writes the report for a terminal: the headline, the reasons, the
// table, and what else should be known. With color, verdicts are coloured by
// escape sequences.
func (r *Report) WriteText(w io.Writer, color bool) error {
	out := bufio.NewWriter(w)
	r.writeBrief(out, color) // an error comes back from Flush
	r.writeFaults(out)
	r.writeTable(out, color)
	r.writeLists(out)
	return out.Flush()
}

// writeBrief writes the verdict, why it is no pass, and what to do. The only reason
// why there is no verdict is in the headline already.
func (r *Report) writeBrief(w io.Writer, color bool) error {
	lines := []string{paint(color, outcomeColor[r.Outcome], r.Headline())}
	if r.Outcome != CannotJudge || len(r.Reasons) != 1 {
		for _, reason := range r.Reasons {
			lines = append(lines, "  - "+reason)
		}
	}
	_, err := fmt.Fprintln(w, strings.Join(lines, "\n"))
	return err
}

// writeFaults lists the lines that cannot be used, where there is more than one.
func (r *Report) writeFaults(out io.Writer) {
	if len(r.Faults) < 2 {
		return
	}
	fmt.Fprintln(out, "\nlines that cannot be used:")
	for _, f := range r.Faults {
		fmt.Fprintln(out, "  "+f.String())
	}
}

// writeLists writes what is new, missing, and to be known.
func (r *Report) writeLists(out io.Writer) {
	lists := []struct {
		title string
		lines []string
	}{
		{"missing:", absents(r.Missing)},
		{"new, not compared:", absents(r.New)},
		{"note:", r.Warnings},
	}
	for _, l := range lists {
		if len(l.lines) == 0 {
			continue
		}
		fmt.Fprintln(out, "\n"+l.title)
		for _, line := range l.lines {
			fmt.Fprintln(out, "  "+line)
		}
	}
}

func absents(list []Absent) []string {
	lines := make([]string, len(list))
	for i := range list {
		a := &list[i]
		lines[i] = a.String()
		if a.Waived != nil {
			lines[i] += " (" + a.Waived.String() + ")"
		}
	}
	return lines
}

// textLine is a row of the table, as text.
type textLine struct {
	cells   [7]string // benchmark, unit, old, new, change, p, verdict
	verdict Verdict
	config  string
	why     string
	// indented: the name, which is too long for its column, is above already
	indented bool
}

var tableHead = textLine{cells: [7]string{"benchmark", "unit", "old", "new", "change", "p", "verdict"}}

// writeTable writes the rows, under the configuration that they hold for.
func (r *Report) writeTable(out io.Writer, color bool) {
	if len(r.Rows) == 0 {
		return
	}
	lines := make([]textLine, len(r.Rows))
	for i := range r.Rows {
		lines[i] = r.Rows[i].textLine()
	}
	widths := columnWidths(lines)
	fmt.Fprintln(out)
	if r.OldFile.Name != "" {
		fmt.Fprintf(out, "old: %s (%s)\n", clean(r.OldFile.Name), count(r.OldFile.Results, "result"))
	}
	fmt.Fprintf(out, "new: %s (%s)\n", clean(r.NewFile.Name), count(r.NewFile.Results, "result"))
	config := "\x00"
	for i := range lines {
		if lines[i].config != config {
			config = lines[i].config
			fmt.Fprintln(out)
			if config != "" {
				fmt.Fprintln(out, config)
			}
			writeLine(out, &tableHead, widths, false)
		} else if long(lines[i].cells[0], widths) && lines[i].cells[0] == lines[i-1].cells[0] {
			lines[i].indented = true
		}
		writeLine(out, &lines[i], widths, color)
	}
}

// columnWidths are the widths of all columns but the last. That of the first is
// what is left of the line's width; longer names get a line of their own.
func columnWidths(lines []textLine) [7]int {
	var w [7]int
	for c := range w {
		w[c] = len(tableHead.cells[c])
		for i := range lines {
			w[c] = max(w[c], utf8.RuneCountInString(lines[i].cells[c]))
		}
	}
	rest := 0
	for _, n := range w[1:] {
		rest += n + 2
	}
	w[0] = min(w[0], max(textWidth-rest, 12))
	return w
}

// writeLine writes a line of the table, and under it the reason for its verdict.
func writeLine(out io.Writer, l *textLine, widths [7]int, color bool) {
	name := l.cells[0]
	if long(name, widths) {
		if !l.indented {
			fmt.Fprintln(out, name)
		}
		name = ""
	}
	var b strings.Builder
	pad(&b, name, widths[0], false)
	for c := 1; c < 6; c++ {
		b.WriteString("  ")
		pad(&b, l.cells[c], widths[c], c > 1)
	}
	b.WriteString("  ")
	b.WriteString(paint(color, verdictColor[l.verdict], l.cells[6]))
	fmt.Fprintln(out, strings.TrimRight(b.String(), " "))
	if l.why != "" {
		fmt.Fprintln(out, "    "+l.why)
	}
}

// long reports whether a name needs a line of its own.
func long(name string, widths [7]int) bool { return utf8.RuneCountInString(name) > widths[0] }

func pad(b *strings.Builder, s string, width int, right bool) {
	space := strings.Repeat(" ", max(0, width-utf8.RuneCountInString(s)))
	if right {
		b.WriteString(space)
	}
	b.WriteString(s)
	if !right {
		b.WriteString(space)
	}
}

// textLine is the row for the table.
func (r *Row) textLine() textLine {
	before, after := r.values()
	l := textLine{verdict: r.Verdict, config: r.Config, why: r.Why}
	if r.Waived != nil {
		l.why = strings.TrimPrefix(r.Why+"; "+r.Waived.String(), "; ")
	}
	l.cells = [7]string{r.Benchmark, clean(r.Unit), before, after, "", formatP(r.PAdjusted), r.verdictName()}
	if r.Bound == "" {
		l.cells[4] = formatDelta(r.Delta)
	}
	if r.Exact && r.Bound == "" {
		l.cells[5] = "exact"
	}
	return l
}

// values are the two medians with their intervals, in one scale. Instead of an
// old one, a budget has its limit.
func (r *Row) values() (before, after string) {
	class := benchunit.ClassOf(r.Unit)
	show := func(scale benchunit.Scaler, s Summary) string {
		return fmt.Sprintf("%s ± %3s", scale.Format(s.Center), s.Range)
	}
	if r.Bound != "" {
		return r.Bound + " " + benchunit.Scale(r.Limit, class), show(benchunit.CommonScale([]float64{r.New.Center}, class), r.New)
	}
	scale := benchunit.CommonScale([]float64{r.Old.Center, r.New.Center}, class)
	return show(scale, r.Old), show(scale, r.New)
}

// verdictName is the verdict for people: what needs attention is in capitals.
func (r *Row) verdictName() string {
	switch {
	case r.Waived != nil:
		return "waived"
	case r.Verdict == VerdictRegression, r.Verdict == VerdictOverBudget:
		return strings.ToUpper(string(r.Verdict))
	}
	return string(r.Verdict)
}

// The colours of a terminal, by escape sequences of ECMA-48.
const (
	red, green, yellow = "31", "32", "33"
)

var (
	outcomeColor = map[Outcome]string{Pass: green, Regression: red, CannotJudge: yellow}
	verdictColor = map[Verdict]string{
		VerdictRegression: red, VerdictOverBudget: red,
		VerdictImprovement: green, VerdictInconclusive: yellow,
	}
)

func paint(on bool, color, s string) string {
	if !on || color == "" {
		return s
	}
	return "\x1b[" + color + "m" + s + "\x1b[0m"
}
