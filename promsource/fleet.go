package promsource

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
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

	// Of each device: the metric that is read, as a position in metricname.Table;
	// the label that has its UUID; and the job of its target.
	metric    []int
	uuidLabel []string
	job       []string

	gauges []int    // devices that are read by their power
	rows   int      // series of all devices
	names  []string // of the devices' metrics
	powers []string // of the power metrics that there are

	// known are the GPUs that were there when the source was opened, selected or
	// not, and selection what selected the devices.
	known     map[string]bool // by UUID
	all       []energy.Device
	selection energy.Selection
}

// listing is a GPU that the server has, with its series of the metric that is read.
type listing struct {
	device energy.Device
	rows   []model.Metric
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

// inventory asks which GPUs there are, and returns those that are selected.
func inventory(ctx context.Context, c *promapi.Client, sel selector, cfg Config, when stretch) (*fleet, error) {
	rows, err := metrics(ctx, c, during(sel.series(metricname.Names()), when), when.to)
	if errors.Is(err, ErrBadQuery) {
		return nil, fmt.Errorf("prometheus: the selector %s is not understood: %w\nwrite PromQL matchers, such as {job=\"dcgm\",cluster=~\"a|b\"}", cfg.Selector, err)
	}
	if err != nil {
		return nil, err
	}
	found := byUUID(rows)
	if len(found) == 0 {
		return nil, nothing(c, sel, len(rows), cfg.Window)
	}
	if err := checkUnknown(ctx, c, sel, found, when); err != nil {
		return nil, err
	}
	return newFleet(listings(found, cfg), powersIn(rows), sel, cfg)
}

// metrics returns the labels of the series that an expression has at a server's time.
func metrics(ctx context.Context, c *promapi.Client, expr string, at int64) (list []model.Metric, err error) {
	_, err = c.Series(ctx, expr, at, "vector", func(r *promapi.Stream) {
		m := make(model.Metric, len(r.Labels))
		for _, l := range r.Labels {
			m[model.LabelName(l.Name)] = model.LabelValue(l.Value)
		}
		list = append(list, m)
	})
	return list, err
}

// nothing is the error of a server that has no GPU for us.
func nothing(c *promapi.Client, sel selector, rows int, window energy.Span) error {
	series := sel.series(metricname.Names())
	if rows > 0 {
		return fmt.Errorf("prometheus: %w: the %d series of %s have no label UUID\ncheck the relabelling", energy.ErrNoDevice, rows, series)
	}
	if window != (energy.Span{}) {
		return fmt.Errorf("prometheus: %w: %s has no sample of %s from %s to %s\ncheck the selector, the times, and for how long the server keeps samples",
			energy.ErrNoDevice, c.Host, series, window.Start.Format(time.RFC3339), window.End.Format(time.RFC3339))
	}
	return fmt.Errorf("prometheus: %w: %s has no recent sample of %s\ncheck the selector, that the targets are up, and that the exporters' list of counters has the energy", energy.ErrNoDevice, c.Host, series)
}

// byUUID returns, for each GPU, the series of the best metric that it has.
func byUUID(rows []model.Metric) map[string][]model.Metric {
	found := map[string][]model.Metric{}
	for _, r := range rows {
		uuid, rank := uuidOf(r), rankOf(r)
		if uuid == "" || rank == metricname.None {
			continue
		}
		switch had := found[uuid]; {
		case len(had) == 0 || rank < rankOf(had[0]):
			found[uuid] = []model.Metric{r}
		case rank == rankOf(had[0]):
			found[uuid] = append(had, r)
		}
	}
	return found
}

// powersIn returns the power metrics that there are series of.
func powersIn(rows []model.Metric) []string {
	names := map[string]bool{}
	for _, r := range rows {
		if rank := rankOf(r); rank != metricname.None && metricname.Table[rank].Kind == metricname.Power {
			names[metricname.Table[rank].Name] = true
		}
	}
	return slices.Sorted(maps.Keys(names))
}

func labelsOf(r model.Metric) metricname.Labels {
	return func(name string) string { return string(r[model.LabelName(name)]) }
}

// uuidOf returns the UUID of a series' GPU, whatever its metric is.
func uuidOf(r model.Metric) string {
	for _, label := range metricname.UUIDLabels {
		if v := r[model.LabelName(label)]; v != "" {
			return string(v)
		}
	}
	return ""
}

// rankOf returns the position of a series' metric in metricname.Table.
func rankOf(r model.Metric) int { return metricname.Find(string(r[model.MetricNameLabel])) }

// checkUnknown makes sure that a GPU without a known energy metric has no other:
// its unit would be a guess, and its power is worse than its energy.
func checkUnknown(ctx context.Context, c *promapi.Client, sel selector, found map[string][]model.Metric, when stretch) error {
	poor := map[string]bool{}
	for uuid, rows := range found {
		if metricname.Table[rankOf(rows[0])].Kind != metricname.Energy {
			poor[uuid] = true
		}
	}
	if len(poor) == 0 {
		return nil
	}
	rows, err := metrics(ctx, c, during(sel.series(nil, "__name__=~"+strconv.Quote(metricname.UnknownPattern)), when), when.to)
	if err != nil {
		return err
	}
	unknown := map[string]bool{}
	for _, r := range rows {
		if name := string(r[model.MetricNameLabel]); metricname.LooksLikeEnergy(name) && poor[uuidOf(r)] {
			unknown[name] = true
		}
	}
	if len(unknown) == 0 {
		return nil
	}
	return fmt.Errorf("prometheus: %w: %s of %d GPUs without another\nknown are %s",
		ErrUnknownMetric, strings.Join(slices.Sorted(maps.Keys(unknown)), ", "), len(poor), strings.Join(metricname.Names(), ", "))
}

// listings returns the GPUs in the order of their hosts and indices.
func listings(found map[string][]model.Metric, cfg Config) []listing {
	var list []listing
	for _, rows := range found {
		// Which series stands for the GPU must not depend on their order.
		slices.SortFunc(rows, func(a, b model.Metric) int { return cmp.Compare(a.String(), b.String()) })
		list = append(list, listing{describe(rows, cfg), rows})
	}
	slices.SortFunc(list, func(a, b listing) int {
		return cmp.Or(cmp.Compare(a.device.Host, b.device.Host), cmp.Compare(a.device.Index, b.device.Index), cmp.Compare(a.device.UUID, b.device.UUID))
	})
	return list
}

// describe makes a device of the series of a GPU.
func describe(rows []model.Metric, cfg Config) energy.Device {
	m := &metricname.Table[rankOf(rows[0])]
	d := m.From.Device(labelsOf(rows[0]))
	m.Describe(&d)
	d.Hint += ", and scrape it every second"
	d.Endpoint, d.Rows = string(rows[0]["instance"]), len(rows)
	if d.Method == energy.Counter {
		d.Fresh = cfg.Collect
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
func newFleet(list []listing, powers []string, sel selector, cfg Config) (*fleet, error) {
	f := &fleet{selector: sel, powers: powers, position: map[string]int{}, known: map[string]bool{}, selection: energy.Selection{Devices: cfg.Devices}}
	for _, l := range list {
		f.all = append(f.all, l.device)
		f.known[l.device.UUID] = true
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
	i, rank := len(f.devices), rankOf(l.rows[0])
	f.position[l.device.UUID] = i
	f.devices = append(f.devices, l.device)
	f.metric = append(f.metric, rank)
	f.uuidLabel = append(f.uuidLabel, metricname.Table[rank].From.UUIDLabel(labelsOf(l.rows[0])))
	f.job = append(f.job, string(l.rows[0]["job"]))
	f.rows += len(l.rows)
	if l.device.Method == energy.Gauge {
		f.gauges = append(f.gauges, i)
	}
	if !slices.Contains(f.names, l.device.Metric) {
		f.names = append(f.names, l.device.Metric)
	}
}

// among returns a matcher for devices, all of which have their UUID in the same
// label.
func (f *fleet) among(who []int) string {
	uuids := make([]string, len(who))
	for k, i := range who {
		uuids[k] = f.devices[i].UUID
	}
	return f.uuidLabel[who[0]] + "=~" + strconv.Quote(alternatives(uuids))
}

// coalesced is how many devices are named in one query.
const coalesced = 100

// groups divides devices into such as can be named in one query.
func (f *fleet) groups(list []int) (all [][]int) {
	byLabel := map[string][]int{}
	for _, i := range list {
		byLabel[f.uuidLabel[i]] = append(byLabel[f.uuidLabel[i]], i)
	}
	for _, label := range slices.Sorted(maps.Keys(byLabel)) {
		all = slices.AppendSeq(all, slices.Chunk(byLabel[label], coalesced))
	}
	return all
}
