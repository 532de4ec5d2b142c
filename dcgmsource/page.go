package dcgmsource

import (
	"bytes"
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
	// words are the metrics that are read; nil means all that are known. Where unread is
	// not nil, it says which of them are not, by their position.
	words  *metricname.Vocabulary
	unread func(metric int) bool
	// place is where the page is, host:port: the name of its machine, where rows have none.
	place string
	rows  []row // of the page that was parsed last
	sets  map[string]*labelSet
	// places are the positions of GPUs in the endpoint's devices, by UUID.
	places map[string]int
	parsed uint64 // pages
	known  int    // different labels on the page
}

// row is a row of a metric that is read.
type row struct {
	metric int // position in the page's words
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
	words := p.vocabulary()
	var name []byte
	m := metricname.None
	for len(body) > 0 {
		line := body
		if end := bytes.IndexByte(body, '\n'); end >= 0 {
			line, body = body[:end], body[end+1:]
		} else {
			body = nil
		}
		for len(line) > 0 && (line[0] == ' ' || line[0] == '\t') {
			line = line[1:]
		}
		if name, m = words.Begins(line, name, m); m < 0 {
			continue
		}
		if len(p.rows) == maxRows {
			p.rows = p.rows[:0]
			return fmt.Errorf("%w: it has more than %d rows of energy and power", ErrPage, maxRows)
		}
		if r := p.row(m, name, line); r.metric >= 0 && (p.unread == nil || !p.unread(r.metric)) {
			p.rows = append(p.rows, r)
		}
	}
	p.forget()
	return nil
}

// vocabulary returns the metrics that are read.
func (p *page) vocabulary() *metricname.Vocabulary {
	if p.words == nil {
		return metricname.Known
	}
	return p.words
}

// row takes apart a line that begins with the name of a metric, which is the first of its
// name. The row has no metric if none of them wants it.
func (p *page) row(metric int, name, line []byte) row {
	end := max(bytes.LastIndexByte(line, '}')+1, len(name))
	r := row{labels: p.labels(metric, name, line[:end])}
	r.metric = r.labels.metric
	r.raw, r.err = metricpage.Number(bytes.Trim(line[end:], " \t\r"))
	return r
}

// labels returns the labels of a row, from memory if they were on a page before.
func (p *page) labels(metric int, name, text []byte) *labelSet {
	s := p.sets[string(text)]
	if s == nil {
		own := string(text)
		s = p.newLabelSet(metric, own[:len(name)], strings.TrimLeft(own[len(name):], " \t"))
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
	// metric is the position of the metric, and name the name that it has on the page.
	metric int
	name   string
	pairs  []metricpage.Label
	// describe says what the labels say of their device.
	describe func(metricname.Labels) energy.Device
	// place is where the page is.
	place string
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
	if name == metricname.InstanceLabel {
		return s.place
	}
	return ""
}

// newLabelSet understands what stands between a metric's name and its value. metric is the
// first of the name; negative if none of it is read, and the labels are those of
// dcgm-exporter.
func (p *page) newLabelSet(metric int, name, text string) *labelSet {
	s := &labelSet{metric: metric, name: name, place: p.place, device: -1}
	x := &metricname.DCGM
	if metric >= 0 {
		x = p.vocabulary().At(metric).From
	}
	s.describe = x.Device
	s.pairs, s.err = metricpage.Labels(text)
	if s.err != nil {
		s.uuid = uuidIn(text, x)
		return s
	}
	if metric >= 0 {
		if s.metric = p.vocabulary().Row(metric, s.get); s.metric < 0 {
			return s
		}
		s.describe = p.vocabulary().At(s.metric).Device
	}
	d := s.gpu()
	s.uuid, s.host = d.UUID, d.Host
	return s
}

// gpu returns what the labels say of their device.
func (s *labelSet) gpu() energy.Device { return s.describe(s.get) }

// uuidIn returns what looks like the UUID of the GPU in the text of a row; empty
// if nothing does. That of a link's other end, gpu_uuid, is not it.
func uuidIn(text string, x *metricname.Exporter) string {
	for _, name := range x.UUID {
		name += `="`
		for rest := text; ; {
			at := strings.Index(rest, name)
			if at < 0 {
				break
			}
			value := rest[at+len(name):]
			if end := strings.IndexByte(value, '"'); end > 0 && at > 0 && strings.IndexByte("{, \t", rest[at-1]) >= 0 {
				return x.Identity(func(string) string { return value[:end] })
			}
			rest = value
		}
	}
	return ""
}
