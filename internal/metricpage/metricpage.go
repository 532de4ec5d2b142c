// Package metricpage takes apart pages of metrics in the text format of Prometheus, row by
// row: a row that is broken takes no other with it.
package metricpage

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
)

// ErrPage says that a text is not a page of metrics, or not all of one. It is wrapped.
var ErrPage = errors.New("not a page of metrics")

// ErrEmpty is the error of an empty page, which is how an exporter answers while it
// reloads. It wraps [ErrPage].
var ErrEmpty = fmt.Errorf("%w: the page is empty, as while an exporter reloads", ErrPage)

// CheckWhole checks that the body is a page of metrics, from its beginning to
// its end: a page that ends in the middle would lack GPUs.
func CheckWhole(body []byte) error {
	text := bytes.TrimSpace(body)
	switch {
	case len(text) == 0:
		return ErrEmpty
	case text[0] == '<':
		return fmt.Errorf("%w: it is an HTML page\ncheck the path, which is /metrics unless the address has another, and whether one must log in", ErrPage)
	case body[len(body)-1] != '\n' && !bytes.HasSuffix(body, []byte("\n# EOF")) && !bytes.Contains(body, []byte("\nxpum_")):
		// Intel's XPU Manager writes no newline after the last row.
		return fmt.Errorf("%w: it ends in the middle of a line", ErrPage)
	}
	return nil
}

// Line cuts the first line off a page, without blanks before it.
func Line(page []byte) (line, rest []byte) {
	line, rest, _ = bytes.Cut(page, []byte{'\n'})
	return bytes.TrimLeft(line, " \t"), rest
}

// Cut divides what follows the name of the metric in a row into labels, with their
// braces, and value.
func Cut(text []byte) (labels, value []byte) {
	end := bytes.LastIndexByte(text, '}') + 1
	return bytes.TrimLeft(text[:end], " \t"), bytes.Trim(text[end:], " \t\r")
}

// Number understands a value, and checks the time stamp if there is one. The
// exporter writes none.
func Number(text []byte) (float64, error) {
	value, stamp := text, []byte(nil)
	if end := bytes.IndexAny(text, " \t"); end >= 0 {
		value, stamp = text[:end], bytes.TrimLeft(text[end:], " \t")
	}
	v, err := strconv.ParseFloat(string(value), 64)
	if err != nil || bytes.ContainsAny(value, "pP_") { // Go's, not the format's
		return 0, fmt.Errorf("%w: a row has the value %.40q", ErrPage, value)
	}
	if len(stamp) == 0 {
		return v, nil
	}
	if _, err = strconv.ParseInt(string(stamp), 10, 64); err != nil {
		return 0, fmt.Errorf("%w: a row has %.40q behind its value", ErrPage, stamp)
	}
	return v, nil
}

// Label is a label of a row.
type Label struct{ Name, Value string }

// maxLabels is far more than any row has. That a name appears once takes time by
// the square of their number, so that a hostile page could take hours.
const maxLabels = 128

// Labels understands labels in braces; empty text means that there are none. It leaves
// them to package expfmt, as those of a row by itself.
func Labels(text string) ([]Label, error) {
	if strings.Count(text, "=") > maxLabels {
		return nil, fmt.Errorf("%w: a row has more than %d labels", ErrPage, maxLabels)
	}
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(strings.NewReader("row" + text + " 0\n"))
	if err != nil {
		return nil, fmt.Errorf("%w: a row cannot be parsed: %.200s\na pod or job may have a quote in its name", ErrPage, err.Error())
	}
	rows := families["row"].GetMetric()
	if len(rows) != 1 {
		return nil, fmt.Errorf("%w: a row cannot be parsed", ErrPage)
	}
	var pairs []Label
	for _, l := range rows[0].GetLabel() {
		pairs = append(pairs, Label{l.GetName(), l.GetValue()})
	}
	return pairs, nil
}
