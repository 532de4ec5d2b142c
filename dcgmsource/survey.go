package dcgmsource

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/joulebench/joulebench/powertest/energy"
)

// survey is what a page tells of GPUs, also of those whose energy it does not
// tell.
type survey struct {
	gpus    []surveyed // in the order of their first rows
	at      map[string]int
	drivers []string
	// unknown are the names of metrics that look like energy.
	unknown []string
	// broken is the first row that tells energy or power of nobody knows whom.
	broken error
}

// What a page of one host may hold: DCGM knows at most 32 GPUs.
const (
	maxGPUs    = 1024
	maxUnknown = 16
)

// surveyed is one GPU of a page.
type surveyed struct {
	device energy.Device
	duplicates
	// energy and power are positions in metrics; negative if there is no value.
	energy, power int
	// rows is how many rows tell of the metric that counts: energy, or power.
	rows int
	// broken says why a row of its energy or power could not be understood.
	broken error
}

// counts returns the metric that counts: energy, or power where there is none;
// negative if there is neither.
func (g *surveyed) counts() int {
	if g.energy >= 0 {
		return g.energy
	}
	return g.power
}

// surveyPage looks at every row of a page that parse has taken apart.
func surveyPage(p *page, body string) *survey {
	s := &survey{at: map[string]int{}}
	last := ""
	for line := range strings.Lines(body) {
		line = strings.Trim(line, " \t\r\n")
		if line == "" || line[0] == '#' {
			continue
		}
		name := line
		if end := strings.IndexAny(line, "{ \t"); end >= 0 {
			name = line[:end]
		}
		if name != last && len(s.unknown) < maxUnknown && energyLike(name) && !slices.Contains(s.unknown, name) {
			s.unknown = append(s.unknown, name)
		}
		last = name
		s.sight(line[len(name):])
	}
	for i := range p.rows {
		s.take(&p.rows[i])
	}
	for i := range p.rows {
		s.count(&p.rows[i])
	}
	return s
}

// full reports that no more GPUs are taken, which is an error of the page.
func (s *survey) full() bool {
	if len(s.gpus) < maxGPUs {
		return false
	}
	s.broken = cmp.Or(s.broken, fmt.Errorf("%w: it has more than %d GPUs", ErrPage, maxGPUs))
	return true
}

// sight adds the GPU of a row if it is new.
func (s *survey) sight(text string) {
	uuid := uuidIn(text)
	if uuid == "" {
		return
	}
	if _, known := s.at[uuid]; known || s.full() {
		return
	}
	set := newLabelSet(strings.TrimLeft(text[:strings.LastIndexByte(text, '}')+1], " \t"))
	if set.err == nil && set.uuid != "" {
		uuid = set.uuid
	}
	s.gpu(uuid, set)
}

// gpu returns the GPU of the UUID, which is added if it is new.
func (s *survey) gpu(uuid string, set *labelSet) *surveyed {
	i, known := s.at[uuid]
	if !known {
		i = len(s.gpus)
		s.at[uuid] = i
		d := deviceOf(set.get)
		d.UUID = uuid
		s.gpus = append(s.gpus, surveyed{device: d, energy: -1, power: -1})
	}
	if v := driverOf(set.get); v != "" && !slices.Contains(s.drivers, v) {
		s.drivers = append(s.drivers, v)
	}
	return &s.gpus[i]
}

// take learns from a row which metrics its GPU has.
func (s *survey) take(r *row) {
	err := r.failure()
	if r.labels.uuid == "" {
		if err == nil {
			err = fmt.Errorf("%w: a row of %s has no label UUID, so that nobody can say which GPU it is of", ErrPage, metrics[r.metric].name)
		}
		s.broken = cmp.Or(s.broken, err)
		return
	}
	if _, known := s.at[r.labels.uuid]; !known && s.full() {
		return
	}
	g := s.gpu(r.labels.uuid, r.labels)
	if err != nil {
		g.broken = err
		return
	}
	if g.device.Name == "" && g.device.Host == "" { // its first row was broken
		g.device = deviceOf(r.labels.get)
	}
	if _, ok := metrics[r.metric].value(r.raw); !ok {
		return
	}
	best := &g.energy
	if metrics[r.metric].kind == powerKind {
		best = &g.power
	}
	if *best < 0 || r.metric < *best {
		*best = r.metric
	}
	g.duplicates.add(r.labels.get)
}

// count counts the rows of the metric that counts.
func (s *survey) count(r *row) {
	if r.labels.uuid == "" || r.failure() != nil {
		return
	}
	at, known := s.at[r.labels.uuid]
	if !known {
		return // the page is refused
	}
	g := &s.gpus[at]
	if r.metric == g.counts() {
		g.rows++
	}
}
