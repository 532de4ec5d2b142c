package dcgmsource

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/joulebench/joulebench/internal/metricname"
	"github.com/joulebench/joulebench/internal/poll"
	"github.com/joulebench/joulebench/internal/wait"
	"github.com/joulebench/joulebench/internal/web"
	"github.com/joulebench/joulebench/powertest/energy"
)

// Source reads GPUs from the pages of exporters. Open it with [Open].
type Source struct {
	info      energy.Info
	devices   []energy.Device
	meters    []meter
	collapsed int
	nodes     nodes
	client    *web.Client
	polling   *poll.Polling
}

var _ interface {
	energy.Source
	energy.FindingSource
} = (*Source)(nil)

// maxWait is how long Read waits for endpoints. One that takes longer must not
// keep the others' readings from being made on time.
const maxWait = 300 * time.Millisecond

const (
	// reloading is for how long an exporter may be without a page: while it
	// reloads its list of metrics it answers with an empty page, or with an
	// error.
	reloading  = 5 * time.Second
	retryAfter = 250 * time.Millisecond
)

// Open requests the pages of all endpoints and lists their GPUs. It fails if one
// of them cannot be read, and the error names all that cannot: a sum over the
// others would be too small. See [ErrPage], [ErrNodes], [ErrUnknownMetric],
// [energy.ErrNoDevice] and [energy.ErrMalformed].
func Open(c Config) (*Source, error) {
	c.Kinds = slices.Clone(c.Kinds)
	targets, err := c.targets()
	if err != nil {
		return nil, web.Of(energy.ErrMalformed, err)
	}
	words, err := c.Metric.Vocabulary()
	if err != nil {
		return nil, fmt.Errorf("dcgm: %w", err)
	}
	client, err := web.Open(c.HTTP, os.Getenv, maxBody)
	if err != nil {
		return nil, fmt.Errorf("dcgm: %w", err)
	}
	s, err := openAll(c, targets, words, client)
	if err != nil {
		client.Close()
		return nil, err
	}
	return s, nil
}

func openAll(c Config, targets []web.Target, words *metricname.Vocabulary, client *web.Client) (*Source, error) {
	timeout := cmp.Or(max(c.HTTP.Timeout, 0), defaultTimeout)
	endpoints := make([]*endpoint, len(targets))
	surveys := make([]*survey, len(targets))
	errs := make([]error, len(targets))
	var wg sync.WaitGroup
	for i, t := range targets {
		endpoints[i] = &endpoint{Target: t, client: client, timeout: timeout, page: page{words: words, place: t.URL.Host}}
		endpoints[i].poller = poll.New("dcgm: "+t.Clean, endpoints[i].update)
		wg.Go(func() { surveys[i], errs[i] = endpoints[i].survey(context.Background()) })
	}
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	all, note := measured(combine(endpoints, surveys), surveys, c.Kinds)
	if len(all) == 0 {
		return nil, fmt.Errorf("dcgm: %w: the pages have no device of the kinds %v\n%s", energy.ErrNoDevice, c.Kinds, note)
	}
	chosen, err := choose(all, c)
	if err != nil {
		return nil, err
	}
	s := newSource(chosen, surveys, client)
	s.info.Version = strings.Join(slices.DeleteFunc([]string{s.info.Version, note}, func(s string) bool { return s == "" }), "; ")
	unread := unreadOf(all, words)
	for _, e := range endpoints {
		e.page.unread = unread
	}
	s.watchNodes(endpoints, surveys, c)
	return s, nil
}

// unreadOf returns which metrics are not read any more: those of other kinds and exporters
// than the devices have.
func unreadOf(all []candidate, words *metricname.Vocabulary) func(int) bool {
	type of struct {
		kind energy.Kind
		from *metricname.Exporter
	}
	read := map[of]bool{}
	for i := range all {
		for _, s := range all[i].counting() {
			read[of{all[i].device.Kind.OrGPU(), s.gpu.from}] = true
		}
	}
	return func(metric int) bool {
		m := words.At(metric)
		return m.Kind == metricname.About && !m.From.Lists || !read[of{m.Of.OrGPU(), m.From}]
	}
}

// survey requests the page for the first time. An exporter that reloads, or whose counters
// show 0 as they may when they have just begun, gets another chance.
func (e *endpoint) survey(ctx context.Context) (*survey, error) {
	var s *survey
	for start := time.Now(); ; {
		a := e.update(ctx)
		if a.Err == nil {
			s = surveyPage(&e.page, e.body.String())
		} else if s = nil; !passing(a.Err) {
			return nil, a.Err
		}
		if s != nil && !s.unread() {
			break
		}
		if time.Since(start) > reloading || !wait.Sleep(ctx, retryAfter) {
			if s == nil {
				return nil, a.Err
			}
			break
		}
	}
	if err := s.check(); err != nil {
		return nil, fmt.Errorf("dcgm: %s: %w", e.Clean, err)
	}
	s, err := e.again(ctx, s)
	if err != nil {
		return nil, fmt.Errorf("dcgm: %s: %w", e.Clean, err)
	}
	return s, nil
}

// newSource connects the chosen GPUs with their endpoints. Endpoints that have none
// of them are not read.
func newSource(chosen []candidate, surveys []*survey, client *web.Client) *Source {
	s := &Source{client: client, devices: devicesOf(chosen), meters: make([]meter, len(chosen))}
	s.polling = poll.Start(sourceName, maxWait)
	s.info = energy.Info{Name: sourceName, Period: nominalPeriod, Poll: shortestPoll, Version: driverVersions(surveys)}
	for i := range chosen {
		m := &s.meters[i]
		m.device = &s.devices[i]
		s.collapsed += max(m.device.Rows-1, 0)
		for _, from := range chosen[i].counting() {
			e := from.endpoint
			if len(e.values) == 0 {
				e.page = page{words: e.page.words, place: e.page.place, places: map[string]int{}}
			}
			e.page.places[m.device.UUID] = len(e.values)
			m.pollers = append(m.pollers, e.poller)
			m.origins = append(m.origins, origin{endpoint: e, local: len(e.values)})
			e.values = append(e.values, value{energy: from.gpu.energy, power: from.gpu.power})
		}
	}
	return s
}

// watchNodes makes the endpoints tell which GPUs their pages have from now on.
func (s *Source) watchNodes(endpoints []*endpoint, surveys []*survey, c Config) {
	known := map[string]bool{}
	for _, v := range surveys {
		for _, uuid := range v.left {
			known[uuid] = true
		}
		for i := range v.gpus {
			d := v.gpus[i].device
			if !known[d.UUID] {
				known[d.UUID] = true
				s.nodes.all = append(s.nodes.all, d)
			}
		}
	}
	s.nodes.selection = energy.Selection{Devices: c.Devices}
	for i, e := range endpoints {
		e.known, e.own, e.there, e.hosts = known, map[string]bool{}, map[string]bool{}, map[string]bool{}
		for k := range surveys[i].gpus {
			g := &surveys[i].gpus[k]
			if len(g.rows) > 0 {
				e.own[g.device.UUID] = true
			}
			if e.host = g.device.Host; e.host != "" {
				e.hosts[e.host] = true
			}
		}
		e.nodes = &s.nodes
	}
}

func driverVersions(surveys []*survey) string {
	var versions []string
	for _, s := range surveys {
		versions = append(versions, s.drivers...)
	}
	if len(versions) == 0 {
		return ""
	}
	slices.Sort(versions)
	return "driver " + strings.Join(slices.Compact(versions), ", ")
}

// Info describes the source.
func (s *Source) Info() energy.Info { return s.info }

// Devices lists the GPUs, each once, in the order of the endpoints and of their
// indices, or in that of [Config.Devices].
func (s *Source) Devices() []energy.Device { return s.devices }

// Collapsed returns how many rows of the pages were left out when the source
// was opened, because the GPU was counted already: those of MIG instances, of
// pods and jobs that share a GPU, and of further endpoints that have it.
func (s *Source) Collapsed() int { return s.collapsed }

// Read requests the pages that have the devices in dst, in parallel. It waits
// up to 300 ms for them. A request that takes longer goes on, and its devices
// get an error that wraps [os.ErrDeadlineExceeded]; the first Read after its
// answer has come gives them its values, with the times of the request.
//
// Unlike other sources' it allocates, as requests do.
func (s *Source) Read(dst []energy.Reading) {
	s.polling.Read(dst, func(device int) []*poll.Poller { return s.meters[device].pollers }, func(r *energy.Reading) { s.meters[r.Device].read(r) })
}

// Close ends the requests that are under way. It is idempotent.
func (s *Source) Close() error {
	s.polling.Close()
	s.client.Close()
	return nil
}
