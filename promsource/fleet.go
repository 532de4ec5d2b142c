package promsource

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/common/model"

	"github.com/joulebench/joulebench/internal/metricname"
	"github.com/joulebench/joulebench/internal/promapi"
	"github.com/joulebench/joulebench/powertest/energy"
)

// fleet is the devices that are read, and what is known of their series.
type fleet struct {
	selector selector
	devices  []energy.Device // by host, index and UUID
	position map[string]int  // of a device, by UUID

	// words are the metrics that are read. Of each device: the metric that is read, as a
	// position in them; the labels that identify it in its series, and their names; and the
	// job of its target.
	words    *metricname.Vocabulary
	metric   []int
	keys     [][]metricname.Pair
	keyNames []string
	job      []string

	gauges []int    // devices that are read by their power
	note   string   // names what is there and not measured, for people
	rows   int      // series of all devices
	names  []string // of the devices' metrics
	powers []string // of the power metrics that there are

	// known are the devices that were there when the source was opened, selected or
	// not, read what is read, and selection what selected the devices.
	known     map[string]bool // by UUID
	read      map[of]bool
	all       []energy.Device
	selection energy.Selection
}

// of is what a device is, and what exports it.
type of struct {
	kind energy.Kind
	from *metricname.Exporter
}

// reads reports whether devices of a metric are read: those of its kind and exporter.
func (f *fleet) reads(rank int) bool {
	m := f.words.At(rank)
	return f.read[of{m.Of.OrGPU(), m.From}]
}

// listing is a device that the server has, with its series of the metric that is read.
type listing struct {
	device energy.Device
	rows   []model.Metric
	rank   int // the metric
	blank  int // 1 if it has no value
	beside []*metricname.Exporter
}

// nearWindow is how far from a window of the past samples may be for their GPU to be one
// of it: more than most scrape intervals.
const nearWindow = time.Minute

// whenOf returns the time whose GPUs are meant, by the server's clock: that of a window, or
// if there is none the present, which has no beginning.
func whenOf(window energy.Span, now promapi.Clock) stretch {
	present := now.ToServer(time.Now())
	if window == (energy.Span{}) {
		return stretch{present, present}
	}
	return stretch{now.ToServer(window.Start.Add(-nearWindow)), min(now.ToServer(window.End.Add(nearWindow)), present)}
}

// during returns the expression of the newest sample, in a stretch of time, of a series
// selector; of one without length, that of the series that there are then.
func during(series string, when stretch) string {
	if when.ms() == 0 {
		return series
	}
	return "last_over_time(" + ranged(series, when) + ")"
}

// inventory asks which devices there are, and returns those that are selected.
func inventory(ctx context.Context, c *promapi.Client, words *metricname.Vocabulary, sel selector, cfg Config, when stretch) (*fleet, error) {
	rows, values, err := metrics(ctx, c, during(sel.series(nil, "__name__=~"+strconv.Quote(words.Pattern())), when), when.to)
	if errors.Is(err, ErrBadQuery) {
		return nil, fmt.Errorf("prometheus: the selector %s is not understood: %w\nwrite PromQL matchers, such as {job=\"dcgm\",cluster=~\"a|b\"}", cfg.Selector, err)
	}
	if err != nil {
		return nil, err
	}
	found := byUUID(words, rows, values)
	if len(found) == 0 {
		return nil, nothing(c, words, sel, rows, cfg.Window)
	}
	if err := checkUnknown(ctx, c, words, sel, found, when); err != nil {
		return nil, err
	}
	all := listings(words, found, rows, cfg)
	list, note := chosen(words, all, cfg.Kinds)
	if len(list) == 0 {
		return nil, fmt.Errorf("prometheus: %w: %s has no device of the kinds %v\n%s", energy.ErrNoDevice, c.Host, cfg.Kinds, note)
	}
	f, err := newFleet(words, list, powersIn(words, rows), note, sel, cfg)
	if err == nil {
		for _, l := range all { // those that are not measured are no news either
			f.known[l.device.UUID] = true
		}
	}
	return f, err
}

// chosen returns the devices of those kinds, or what there is if there are no kinds, and
// what is there beside them, for people.
func chosen(words *metricname.Vocabulary, list []listing, kinds []energy.Kind) (some []listing, note string) {
	found := make([]metricname.Found, len(list))
	for i, l := range list {
		found[i] = metricname.Found{Device: l.device, From: words.At(l.rank).From, Beside: l.beside}
	}
	at, note := metricname.Choose(found, kinds)
	for _, i := range at {
		l := list[i]
		l.device = found[i].Device
		some = append(some, l)
	}
	return some, note
}

// metrics returns the labels of the series that an expression has at a server's time, and
// their values.
func metrics(ctx context.Context, c *promapi.Client, expr string, at int64) (list []model.Metric, values []float64, err error) {
	_, err = c.Series(ctx, expr, at, "vector", func(r *promapi.Stream) {
		m := make(model.Metric, len(r.Labels))
		for _, l := range r.Labels {
			m[model.LabelName(l.Name)] = model.LabelValue(l.Value)
		}
		v := math.NaN()
		if n := len(r.Samples); n > 0 {
			v = r.Samples[n-1].Value
		}
		list, values = append(list, m), append(values, v)
	})
	return list, values, err
}

// nothing is the error of a server that has no device for us.
func nothing(c *promapi.Client, words *metricname.Vocabulary, sel selector, rows []model.Metric, window energy.Span) error {
	series := "energy or power of an exporter that is known"
	if words != metricname.Known {
		series = words.At(0).From.Name
	}
	if sel != "" {
		series += " with " + sel.series(nil)
	}
	if len(rows) > 0 {
		name := rows[0][model.MetricNameLabel]
		if first := words.Find(string(name)); first == metricname.None || words.At(first).Where == nil {
			return fmt.Errorf("prometheus: %w: the %d series of %s have no label UUID, or what else identifies a device\ncheck the relabelling", energy.ErrNoDevice, len(rows), series)
		}
		return fmt.Errorf("prometheus: %w: the %d series of %s, such as %s, are those of parts of devices, or of sums\ncheck the relabelling", energy.ErrNoDevice, len(rows), series, name)
	}
	if window != (energy.Span{}) {
		return fmt.Errorf("prometheus: %w: %s has no sample of %s from %s to %s\ncheck the selector, the times, and for how long the server keeps samples",
			energy.ErrNoDevice, c.Host, series, window.Start.Format(time.RFC3339), window.End.Format(time.RFC3339))
	}
	return fmt.Errorf("prometheus: %w: %s has no recent sample of %s\ncheck the selector, that the targets are up, and that the exporters' list of counters has the energy", energy.ErrNoDevice, c.Host, series)
}

// byUUID returns, for each device, the series of the best metric that it has: one with a
// value, energy before power, and then the first.
func byUUID(words *metricname.Vocabulary, rows []model.Metric, values []float64) map[string]*listing {
	found := map[string]*listing{}
	for i, r := range rows {
		rank, uuid := rowOf(words, r)
		if uuid == "" || words.At(rank).Kind == metricname.About {
			continue
		}
		l, name := found[uuid], r[model.MetricNameLabel]
		blank := 0
		if _, has := words.At(rank).Value(values[i]); !has {
			blank = 1
		}
		if l == nil {
			l = &listing{rank: rank, blank: blank}
			found[uuid] = l
		}
		if x := words.At(rank).From; !slices.Contains(l.beside, x) {
			l.beside = append(l.beside, x)
		}
		order := cmp.Or(cmp.Compare(blank, l.blank), cmp.Compare(words.At(rank).Kind, words.At(l.rank).Kind), cmp.Compare(rank, l.rank))
		if order == 0 && len(l.rows) > 0 { // with or without _total
			order = cmp.Compare(name, l.rows[0][model.MetricNameLabel])
		}
		switch {
		case order < 0:
			l.rank, l.blank, l.rows = rank, blank, []model.Metric{r}
		case order == 0:
			l.rows = append(l.rows, r)
		}
	}
	for _, l := range found {
		from := words.At(l.rank).From
		l.beside = slices.DeleteFunc(l.beside, func(x *metricname.Exporter) bool { return x == from })
	}
	return found
}

// powersIn returns the power metrics that there are series of, as far as their names say
// which.
func powersIn(words *metricname.Vocabulary, rows []model.Metric) []string {
	names := map[string]bool{}
	for _, r := range rows {
		if rank, _ := rowOf(words, r); rank != metricname.None && words.At(rank).Kind == metricname.Power && words.At(rank).Where == nil {
			names[string(r[model.MetricNameLabel])] = true
		}
	}
	return slices.Sorted(maps.Keys(names))
}

func labelsOf(r model.Metric) metricname.Labels {
	return func(name string) string { return string(r[model.LabelName(name)]) }
}

// rowOf returns the metric of a series, and the UUID of its device.
func rowOf(words *metricname.Vocabulary, r model.Metric) (rank int, uuid string) {
	if rank = words.Find(string(r[model.MetricNameLabel])); rank == metricname.None {
		return rank, ""
	}
	if rank = words.Row(rank, labelsOf(r)); rank == metricname.None {
		return rank, ""
	}
	return rank, words.At(rank).From.Identity(labelsOf(r))
}

// checkUnknown makes sure that a GPU without a known energy metric has no other:
// its unit would be a guess, and its power is worse than its energy.
func checkUnknown(ctx context.Context, c *promapi.Client, words *metricname.Vocabulary, sel selector, found map[string]*listing, when stretch) error {
	poor := map[string]bool{}
	for uuid, l := range found {
		if m := words.At(l.rank); m.Kind != metricname.Energy && m.From == &metricname.DCGM {
			poor[uuid] = true
		}
	}
	if len(poor) == 0 {
		return nil
	}
	rows, _, err := metrics(ctx, c, during(sel.series(nil, "__name__=~"+strconv.Quote(metricname.UnknownPattern)), when), when.to)
	if err != nil {
		return err
	}
	unknown := map[string]bool{}
	for _, r := range rows {
		if name := string(r[model.MetricNameLabel]); metricname.LooksLikeEnergy(name) && poor[metricname.DCGM.Identity(labelsOf(r))] {
			unknown[name] = true
		}
	}
	if len(unknown) == 0 {
		return nil
	}
	return fmt.Errorf("prometheus: %w: %s of %d GPUs without another\nif you know the unit, give metric=NAME&unit=uJ|mJ|J&id=UUID",
		ErrUnknownMetric, strings.Join(slices.Sorted(maps.Keys(unknown)), ", "), len(poor))
}

// listings returns the devices in the order of their hosts and indices.
func listings(words *metricname.Vocabulary, found map[string]*listing, rows []model.Metric, cfg Config) []listing {
	about := map[string][]energy.Device{}
	for _, r := range rows {
		if rank, uuid := rowOf(words, r); uuid != "" && found[uuid] != nil && words.At(rank).Kind == metricname.About {
			about[uuid] = append(about[uuid], words.At(rank).Device(labelsOf(r)))
		}
	}
	var list []listing
	for uuid, l := range found {
		// Which series stands for the GPU must not depend on their order.
		slices.SortFunc(l.rows, func(a, b model.Metric) int { return cmp.Compare(a.String(), b.String()) })
		l.device = describe(words.At(l.rank), l.rows, about[uuid], cfg)
		list = append(list, *l)
	}
	slices.SortFunc(list, func(a, b listing) int {
		return cmp.Or(cmp.Compare(a.device.Host, b.device.Host), cmp.Compare(a.device.Index, b.device.Index), cmp.Compare(a.device.UUID, b.device.UUID))
	})
	return list
}

// describe makes a device of its series, and of what others say about it.
func describe(m *metricname.Metric, rows []model.Metric, about []energy.Device, cfg Config) energy.Device {
	d := m.Device(labelsOf(rows[0]))
	for _, other := range about {
		metricname.Complete(&d, other)
	}
	m.Describe(&d, string(rows[0][model.MetricNameLabel]))
	d.Hint = strings.TrimPrefix(d.Hint+", and scrape it every second", ", and ")
	d.Endpoint, d.Rows = string(rows[0]["instance"]), len(rows)
	if d.Method == energy.Counter {
		d.Fresh = cmp.Or(cfg.Collect, d.Fresh)
	} else {
		d.Sensor.Refresh = cfg.Collect
	}
	var users metricname.Rows
	for _, r := range rows {
		users.Add(m.From, labelsOf(r))
	}
	d.Marks = users.Marks(d)
	return d
}

// newFleet returns the devices that the configuration selects.
func newFleet(words *metricname.Vocabulary, list []listing, powers []string, note string, sel selector, cfg Config) (*fleet, error) {
	f := &fleet{
		selector: sel, words: words, note: note, powers: powers, position: map[string]int{}, known: map[string]bool{}, read: map[of]bool{},
		selection: energy.Selection{Devices: cfg.Devices},
	}
	for _, l := range list {
		f.all = append(f.all, l.device)
		f.read[of{l.device.Kind.OrGPU(), words.At(l.rank).From}] = true
	}
	chosen, err := energy.Select(f.all, cfg.Devices...)
	if err != nil {
		return nil, fmt.Errorf("prometheus: %w", err)
	}
	slices.Sort(chosen)
	for _, k := range chosen {
		f.add(list[k])
	}
	slices.Sort(f.names)
	if _, f.devices, err = (energy.Selection{Roles: cfg.Roles}).Choose(f.devices); err != nil {
		return nil, fmt.Errorf("prometheus: %w", err)
	}
	return f, nil
}

// add makes a listing the next device.
func (f *fleet) add(l listing) {
	i, key := len(f.devices), f.words.At(l.rank).From.Key(labelsOf(l.rows[0]))
	f.position[l.device.UUID] = i
	f.devices = append(f.devices, l.device)
	f.metric = append(f.metric, l.rank)
	f.keys = append(f.keys, key)
	names := ""
	for _, p := range key {
		names += p.Name + ","
	}
	f.keyNames = append(f.keyNames, names)
	f.job = append(f.job, string(l.rows[0]["job"]))
	f.rows += len(l.rows)
	if l.device.Method == energy.Gauge {
		f.gauges = append(f.gauges, i)
	}
	if !slices.Contains(f.names, l.device.Metric) {
		f.names = append(f.names, l.device.Metric)
	}
}

// among returns matchers for devices, all of which are identified by the same labels.
// Where these are several, they may fit other devices, too.
func (f *fleet) among(who []int) string {
	var matchers []string
	for n, p := range f.keys[who[0]] {
		values := map[string]bool{}
		for _, i := range who {
			values[f.keys[i][n].Value] = true
		}
		matchers = append(matchers, p.Name+"=~"+strconv.Quote(alternatives(slices.Sorted(maps.Keys(values)))))
	}
	return strings.Join(matchers, ",")
}

// coalesced is how many devices are named in one query.
const coalesced = 100

// groups divides devices into such as can be named in one query.
func (f *fleet) groups(list []int) (all [][]int) {
	byLabel := map[string][]int{}
	for _, i := range list {
		byLabel[f.keyNames[i]] = append(byLabel[f.keyNames[i]], i)
	}
	for _, label := range slices.Sorted(maps.Keys(byLabel)) {
		all = slices.AppendSeq(all, slices.Chunk(byLabel[label], coalesced))
	}
	return all
}
