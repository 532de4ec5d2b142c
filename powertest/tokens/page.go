package tokens

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/joulebench/joulebench/internal/metricpage"
	"github.com/joulebench/joulebench/internal/tokenmetric"
)

const (
	// maxBody is a hundred times the page of a server with a dozen of models.
	maxBody = 16 << 20
	// maxRows is far more than there are series of tokens on any page.
	maxRows = 1 << 14
)

// row is a row of a page that is of use.
type row struct {
	name   string
	labels []metricpage.Label
	value  float64
}

func (r row) get(label string) string {
	for _, l := range r.labels {
		if l.Name == label {
			return l.Value
		}
	}
	return ""
}

// parsePage takes the rows of use from a page. A page with a broken one is an error, since a
// sum would lack it.
func parsePage(body []byte) ([]row, error) {
	if err := metricpage.CheckWhole(body); err != nil {
		return nil, err
	}
	var rows []row
	for len(body) > 0 {
		var line []byte
		line, body = metricpage.Line(body)
		end := bytes.IndexAny(line, "{ \t")
		if end <= 0 || line[0] == '#' || !tokenmetric.Wanted(string(line[:end])) {
			continue
		}
		r := row{name: string(line[:end])}
		labels, value := metricpage.Cut(line[end:])
		var err error
		if len(labels) > 0 {
			if r.labels, err = metricpage.Labels(string(labels)); err != nil {
				return nil, fmt.Errorf("%s: %w", r.name, err)
			}
		}
		if r.value, err = metricpage.Number(value); err != nil {
			return nil, fmt.Errorf("%s: %w", r.name, err)
		}
		if rows = append(rows, r); len(rows) > maxRows {
			return nil, fmt.Errorf("%w: it has more than %d rows of tokens", metricpage.ErrPage, maxRows)
		}
	}
	return rows, nil
}

// values returns the values of a metric by key: of copies, the greatest.
func values(rows []row, m tokenmetric.Metric, copies []string) map[string]float64 {
	all := map[string]float64{}
	for _, r := range rows {
		if r.name == m.Name && r.value >= 0 && m.Counts(r.get(m.Label)) {
			key := tokenmetric.Key(r.labels, copies)
			all[key] = max(all[key], r.value)
		}
	}
	return all
}

// has reports whether there is a row of a metric.
func has(rows []row, name string) bool {
	return slices.ContainsFunc(rows, func(r row) bool { return r.name == name })
}

// origin says when the process of a page began, as far as the page does; empty if it does
// not.
func origin(rows []row) string {
	var parts []string
	for _, r := range rows {
		if r.name == tokenmetric.ProcessStart || tokenmetric.IsCreated(r.name) {
			parts = append(parts, fmt.Sprintf("%s{%s} %v", r.name, tokenmetric.Key(r.labels, nil), r.value))
		}
	}
	slices.Sort(parts)
	return strings.Join(parts, "\n")
}
