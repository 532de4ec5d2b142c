package dcgmsource

import (
	"bytes"
	"fmt"
	"maps"
	"strconv"
)

// maxRows is far more than any exporter writes: 32 GPUs, 7 instances and a
// hundred pods.
const maxRows = 1 << 16

// page takes apart the pages of one endpoint. It looks at the rows of the
// metrics that are read, and at no others: what is wrong with those does not
// matter. Labels that were on the page before are not parsed again.
type page struct {
	rows []row // of the page that was parsed last
	sets map[string]*labelSet
	// place returns the position of a GPU in the endpoint's devices; negative if
	// it is none of them.
	place  func(uuid string) int
	parsed uint64 // pages
	known  int    // different labels on the page
}

// row is a row of a metric that is read.
type row struct {
	metric int // position in metrics
	labels *labelSet
	raw    float64
	// err says that the row has no value that can be understood.
	err error
}

// failure says why the row is of no use; nil if it is.
func (r *row) failure() error {
	if r.labels.err != nil {
		return r.labels.err
	}
	return r.err
}

// parse takes apart a whole page. The rows are good until the next call. A row
// that is broken is among them, with its error.
func (p *page) parse(body []byte) error {
	p.rows = p.rows[:0]
	if err := checkWhole(body); err != nil {
		return err
	}
	p.parsed++
	p.known = 0
	for len(body) > 0 {
		line := body
		if end := bytes.IndexByte(body, '\n'); end >= 0 {
			line, body = body[:end], body[end+1:]
		} else {
			body = nil
		}
		line = bytes.TrimLeft(line, " \t")
		m := metricOf(line)
		if m < 0 {
			continue
		}
		if len(p.rows) == maxRows {
			p.rows = p.rows[:0]
			return fmt.Errorf("%w: it has more than %d rows of energy and power", ErrPage, maxRows)
		}
		p.rows = append(p.rows, p.row(m, line[len(metrics[m].name):]))
	}
	p.forget()
	return nil
}

// checkWhole checks that the body is a page of metrics, from its beginning to
// its end: a page that ends in the middle would lack GPUs.
func checkWhole(body []byte) error {
	text := bytes.TrimSpace(body)
	switch {
	case len(text) == 0:
		return errEmptyPage
	case text[0] == '<':
		return fmt.Errorf("%w: it is an HTML page: check the path, which is /metrics unless the address has another, and whether one must log in", ErrPage)
	case body[len(body)-1] != '\n' && !bytes.HasSuffix(body, []byte("\n# EOF")):
		return fmt.Errorf("%w: it ends in the middle of a line", ErrPage)
	}
	return nil
}

// metricOf returns the position in metrics of the metric whose row the line is;
// negative if it is none.
func metricOf(line []byte) int {
	if len(line) == 0 || line[0] != 'D' && line[0] != 'd' {
		return -1
	}
	for i := range metrics {
		name := metrics[i].name
		if len(line) > len(name) && string(line[:len(name)]) == name {
			switch line[len(name)] {
			case '{', ' ', '\t':
				return i
			}
		}
	}
	return -1
}

// row takes apart what follows the name of the metric.
func (p *page) row(metric int, text []byte) row {
	end := bytes.LastIndexByte(text, '}') + 1
	r := row{metric: metric, labels: p.labels(bytes.TrimLeft(text[:end], " \t"))}
	r.raw, r.err = number(bytes.Trim(text[end:], " \t\r"))
	return r
}

// number understands a value, and checks the time stamp if there is one. The
// exporter writes none.
func number(text []byte) (float64, error) {
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

// labels returns the labels of a row, from memory if they were on a page before.
func (p *page) labels(text []byte) *labelSet {
	s := p.sets[string(text)]
	if s == nil {
		own := string(text)
		s = newLabelSet(own)
		if p.place != nil && s.uuid != "" {
			s.device = p.place(s.uuid)
		}
		if p.sets == nil {
			p.sets = map[string]*labelSet{}
		}
		p.sets[own] = s
	}
	if s.seen != p.parsed {
		s.seen = p.parsed
		p.known++
	}
	return s
}

// forget drops labels that are no longer on the page, once they are most of the
// memory: pods come and go.
func (p *page) forget() {
	const spare = 64
	if len(p.sets) > 2*p.known+spare {
		maps.DeleteFunc(p.sets, func(_ string, s *labelSet) bool { return s.seen != p.parsed })
	}
}
