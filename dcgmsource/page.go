package dcgmsource

import (
	"fmt"
	"maps"
	"strings"

	"github.com/joulebench/joulebench/internal/metricname"
	"github.com/joulebench/joulebench/internal/metricpage"
	"github.com/joulebench/joulebench/powertest/energy"
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
	// places are the positions of GPUs in the endpoint's devices, by UUID.
	places map[string]int
	parsed uint64 // pages
	known  int    // different labels on the page
}

// row is a row of a metric that is read.
type row struct {
	metric int // position in metricname.Table
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
	if err := metricpage.CheckWhole(body); err != nil {
		return err
	}
	p.parsed++
	p.known = 0
	for len(body) > 0 {
		var line []byte
		line, body = metricpage.Line(body)
		m := metricname.Begins(line)
		if m < 0 {
			continue
		}
		if len(p.rows) == maxRows {
			p.rows = p.rows[:0]
			return fmt.Errorf("%w: it has more than %d rows of energy and power", ErrPage, maxRows)
		}
		p.rows = append(p.rows, p.row(m, line[len(metricname.Table[m].Name):]))
	}
	p.forget()
	return nil
}

// row takes apart what follows the name of the metric.
func (p *page) row(metric int, text []byte) row {
	labels, value := metricpage.Cut(text)
	r := row{metric: metric, labels: p.labels(labels)}
	r.raw, r.err = metricpage.Number(value)
	return r
}

// labels returns the labels of a row, from memory if they were on a page before.
func (p *page) labels(text []byte) *labelSet {
	s := p.sets[string(text)]
	if s == nil {
		own := string(text)
		s = newLabelSet(own)
		if i, chosen := p.places[s.uuid]; chosen {
			s.device = i
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

// labelSet is the labels of a row, understood once: an exporter writes the same
// ones on every page.
type labelSet struct {
	pairs []metricpage.Label
	// err says why the labels cannot be understood.
	err error
	// uuid is that of the GPU; for broken labels, what looks like it.
	uuid string
	// host is what the machine of the GPU is called.
	host string
	// device is the position in the endpoint's devices; negative if it is none
	// of them.
	device int
	// seen is the page that the labels were on last.
	seen uint64
}

// get returns the value of a label; empty if there is none of the name.
func (s *labelSet) get(name string) string {
	for _, l := range s.pairs {
		if l.Name == name {
			return l.Value
		}
	}
	return ""
}

// newLabelSet understands what stands between a metric's name and its value.
func newLabelSet(text string) *labelSet {
	s := &labelSet{device: -1}
	if s.pairs, s.err = metricpage.Labels(text); s.err != nil {
		s.uuid = uuidIn(text)
		return s
	}
	d := s.gpu()
	s.uuid, s.host = d.UUID, d.Host
	return s
}

// gpu returns what the labels say of their GPU.
func (s *labelSet) gpu() energy.Device { return metricname.DCGM.Device(s.get) }

// uuidIn returns what looks like the UUID of the GPU in the text of a row; empty
// if nothing does. That of a link's other end, gpu_uuid, is not it.
func uuidIn(text string) string {
	for _, name := range metricname.DCGM.UUID {
		name += `="`
		for rest := text; ; {
			at := strings.Index(rest, name)
			if at < 0 {
				break
			}
			value := rest[at+len(name):]
			if end := strings.IndexByte(value, '"'); end > 0 && at > 0 && strings.IndexByte("{, \t", rest[at-1]) >= 0 {
				return value[:end]
			}
			rest = value
		}
	}
	return ""
}
