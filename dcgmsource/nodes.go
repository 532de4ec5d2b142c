package dcgmsource

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/joulebench/joulebench/powertest/energy"
)

const (
	// surveyed is how many pages are looked at when the source is opened, each by a new
	// connection, and surveyTime for how long at most: an address that stands for several
	// nodes, as that of a Kubernetes Service does, answers with each of them by turns.
	surveyed   = 5
	surveyTime = 2 * time.Second
	// namesShown is how many hosts or GPUs a message names.
	namesShown = 4
)

// again looks at further pages of an endpoint, and returns the survey of the one that has
// most GPUs. That pages are of different nodes is an error.
func (e *endpoint) again(ctx context.Context, first *survey) (*survey, error) {
	best, start := first, time.Now()
	for i := 1; i < surveyed && time.Since(start) < surveyTime; i++ {
		if e.update(ctx).Err != nil {
			continue // it has answered before
		}
		s := surveyPage(&e.page, e.body.String())
		if s.check() != nil {
			continue
		}
		if s.ofOther(best) || !slices.Equal(s.hosts(), best.hosts()) && len(s.gpus) == len(best.gpus) {
			return nil, fmt.Errorf("%w by turns: %s\n%s", ErrNodes, shown(append(s.names(), best.names()...)), nameEach)
		}
		if len(s.gpus) > len(best.gpus) {
			best = s
		}
	}
	return best, nil
}

// nameEach is what to do about an address that stands for several nodes.
const nameEach = "name the exporter of each node by an address of its own, such as its pod's, and not by that of a service"

// shown lists some names, each once.
func shown(names []string) string {
	names = slices.Compact(slices.Sorted(slices.Values(names)))
	if n := len(names) - namesShown; n > 0 {
		return strings.Join(names[:namesShown], ", ") + fmt.Sprintf(" and %d more", n)
	}
	return strings.Join(names, ", ")
}

// ofOther reports whether each of two pages has a GPU that the other has not.
func (s *survey) ofOther(other *survey) bool { return s.lacks(other) && other.lacks(s) }

func (s *survey) lacks(other *survey) bool {
	return slices.ContainsFunc(other.gpus, func(g gpu) bool {
		_, has := s.at[g.device.UUID]
		return !has
	})
}

// hosts returns the names of the page's hosts, each once.
func (s *survey) hosts() []string {
	hosts := map[string]bool{}
	for _, g := range s.gpus {
		hosts[g.device.Host] = true
	}
	return slices.Sorted(maps.Keys(hosts))
}

// names returns the hosts, or where they are not named the GPUs.
func (s *survey) names() (names []string) {
	for _, g := range s.gpus {
		if g.device.Host == "" || len(s.hosts()) > 1 {
			names = append(names, g.device.UUID)
		} else {
			names = append(names, g.device.Host)
		}
	}
	return names
}

// nodes notices which GPUs the pages have, while they are read: such as were not there
// when the source was opened, and such as are of another node. It is safe for concurrent
// use.
type nodes struct {
	selection energy.Selection
	all       []energy.Device // when the source was opened

	mu sync.Mutex
	// strangers are GPUs that were not there, by UUID.
	strangers map[string]stay
	turns     []turn
}

// stay is when something was there first and last.
type stay struct{ first, last time.Time }

// turn is that the pages of an endpoint were those of several nodes.
type turn struct {
	stay
	endpoint string
	names    []string
}

// stranger takes in a GPU that no page had when the source was opened.
func (n *nodes) stranger(d energy.Device, at time.Time) {
	n.mu.Lock()
	defer n.mu.Unlock()
	was, known := n.strangers[d.UUID]
	switch {
	case known:
		was.last = at
		n.strangers[d.UUID] = was
	case len(n.strangers) < maxGPUs && n.selection.Wants(n.all, d):
		if n.strangers == nil {
			n.strangers = map[string]stay{}
		}
		n.strangers[d.UUID] = stay{at, at}
	}
}

// turned takes in that a page of an endpoint was that of another node.
func (n *nodes) turned(endpoint string, names []string, at time.Time) {
	n.mu.Lock()
	defer n.mu.Unlock()
	i := slices.IndexFunc(n.turns, func(t turn) bool { return t.endpoint == endpoint })
	if i < 0 {
		n.turns = append(n.turns, turn{stay{at, at}, endpoint, names})
		return
	}
	n.turns[i].last = at
}

// Findings returns what the pages between two times had that the sums lack: it implements
// [energy.FindingSource].
func (s *Source) Findings(from, to time.Time) (list []energy.Finding) {
	n := &s.nodes
	n.mu.Lock()
	defer n.mu.Unlock()
	during := func(s stay) bool { return s.first.Before(to) && !s.last.Before(from) }
	for _, t := range n.turns {
		if during(t.stay) {
			list = append(list, energy.Finding{Reason: energy.ExpectedGPUCountMismatch, Detail: fmt.Sprintf("%s: %v by turns: %s; %s", t.endpoint, ErrNodes, shown(t.names), nameEach)})
		}
	}
	var uuids []string
	for uuid, s := range n.strangers {
		if during(s) {
			uuids = append(uuids, uuid)
		}
	}
	if len(uuids) > 0 && len(list) == 0 {
		list = append(list, energy.Finding{Reason: energy.ExpectedGPUCountMismatch, Detail: fmt.Sprintf(
			"%d GPUs fit the selection that were not there when it was made (%s): open the source again", len(uuids), shown(uuids))})
	}
	return list
}

// watch looks for GPUs on the newest page that were not there when the source was opened.
func (e *endpoint) watch(at time.Time) {
	if e.nodes == nil {
		return
	}
	var strange []*labelSet
	host := ""
	clear(e.there)
	for i := range e.page.rows {
		l := e.page.rows[i].labels
		if l.err != nil || l.uuid == "" {
			continue
		}
		host = l.host
		if e.own[l.uuid] {
			e.there[l.uuid] = true
		} else if !e.known[l.uuid] {
			strange = append(strange, l)
		}
	}
	switch gone := len(e.there) < len(e.own); {
	case len(strange) > 0 && gone:
		e.nodes.turned(e.Clean, append(slices.Collect(maps.Keys(e.hosts)), strange[0].host), at)
	case host != "" && host != e.host && e.hosts[host]:
		e.nodes.turned(e.Clean, slices.Collect(maps.Keys(e.hosts)), at)
	default:
		for _, l := range strange {
			e.nodes.stranger(l.gpu(), at)
		}
	}
	if host != "" {
		e.host = host
		if len(e.hosts) < maxGPUs {
			e.hosts[host] = true
		}
	}
}
