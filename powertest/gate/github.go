package gate

import (
	"bufio"
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/joulebench/joulebench/internal/terminal"
)

// maxSame is how many rows without a change a summary in markdown lists: GitHub
// takes no more than 1 MiB.
const maxSame = 200

// WriteMarkdown writes the report for $GITHUB_STEP_SUMMARY: the headline, the
// reasons, the rows that changed, and those that did not in a part that opens
// with a click. It begins and ends with a blank line, so that it can be appended.
func (r *Report) WriteMarkdown(w io.Writer) error {
	return printed(w, r.markdown)
}

func (r *Report) markdown(out io.Writer) {
	verdict, rest, _ := strings.Cut(r.Headline(), ": ")
	fmt.Fprintf(out, "\n**%s**: %s\n\n", verdict, escapeMarkdown(rest))
	for _, reason := range r.furtherReasons() {
		fmt.Fprintf(out, "- %s\n", escapeMarkdown(reason))
	}
	var changed, same []*Row
	for i := range r.Rows {
		if row := &r.Rows[i]; row.Verdict == VerdictSame || row.Verdict == VerdictWithinBudget {
			same = append(same, row)
		} else {
			changed = append(changed, row)
		}
	}
	writeRows(out, changed, r)
	if len(same) > 0 {
		fmt.Fprintf(out, "\n<details><summary>%s without a change</summary>\n", count(len(same), "row"))
		writeRows(out, same, r)
		fmt.Fprint(out, "\n</details>\n")
	}
	if tests := r.tests(); tests != "" {
		fmt.Fprintf(out, "\n%s\n", escapeMarkdown(tests))
	}
	for _, l := range r.lists() {
		fmt.Fprintf(out, "\n%s:\n\n", l.title)
		for _, line := range l.lines[:min(maxSame, len(l.lines))] {
			fmt.Fprintf(out, "- %s\n", escapeMarkdown(line))
		}
		if more := len(l.lines) - maxSame; more > 0 {
			fmt.Fprintf(out, "- and %d more\n", more)
		}
	}
	fmt.Fprintln(out)
}

// tableRule is the row below the head: numbers to the right.
var tableRule = columns{"|---", "|---", "|--:", "|--:", "|--:", "|--:", "|--:", "|--:", "|---"}

// writeRows writes a table of rows, under a line for each configuration.
func writeRows(out io.Writer, rows []*Row, r *Report) {
	lines := make([]columns, len(rows))
	for i, row := range rows {
		lines[i] = row.columns()
	}
	widths := columnWidths(lines)
	for i, row := range rows {
		if i == maxSame {
			fmt.Fprintf(out, "\n%s not shown\n", count(len(rows)-i, "row"))
			return
		}
		if i == 0 || row.Config != rows[i-1].Config {
			fmt.Fprintln(out)
			if row.Config != "" {
				fmt.Fprintf(out, "%s\n\n", escapeMarkdown(row.Config))
			}
			head := tableHead
			head[colOld], head[colNew] = cmp.Or(r.OldFile.Name, "budget"), r.NewFile.Name
			writeCells(out, "| %s ", head.escaped(), widths)
			writeCells(out, "%s", tableRule, widths)
		}
		cells := lines[i]
		if why := row.why(); why != "" {
			cells[colVerdict] += ": " + why
		}
		writeCells(out, "| %s ", cells.escaped(), widths)
	}
}

func (l columns) escaped() columns {
	for c := range l {
		l[c] = escapeMarkdown(l[c])
	}
	return l
}

func writeCells(out io.Writer, format string, cells columns, widths [numColumns]int) {
	for c, cell := range cells {
		if widths[c] > 0 {
			fmt.Fprintf(out, format, cell)
		}
	}
	fmt.Fprintln(out, "|")
}

var markdownEscaper = strings.NewReplacer(
	`\`, `\\`, "`", "\\`", "|", `\|`, "*", `\*`, "_", `\_`, "<", "&lt;", ">", "&gt;", "&", "&amp;",
	"[", `\[`, "]", `\]`, "~", `\~`, "#", `\#`, "@", "&#64;", "\r", " ", "\n", " ",
)

// escapeMarkdown is text that means itself in a table of GitHub's markdown.
func escapeMarkdown(s string) string { return markdownEscaper.Replace(s) }

// maxAnnotations is how many annotations of a level are written: GitHub keeps so many of
// a job, and shows the first ten of a step.
const maxAnnotations = 50

// WriteGitHub writes workflow commands, with which GitHub Actions shows annotations of
// the run: errors for what makes the outcome, each regression by itself, and warnings
// for what is waived, inconclusive beside a regression, or to be known. A pass is a
// notice of what could have gone unseen. Of more than 50, the last one says how many are
// left out.
func (r *Report) WriteGitHub(w io.Writer) error {
	out := bufio.NewWriter(w)
	var errors, warnings, notices []string
	switch {
	case r.Outcome != Pass:
		errors = append(errors, r.Headline())
	case r.leastSeen() != nil:
		notices = append(notices, r.Headline())
	}
	for i := range r.Rows {
		row := &r.Rows[i]
		switch what := fmt.Sprintf("%s %s %s", row.Name(), row.Unit, row.Verdict); {
		case row.Waived != nil:
			warnings = append(warnings, fmt.Sprintf("%s is %s", what, row.Waived))
		case row.failed() && r.Outcome != Pass:
			errors = append(errors, what+": "+row.change()+"; "+adviceOnFailure(row.Verdict))
		}
	}
	for _, reason := range r.furtherReasons() {
		if !slices.Contains(r.sums, reason) {
			errors = append(errors, reason)
		}
	}
	warnings = append(warnings, r.Warnings...)
	annotate(out, "error", errors)
	annotate(out, "warning", warnings)
	annotate(out, "notice", notices)
	return out.Flush()
}

func annotate(out io.Writer, level string, messages []string) {
	if more := len(messages) - maxAnnotations; more > 0 {
		messages = append(messages[:maxAnnotations-1:maxAnnotations-1], fmt.Sprintf("and %d more, which are in the log", more+1))
	}
	for _, m := range messages {
		fmt.Fprintf(out, "::%s title=powertest gate::%s\n", level, dataEscaper.Replace(terminal.Text(m)))
	}
}

// dataEscaper has the escapes of workflow commands, as the runner's toolkit has them.
var dataEscaper = strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A")
