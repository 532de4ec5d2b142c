package series

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/joulebench/joulebench/internal/edgecount"
	"github.com/joulebench/joulebench/internal/tokenmetric"
	"github.com/joulebench/joulebench/powertest"
	"github.com/joulebench/joulebench/powertest/energy"
	"github.com/joulebench/joulebench/promsource"
)

const (
	whole     = "all"
	noModel   = "no model"
	modelPart = "model "
	rolePart  = "role "
)

// widest is the widest interval that is published of a counter, in percent.
var widest = energy.Device{Method: energy.Counter}.MaxErrPercent()

// tally adds up devices and servers, by group and step.
type tally struct {
	series *Series
	n      int
	parts  map[string][]cell
	// lacking is what each group lacks: devices without a counter.
	lacking map[string]lacks
	// models are those that a pod and a host serve.
	byPod, byHost map[string]map[string]bool
	// frontends are the models that a frontend counts.
	frontends map[string]bool
}

// cell is one step of a group.
type cell struct {
	gpus    int
	joules  edgecount.Count
	lost    map[energy.Reason]lost // devices without a number
	tokens  [tokenmetric.Kinds]edgecount.Count
	counted [tokenmetric.Kinds]bool
	broken  map[tokenmetric.What]energy.Finding
	good    edgecount.Count // requests that met the objectives
	judged  edgecount.Count // of these
	isGood  bool
	// unjudged are the models whose requests could not be held to the objectives.
	unjudged []energy.Finding
}

// lost are the devices that have no number for a reason: how many, and one of them.
type lost struct {
	n    int
	uuid string
}

// lacks is how many devices without a counter belong to a group, and how many more can.
type lacks struct{ sure, perhaps int }

func newTally(s *Series, n int) *tally {
	t := &tally{series: s, n: n, parts: map[string][]cell{}, byPod: map[string]map[string]bool{}, byHost: map[string]map[string]bool{}, frontends: map[string]bool{}, lacking: map[string]lacks{}}
	t.cell(whole, 0)
	return t
}

// cell returns a step of a group.
func (t *tally) cell(group string, step int) *cell {
	if t.parts[group] == nil {
		t.parts[group] = make([]cell, t.n)
	}
	return &t.parts[group][step]
}

// serves notes that a pod or a host serves a model.
func serves(of map[string]map[string]bool, name, model string) {
	if name == "" {
		return
	}
	if of[name] == nil {
		of[name] = map[string]bool{}
	}
	of[name][model] = true
}

// only is the only model of a pod or host; empty if there is none, or more.
func only(models map[string]bool) string {
	if len(models) == 1 {
		for model := range models {
			return model
		}
	}
	return ""
}

// lack notes the devices without a counter. Their pods are not known, so that among pods each model
// can lack them.
func (t *tally) lack() {
	surely := func(group string) {
		t.cell(group, 0) // also if it has nothing else
		l := t.lacking[group]
		t.lacking[group] = lacks{l.sure + 1, l.perhaps}
	}
	for _, d := range t.series.devices {
		if d.Method != energy.Gauge {
			continue
		}
		surely(whole)
		if d.Role != "" {
			surely(rolePart + d.Role)
		}
		model := t.model("", d.Host)
		if model != "" && len(t.byPod) == 0 {
			surely(model)
			continue
		}
		for name := range t.parts {
			if name == noModel || strings.HasPrefix(name, modelPart) {
				l := t.lacking[name]
				t.lacking[name] = lacks{l.sure, l.perhaps + 1}
			}
		}
	}
}

// energy takes in one step of a device.
func (t *tally) energy(s promsource.Step) {
	d := t.series.devices[s.Device]
	groups := []string{whole, t.model(s.User, d.Host)}
	if d.Role != "" {
		groups = append(groups, rolePart+d.Role)
	}
	for _, name := range groups {
		if name == "" {
			continue
		}
		c := t.cell(name, s.Step)
		c.gpus++
		if s.Reason != "" {
			if c.lost == nil {
				c.lost = map[energy.Reason]lost{}
			}
			c.lost[s.Reason] = lost{c.lost[s.Reason].n + 1, cmp.Or(c.lost[s.Reason].uuid, d.UUID)}
			continue
		}
		c.joules = c.joules.Add(edgecount.Count{Value: s.Energy.Joules, Low: s.Energy.Low, High: s.Energy.High})
	}
}

// model is the group of a device by its pod and its host; empty if there are no models at all. What
// belongs to a pod is not its host's.
func (t *tally) model(pod, host string) string {
	if len(t.byPod)+len(t.byHost) == 0 {
		return ""
	}
	model := only(t.byPod[pod])
	if pod == "" || len(t.byPod) == 0 {
		model = only(t.byHost[host])
	}
	if model == "" {
		return noModel
	}
	return modelPart + model
}

// count takes in what a model's server has counted in a step.
func (t *tally) count(model string, step int, what tokenmetric.What, c edgecount.Count) {
	for _, name := range []string{whole, modelPart + model} {
		cell := t.cell(name, step)
		cell.tokens[what], cell.counted[what] = cell.tokens[what].Add(c), true
	}
}

// broke notes that a model's server has no count in a step.
func (t *tally) broke(model string, step int, what tokenmetric.What, f energy.Finding) {
	for _, name := range []string{whole, modelPart + model} {
		cell := t.cell(name, step)
		if cell.broken == nil {
			cell.broken = map[tokenmetric.What]energy.Finding{}
		}
		cell.broken[what] = f
	}
}

// judge takes in how many requests of a model met the objectives in a step, of how many.
func (t *tally) judge(model string, step int, good, all edgecount.Count) {
	for _, name := range []string{whole, modelPart + model} {
		cell := t.cell(name, step)
		cell.good, cell.judged, cell.isGood = cell.good.Add(good), cell.judged.Add(all), true
	}
}

// unjudged notes that the requests of a model could not be held to the objectives in a step.
func (t *tally) unjudged(model string, step int, f energy.Finding) {
	for _, name := range []string{whole, modelPart + model} {
		cell := t.cell(name, step)
		cell.unjudged = append(cell.unjudged, f)
	}
}

// groups are what was added up: the whole first.
func (t *tally) groups() (list []*Group) {
	t.lack()
	names := slices.SortedFunc(maps.Keys(t.parts), func(a, b string) int {
		rank := func(s string) int {
			return slices.IndexFunc([]string{whole, modelPart, noModel, rolePart}, func(p string) bool { return strings.HasPrefix(s, p) })
		}
		return cmp.Or(cmp.Compare(rank(a), rank(b)), cmp.Compare(a, b))
	})
	for _, name := range names {
		g := &Group{Name: name}
		for k := range t.parts[name] {
			g.Points = append(g.Points, t.point(name, k))
		}
		list = append(list, g)
	}
	return list
}

// point divides what was added up.
func (t *tally) point(group string, step int) Point {
	c := &t.parts[group][step]
	p := Point{Start: t.series.Start.Add(time.Duration(step) * t.series.Every), GPUs: c.gpus}
	p.Reasons = append(p.Reasons, c.missing()...)
	if l := t.lacking[group]; l.sure > 0 {
		p.Reasons = append(p.Reasons, energy.Finding{Reason: energy.PartialCohort, Detail: fmt.Sprintf("%d GPUs have no energy counter", l.sure)})
	} else if l.perhaps > 0 {
		p.Reasons = append(p.Reasons, energy.Finding{Reason: energy.PartialCohort, Detail: fmt.Sprintf("%d GPUs of some model have no energy counter", l.perhaps)})
	}
	seconds := exactly(t.series.Every.Seconds())
	if c.gpus > 0 && len(p.Reasons) == 0 {
		joules := powertest.Interval(c.joules)
		if joules.ErrPercent() <= widest {
			p.Joules, p.Watts = &joules, powertest.Quotient(joules, seconds)
		} else {
			p.Reasons = append(p.Reasons, energy.Finding{Reason: energy.SamplingGapExceeded, Detail: fmt.Sprintf(
				"the energy is known to ± %.0f %% only: scrape more often, or take longer steps", joules.ErrPercent())})
		}
	}
	for _, to := range []struct {
		what tokenmetric.What
		to   **powertest.Interval
	}{{tokenmetric.Output, &p.Output}, {tokenmetric.Prompt, &p.Prompt}, {tokenmetric.Requests, &p.Requests}} {
		if f, broken := c.broken[to.what]; broken {
			p.Reasons = append(p.Reasons, f)
		} else if c.counted[to.what] {
			n := powertest.Interval(c.tokens[to.what])
			*to.to = &n
		}
	}
	if p.Output != nil {
		p.TokensPerSecond = powertest.Quotient(*p.Output, seconds)
		if p.Joules != nil {
			p.JoulesPerToken = powertest.Quotient(*p.Joules, *p.Output)
		}
	}
	p.Reasons = append(p.Reasons, c.unjudged...)
	if c.isGood && len(c.unjudged) == 0 && c.judged.Value > 0 {
		good := powertest.Interval(c.good)
		// The interval of the share is that of what the histogram's bounds leave open.
		p.Good = &powertest.Interval{Value: good.Value / c.judged.Value, Low: min(good.Low/c.judged.Value, 1), High: min(good.High/c.judged.Value, 1)}
		if p.Joules != nil {
			p.GoodPerJoule = powertest.Quotient(good, *p.Joules)
		}
	}
	return p
}

func exactly(v float64) powertest.Interval { return powertest.Interval{Value: v, Low: v, High: v} }

// missing are the reasons of devices that have no number, of which there is no sum then.
func (c *cell) missing() (list []energy.Finding) {
	for _, reason := range slices.Sorted(maps.Keys(c.lost)) {
		l := c.lost[reason]
		f := energy.Finding{Reason: reason, Detail: fmt.Sprintf("%d of %d GPUs, such as %s", l.n, c.gpus, l.uuid)}
		if c.gpus == 1 {
			f = energy.Finding{Reason: reason, Device: l.uuid}
		}
		list = append(list, f)
	}
	return list
}
