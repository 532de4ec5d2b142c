package gate

import (
	"bufio"
	"fmt"
	"io"
	"strings"
)

// maxAnnotations is how many errors, and how many warnings, GitHub shows of one
// step.
const maxAnnotations = 10

// WriteGitHub writes workflow commands, with which GitHub Actions shows the
// reasons as annotations of the run: errors for what makes the outcome, warnings
// for what is waived, inconclusive beside a regression, or to be known.
func (r *Report) WriteGitHub(w io.Writer) error {
	out := bufio.NewWriter(w)
	var errors, warnings []string
	if r.Outcome != Pass {
		errors = append(errors, r.Headline())
		if len(r.Reasons) > 1 || r.Outcome != CannotJudge {
			errors = append(errors, r.Reasons...)
		}
	}
	for i := range r.Rows {
		if row := &r.Rows[i]; row.Waived != nil {
			warnings = append(warnings, fmt.Sprintf("%s %s %s is %s", row.Benchmark, row.Unit, row.Verdict, row.Waived))
		}
	}
	warnings = append(warnings, r.Warnings...)
	annotate(out, "error", errors)
	annotate(out, "warning", warnings)
	return out.Flush()
}

func annotate(out io.Writer, level string, messages []string) {
	for i, m := range messages {
		if i == maxAnnotations {
			return
		}
		fmt.Fprintf(out, "::%s title=%s::%s\n", level, escapeProperty("powertest gate"), escapeData(m))
	}
}

// The escapes of workflow commands, as the runner's toolkit has them.
var (
	dataEscaper     = strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A")
	propertyEscaper = strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A", ":", "%3A", ",", "%2C")
)

func escapeData(s string) string     { return dataEscaper.Replace(s) }
func escapeProperty(s string) string { return propertyEscaper.Replace(s) }
