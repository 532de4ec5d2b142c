package gate

import (
	"bufio"
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"golang.org/x/perf/benchunit"

	"github.com/joulebench/joulebench/internal/terminal"
)

// textWidth is the width that the table is made for, in columns.
const textWidth = 100

// WriteText writes the report for a terminal: the headline, the reasons, the
// table, and what else should be known. With color, verdicts are coloured by
// escape sequences.
func (r *Report) WriteText(w io.Writer, color bool) error {
	return printed(w, func(out io.Writer) {
		r.brief(out, color)
		r.writeFaults(out)
		r.writeTable(out, color)
		if tests := r.tests(); tests != "" {
			fmt.Fprintf(out, "\n%s\n", tests)
		}
		r.writeLists(out)
	})
}

// printed passes on to w what write writes, without rows that a CI system takes for
// commands.
func printed(w io.Writer, write func(out io.Writer)) error {
	safe := terminal.NewWriter(w)
	out := bufio.NewWriter(safe)
	write(out)                               // an error comes back from Flush
	return cmp.Or(out.Flush(), safe.Close()) // the second follows from the first
}

// writeBrief writes the brief alone.
func (r *Report) writeBrief(w io.Writer) error {
	return printed(w, func(out io.Writer) { r.brief(out, false) })
}

// brief is the verdict, why it is no pass, and what to do.
func (r *Report) brief(w io.Writer, color bool) {
	lines := []string{paint(color, outcomeColor[r.Outcome], r.Headline())}
	for _, reason := range r.furtherReasons() {
		lines = append(lines, "  - "+reason)
	}
	fmt.Fprintln(w, strings.Join(lines, "\n"))
}

// furtherReasons are those that are not in the headline, which has the first line of the first
// one why there is no verdict.
func (r *Report) furtherReasons() []string {
	if r.Outcome != CannotJudge || len(r.Reasons) == 0 {
		return r.Reasons
	}
	if _, rest, more := strings.Cut(r.Reasons[0], "\n"); more {
		return append([]string{rest}, r.Reasons[1:]...)
	}
	return r.Reasons[1:]
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
	for _, l := range r.lists() {
		fmt.Fprintf(out, "\n%s:\n", strings.ToLower(l.title))
		for _, line := range l.lines {
			fmt.Fprintln(out, "  "+line)
		}
	}
}

// list is what stands beside the rows, under a title.
type list struct {
	title string
	lines []string
}

// lists are those that are not empty.
func (r *Report) lists() []list {
	all := []list{{"Missing", absents(r.Missing)}, {"New, not compared", absents(r.New)}, {"Note", r.Warnings}}
	return slices.DeleteFunc(all, func(l list) bool { return len(l.lines) == 0 })
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

// columns are the cells of a row.
type columns [numColumns]string

const (
	colBenchmark = iota
	colUnit
	colOld
	colNew
	colChange
	colP
	colUnpaired
	colUnseen
	colVerdict
	numColumns
)

var tableHead = columns{"benchmark", "unit", "old", "new", "change", "p", "unpaired p", "unseen", "verdict"}

// writeTable writes the rows, under the configuration that they hold for. A name that
// is too long for its column has a line of its own, above its first row.
func (r *Report) writeTable(out io.Writer, color bool) {
	if len(r.Rows) == 0 {
		return
	}
	lines := make([]columns, len(r.Rows))
	for i := range r.Rows {
		lines[i] = r.Rows[i].columns()
	}
	widths := columnWidths(lines)
	fmt.Fprintln(out)
	if r.OldFile.Name != "" {
		fmt.Fprintf(out, "old: %s (%s)\n", terminal.Line(r.OldFile.Name), count(r.OldFile.Results, "result"))
	}
	fmt.Fprintf(out, "new: %s (%s)\n", terminal.Line(r.NewFile.Name), count(r.NewFile.Results, "result"))
	for i, l := range lines {
		row := &r.Rows[i]
		first := i == 0 || row.Config != r.Rows[i-1].Config
		if first {
			fmt.Fprintln(out)
			if row.Config != "" {
				fmt.Fprintln(out, row.Config)
			}
			writeLine(out, tableHead, widths)
		}
		if utf8.RuneCountInString(l[colBenchmark]) > widths[colBenchmark] {
			if first || row.Benchmark != r.Rows[i-1].Benchmark {
				fmt.Fprintln(out, l[colBenchmark])
			}
			l[colBenchmark] = ""
		}
		l[colVerdict] = paint(color, verdictColor[row.Verdict], l[colVerdict])
		writeLine(out, l, widths)
		// Rows with one cause have it once, below the last of them.
		goesOn := i+1 < len(lines) && r.Rows[i+1].Config == row.Config && r.Rows[i+1].why() == row.why()
		if why := row.why(); why != "" && !goesOn {
			fmt.Fprintln(out, "    "+why)
		}
	}
}

// tests says by what the rows were tested; empty if none was.
func (r *Report) tests() string {
	var paired, unpaired, least, most int
	for i := range r.Rows {
		switch row := &r.Rows[i]; row.Test {
		case TestUnpaired:
			unpaired++
		case TestPaired:
			if paired++; paired == 1 {
				least = row.Pairs
			}
			least, most = min(least, row.Pairs), max(most, row.Pairs)
		}
	}
	correction := ""
	if r.Family > 1 {
		correction = fmt.Sprintf("; p is adjusted for %d comparisons (Holm)", r.Family)
	}
	const mannWhitney = "Mann-Whitney U test of all samples"
	pairs := fmt.Sprintf("signed-rank test of %d pairs", most)
	if least < most {
		pairs = fmt.Sprintf("signed-rank test of %d to %d pairs", least, most)
	}
	switch {
	case paired == 0 && unpaired == 0:
		return ""
	case paired == 0:
		return "test: " + mannWhitney + correction
	case unpaired == 0:
		return "test: " + pairs + ", of which the change is, too" + correction
	}
	return fmt.Sprintf("test: %s, of which the change is, too, where there is an unpaired p (%s); else %s%s",
		pairs, count(paired, "row"), mannWhitney, correction)
}

// columnWidths are the widths of all columns: 0 of one that is left out, because it is
// about the verdict same or pairs, and there are none. That of the first is what is left
// of the line's width.
func columnWidths(lines []columns) (w [numColumns]int) {
	for _, l := range lines {
		for c, cell := range l {
			w[c] = max(w[c], utf8.RuneCountInString(cell))
		}
	}
	rest := 0
	for c, head := range tableHead {
		if w[c] > 0 || c != colUnpaired && c != colUnseen {
			w[c] = max(w[c], utf8.RuneCountInString(head))
			rest += w[c] + 2
		}
	}
	rest -= w[colBenchmark] + 2
	w[colBenchmark] = min(w[colBenchmark], max(textWidth-rest, 12))
	return w
}

// writeLine writes a line of the table: numbers to the right.
func writeLine(out io.Writer, l columns, w [numColumns]int) {
	var line strings.Builder
	for c, cell := range l {
		switch {
		case w[c] == 0:
		case c <= colUnit:
			fmt.Fprintf(&line, "%-*s  ", w[c], cell)
		case c == colVerdict: // it may have a colour
			line.WriteString(cell)
		default:
			fmt.Fprintf(&line, "%*s  ", w[c], cell)
		}
	}
	fmt.Fprintln(out, strings.TrimRight(line.String(), " "))
}

// columns are the cells of the row.
func (r *Row) columns() columns {
	before, after := r.values()
	change, p, unpaired := formatDelta(r.Delta), formatP(r.PAdjusted), ""
	switch {
	case r.Bound != "":
		change = ""
	case r.Exact:
		p = "exact"
	case r.Test == TestPaired:
		unpaired = formatP(r.P)
	}
	return columns{r.Benchmark, terminal.Line(r.Unit), before, after, change, p, unpaired, r.unseenCell(), r.verdictName()}
}

// why is what the verdict is for, and the waiver.
func (r *Row) why() string {
	if r.Waived == nil {
		return r.Why
	}
	return strings.TrimPrefix(r.Why+"; "+r.Waived.String(), "; ")
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

// change is what a row that failed has become: "5.036 ± 1% -> 6.036 ± 1% (+19.86%, p=0.0001)".
func (r *Row) change() string {
	before, after := r.values()
	text := after + ", " + r.Why
	if r.Bound == "" {
		text = before + " -> " + after + " (" + formatDelta(r.Delta)
		if p := formatP(r.PAdjusted); p != "" {
			text += ", p=" + p
		}
		text += ")"
	}
	return strings.Join(strings.Fields(text), " ") // without what aligns columns
}

// verdictName is the verdict for people: what needs attention is in capitals.
func (r *Row) verdictName() string {
	switch {
	case r.Waived != nil:
		return "waived"
	case r.failed():
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
