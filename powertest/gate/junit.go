package gate

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"io"
	"math"
	"strings"
)

type junitSuites struct {
	XMLName xml.Name   `xml:"testsuites"`
	Suite   junitSuite `xml:"testsuite"`
}

type junitSuite struct {
	Name     string      `xml:"name,attr"`
	Tests    int         `xml:"tests,attr"`
	Failures int         `xml:"failures,attr"`
	Errors   int         `xml:"errors,attr"`
	Skipped  int         `xml:"skipped,attr"`
	Cases    []junitCase `xml:"testcase"`
}

type junitCase struct {
	Class   string        `xml:"classname,attr"`
	Name    string        `xml:"name,attr"`
	Failure *junitMessage `xml:"failure,omitempty"`
	Error   *junitMessage `xml:"error,omitempty"`
	Skipped *junitMessage `xml:"skipped,omitempty"`
	Output  string        `xml:"system-out,omitempty"` // of what has passed: what could have gone unseen
}

type junitMessage struct {
	Message string `xml:"message,attr"`
	Text    string `xml:",chardata"`
}

// WriteJUnit writes the report as JUnit XML: a case for each row, and one named
// "gate" for the outcome. Regressions and what is over budget are failures; what
// could not be judged is an error; what is waived is skipped.
func (r *Report) WriteJUnit(w io.Writer) error {
	s := junitSuite{Name: "powertest gate"}
	whole := junitCase{Class: "powertest", Name: "gate"}
	message := &junitMessage{Message: r.Headline()}
	for _, reason := range r.Reasons {
		message.Text += reason + "\n"
	}
	switch r.Outcome {
	case Regression:
		whole.Failure = message
	case CannotJudge:
		whole.Error = message
	case Pass:
		whole.Output = message.Message
	}
	s.add(whole)
	for i := range r.Rows {
		s.add(r.Rows[i].junit())
	}
	for _, m := range r.Missing {
		s.add(m.junit())
	}
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return err
	}
	var b bytes.Buffer
	enc := xml.NewEncoder(&b)
	enc.Indent("", "  ")
	if err := enc.Encode(junitSuites{Suite: s}); err != nil {
		return fmt.Errorf("writing JUnit XML: %w", err)
	}
	// The same text, in which GitHub Actions finds no command.
	_, err := fmt.Fprintln(w, strings.ReplaceAll(b.String(), "##", "&#35;&#35;"))
	return err
}

func (s *junitSuite) add(c junitCase) {
	s.Cases = append(s.Cases, c)
	s.Tests++
	switch {
	case c.Failure != nil:
		s.Failures++
	case c.Error != nil:
		s.Errors++
	case c.Skipped != nil:
		s.Skipped++
	}
}

func (r *Row) junit() junitCase {
	c := junitCase{Class: r.Name(), Name: r.Unit}
	if r.Bound != "" {
		c.Name += " " + r.Bound
	}
	before, after := r.values()
	statistics := ""
	if r.Bound == "" {
		statistics = fmt.Sprintf("(%s, p=%s) ", formatDelta(r.Delta), formatP(r.PAdjusted))
	}
	message := &junitMessage{Message: fmt.Sprintf("%s: %s -> %s %s%s", r.Verdict, before, after, statistics, r.Why)}
	switch {
	case r.Waived != nil:
		c.Skipped = &junitMessage{Message: r.Waived.String()}
	case r.failed():
		c.Failure = message
	case r.Verdict == VerdictInconclusive:
		c.Error = message
	case !math.IsNaN(r.Unseen):
		c.Output = message.Message + "; a change for the worse of " + upTo(r.Unseen) + " could have gone unseen"
	}
	return c
}

func (a Absent) junit() junitCase {
	c := junitCase{Class: a.Name(), Name: a.Unit + " missing"}
	if a.Waived != nil {
		c.Skipped = &junitMessage{Message: a.Waived.String()}
	} else {
		c.Error = &junitMessage{Message: "missing in the " + a.Side + " file"}
	}
	return c
}
