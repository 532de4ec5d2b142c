package dcgmsource

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/joulebench/joulebench/internal/metricname"
	"github.com/joulebench/joulebench/powertest/energy"
)

// survey is what a page has of GPUs, also of those whose energy it does not have.
type survey struct {
	words *metricname.Vocabulary
	gpus  []gpu // in the order of their first rows
	at    map[string]int
	// left are the UUIDs of further devices, which are not measured.
	left    []string
	drivers []string
	// unknown are the names of metrics that look like energy.
	unknown []string
	// broken is the first row of energy or power that is of no known GPU.
	broken error
	// foreign is the other exporter that the page is of, where that is known, and
	// elsewhere are its metrics of power and energy, which are not read.
	foreign   string
	elsewhere []string
}

// What a page of one host may hold: DCGM knows at most 32 GPUs.
const (
	maxGPUs    = 1024
	maxUnknown = 16
	// maxElsewhere is how many metrics a message names.
	maxElsewhere = 4
)

// gpu is one GPU of a page.
type gpu struct {
	device energy.Device
	users  metricname.Rows
	// from is the exporter whose row it was found by; that of its energy or power, where
	// it has any.
	from *metricname.Exporter
	// energy and power are positions in the page's words; negative if there is no
	// value. names are the names that these have on the page.
	energy, power int
	names         map[int]string
	// rows is how many rows there are of each metric, by its position.
	rows map[int]int
	// broken says why a row of its energy or power could not be understood.
	broken error
	// zero says that its counter shows 0: it counts nothing, since a GPU that is on uses
	// some joules within the first page.
	zero bool
}

// unread reports whether the counter of the GPU shows 0, and no other of it does not.
func (g *gpu) unread() bool { return g.zero && g.energy < 0 }

// counts returns the metric that counts: energy, or power where there is none;
// negative if there is neither.
func (g *gpu) counts() int {
	if g.energy >= 0 {
		return g.energy
	}
	return g.power
}

// surveyPage looks at every row of a page that parse has taken apart.
func surveyPage(p *page, body string) *survey {
	s := &survey{words: p.vocabulary(), at: map[string]int{}}
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
		if name != last && len(s.unknown) < maxUnknown && metricname.LooksLikeEnergy(name) && !slices.Contains(s.unknown, name) {
			s.unknown = append(s.unknown, name)
		}
		if name != last {
			s.notice(name)
		}
		last = name
		if s.words == metricname.Known && metricname.Foreign(name) == "" {
			s.list(p, name, line[len(name):])
		}
	}
	for _, about := range [...]bool{false, true} { // which devices rows are about, others say
		for i := range p.rows {
			if r := &p.rows[i]; about == (s.words.At(r.metric).Kind == metricname.About) {
				s.take(r)
			}
		}
	}
	return s
}

// notice learns from the name of a metric that is not read what the page is.
func (s *survey) notice(name string) {
	if strings.Contains(strings.ToLower(name), metricname.DCGM.Mark) || s.words.Find(name) != metricname.None {
		return
	}
	s.foreign = cmp.Or(s.foreign, metricname.Foreign(name))
	if len(s.elsewhere) < maxElsewhere && metricname.LooksDrawn(name) && !slices.Contains(s.elsewhere, name) {
		s.elsewhere = append(s.elsewhere, name)
	}
}

// full reports that no more GPUs are taken, which is an error of the page.
func (s *survey) full() bool {
	if len(s.gpus) < maxGPUs {
		return false
	}
	s.broken = cmp.Or(s.broken, fmt.Errorf("%w: it has more than %d GPUs", ErrPage, maxGPUs))
	return true
}

// list adds the GPU of a row of dcgm-exporter if it is not known yet.
func (s *survey) list(p *page, name, text string) {
	uuid := uuidIn(text, &metricname.DCGM)
	if uuid == "" {
		return
	}
	if _, known := s.at[uuid]; known || s.full() {
		return
	}
	set := p.newLabelSet(metricname.None, name, strings.TrimLeft(text[:strings.LastIndexByte(text, '}')+1], " \t"))
	if set.err == nil && set.uuid != "" {
		uuid = set.uuid
	}
	s.find(uuid, set, &metricname.DCGM)
}

// find returns the GPU of the UUID, which is added if it is not known yet.
func (s *survey) find(uuid string, set *labelSet, from *metricname.Exporter) *gpu {
	i, known := s.at[uuid]
	if !known {
		i = len(s.gpus)
		s.at[uuid] = i
		d := set.gpu()
		d.UUID = uuid
		s.gpus = append(s.gpus, gpu{device: d, from: from, energy: metricname.None, power: metricname.None, rows: map[int]int{}, names: map[int]string{}})
	}
	if v := from.DriverVersion(set.get); v != "" && !slices.Contains(s.drivers, v) {
		s.drivers = append(s.drivers, v)
	}
	return &s.gpus[i]
}

// take learns from a row which metrics its GPU has.
func (s *survey) take(r *row) {
	err, metric := r.failure(), s.words.At(r.metric)
	if r.labels.uuid == "" {
		if err == nil {
			err = fmt.Errorf("%w: a row of %s has no label %s, which alone identifies a GPU", ErrPage, r.labels.name, metric.From.KeyLabels()[0])
		}
		s.broken = cmp.Or(s.broken, err)
		return
	}
	if _, known := s.at[r.labels.uuid]; !known && (metric.Kind == metricname.About && !metric.From.Lists || s.full()) {
		return
	}
	g := s.find(r.labels.uuid, r.labels, metric.From)
	if err != nil {
		g.broken = err
		return
	}
	metricname.Complete(&g.device, r.labels.gpu()) // its first row may be broken, or one of another exporter
	if metric.Kind == metricname.About {
		return
	}
	g.rows[r.metric]++
	g.names[r.metric] = r.labels.name
	x, ok := metric.Value(r.raw)
	if !ok {
		return
	}
	if metric.Kind == metricname.Energy && x == 0 {
		g.zero = true
		return
	}
	best := &g.energy
	if metric.Kind == metricname.Power {
		best = &g.power
	}
	if *best < 0 || r.metric < *best {
		*best = r.metric
	}
	g.from = s.words.At(g.counts()).From
	g.users.Add(metric.From, r.labels.get)
}

// unread reports whether the counter of some GPU shows 0.
func (s *survey) unread() bool {
	return slices.ContainsFunc(s.gpus, func(g gpu) bool { return g.unread() })
}

// keep drops all GPUs but those.
func (s *survey) keep(uuids map[string]bool) {
	// Not in place: candidates have pointers to them.
	s.gpus = slices.DeleteFunc(slices.Clone(s.gpus), func(g gpu) bool { return !uuids[g.device.UUID] })
	for uuid := range s.at {
		if !uuids[uuid] {
			s.left = append(s.left, uuid)
		}
	}
	clear(s.at)
	for i, g := range s.gpus {
		s.at[g.device.UUID] = i
	}
}

// check checks that the page has the energy or power of some GPU, and of none
// without a UUID.
func (s *survey) check() error {
	if s.broken != nil {
		return s.broken
	}
	var broken error
	for i := range s.gpus {
		if s.gpus[i].energy >= 0 || s.gpus[i].power >= 0 {
			return nil
		}
		broken = errors.Join(broken, s.gpus[i].broken)
	}
	switch {
	case broken != nil:
		return broken
	case s.words != metricname.Known:
		return fmt.Errorf("%w: the page has no row of %s with the label that identifies a device, or none with a value", energy.ErrNoDevice, s.words.At(0).From.Name)
	case len(s.unknown) > 0:
		return unknownMetric(s.unknown)
	case s.unread():
		return fmt.Errorf("%w: the energy counters of the page are 0, and it has no power\nsee nvidia-smi on its host whether DCGM can read the GPUs, and enable DCGM_FI_DEV_POWER_USAGE in the exporter's file of counters (-f FILE.csv)", energy.ErrNoDevice)
	case s.foreign != "" || len(s.elsewhere) > 0:
		return s.ofAnother()
	}
	return fmt.Errorf("%w: the page has neither energy nor power of any GPU\nenable %s and %s in the exporter's file of counters (-f FILE.csv)",
		energy.ErrNoDevice, "DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION", "DCGM_FI_DEV_POWER_USAGE")
}

// ofAnother is the error of a page of another exporter: what it is, and what of it is of
// power or energy.
func (s *survey) ofAnother() error {
	what := "an exporter that is not known"
	if s.foreign != "" {
		what = s.foreign
	}
	if len(s.elsewhere) > 0 {
		what += ", whose metrics are not read: " + strings.Join(s.elsewhere, ", ")
	}
	return fmt.Errorf("%w: the page is one of %s\ngive the address of a dcgm-exporter, which has the port 9400 unless it is told another, or name the metric: ?metric=NAME&unit=uJ|mJ|J|W|mW&id=LABEL", energy.ErrNoDevice, what)
}
