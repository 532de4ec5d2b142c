package series

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"net"
	"slices"
	"strconv"
	"strings"

	"github.com/joulebench/joulebench/internal/edgecount"
	"github.com/joulebench/joulebench/internal/promapi"
	"github.com/joulebench/joulebench/internal/tokenmetric"
	"github.com/joulebench/joulebench/powertest/energy"
	"github.com/joulebench/joulebench/powertest/tokens"
)

// matchers are those of a selector in braces.
func matchers(selector string) ([]string, error) {
	inner, open := strings.CutPrefix(strings.TrimSpace(selector), "{")
	inner, closed := strings.CutSuffix(inner, "}")
	switch {
	case strings.TrimSpace(selector) == "" || open && closed && strings.TrimSpace(inner) == "":
		return nil, nil
	case !open || !closed:
		return nil, fmt.Errorf("series: %w: the selector %s is not in braces", energy.ErrMalformed, selector)
	}
	return []string{inner}, nil
}

// readTokens counts what the inference servers did.
func (r *reader) readTokens(ctx context.Context) error {
	match, err := matchers(r.options.Tokens)
	if err != nil {
		return err
	}
	there, err := r.present(ctx, tokens.Selector(tokenmetric.Names(nil), match), "__name__")
	if err != nil {
		return err
	}
	for i := range tokenmetric.Servers {
		s := servers{reader: r, kind: &tokenmetric.Servers[i], match: match}
		if err := s.read(ctx, there); err != nil {
			return err
		}
		if err := s.judge(ctx); err != nil {
			return err
		}
	}
	return nil
}

// present are the values of a label that series of a selector have at any edge.
func (r *reader) present(ctx context.Context, selector, label string) (map[string]bool, error) {
	all := map[string]bool{}
	expr := fmt.Sprintf("count by (%s) (%s)", label, selector)
	err := r.client.Range(ctx, expr, r.grid.From, r.grid.At(r.n), r.grid.Step, func(s *promapi.Stream) {
		all[string(s.Get(label))] = true
	})
	return all, err
}

// servers are those of one kind.
type servers struct {
	*reader
	kind  *tokenmetric.Server
	match []string
	// running and waiting are the gauges of endpoints, at edges.
	running, waiting map[string][]float64
	requests         map[string][]float64 // of endpoints, in steps
	// busy are the models of which requests ended in a step, or may have.
	busy map[string][]bool
}

// read counts everything that the servers count.
func (s *servers) read(ctx context.Context, there map[string]bool) (err error) {
	var chosen [tokenmetric.Kinds]*tokenmetric.Metric
	any := false
	for what, list := range s.kind.Of {
		if i := slices.IndexFunc(list, func(m tokenmetric.Metric) bool { return there[m.Name] }); i >= 0 {
			chosen[what] = &list[i]
			any = any || tokenmetric.What(what) < tokenmetric.Running
		}
	}
	if !any {
		return nil
	}
	s.requests, s.busy = map[string][]float64{}, map[string][]bool{}
	if s.running, err = s.gauges(ctx, chosen[tokenmetric.Running]); err != nil {
		return err
	}
	if s.waiting, err = s.gauges(ctx, chosen[tokenmetric.Waiting]); err != nil {
		return err
	}
	for _, what := range []tokenmetric.What{tokenmetric.Requests, tokenmetric.Output, tokenmetric.Prompt} {
		if m := chosen[what]; m != nil {
			if err := s.count(ctx, what, *m); err != nil {
				return err
			}
		}
	}
	return nil
}

// gauges are the sums of a gauge over the rows of each endpoint, at the edges.
func (s *servers) gauges(ctx context.Context, m *tokenmetric.Metric) (map[string][]float64, error) {
	all := map[string][]float64{}
	if m == nil {
		return all, nil
	}
	expr := fmt.Sprintf("sum by (job,instance) (max without (%s) (%s))", strings.Join(slices.Concat(tokenmetric.Copied, s.kind.Copies), ","), tokens.Selector([]string{m.Name}, s.match))
	err := s.client.Range(ctx, expr, s.grid.From, s.grid.At(s.n), s.grid.Step, func(r *promapi.Stream) {
		list := make([]float64, s.n+1)
		for i := range list {
			list[i] = math.NaN()
		}
		for _, v := range r.Samples {
			if k := (v.At - s.grid.From) / s.grid.Step; k >= 0 && k <= int64(s.n) {
				list[k] = v.Value
			}
		}
		all[string(r.Get("job"))+" "+string(r.Get("instance"))] = list
	})
	return all, err
}

// edges are a gauge of an endpoint at the edges of a step.
func edges(of map[string][]float64, endpoint string, k int) tokenmetric.Edges {
	if list := of[endpoint]; list != nil {
		return tokenmetric.Edges{Before: list[k], After: list[k+1]}
	}
	return tokenmetric.Edges{Before: math.NaN(), After: math.NaN()}
}

func endpointOf(e *promapi.Edged) string { return e.Get("job") + " " + e.Get("instance") }

// count counts one thing, from the series of a metric.
func (s *servers) count(ctx context.Context, what tokenmetric.What, m tokenmetric.Metric) error {
	match := s.match
	switch {
	case len(m.Values) > 0:
		match = append(slices.Clone(match), m.Label+"=~"+strconv.Quote(strings.Join(m.Values, "|")))
	case len(m.NotValues) > 0:
		match = append(slices.Clone(match), m.Label+"!~"+strconv.Quote(strings.Join(m.NotValues, "|")))
	}
	list, err := s.client.Edges(ctx, tokens.Selector([]string{m.Name}, match), s.grid)
	if err != nil {
		return err
	}
	list = once(list, s.kind.Copies)
	up := map[string][]bool{} // of endpoints, at edges
	for _, e := range list {
		if up[endpointOf(e)] == nil {
			up[endpointOf(e)] = make([]bool, s.n+1)
		}
		for k := range e.Prev {
			if !math.IsNaN(e.Prev[k].Value) {
				up[endpointOf(e)][k] = true
			}
		}
	}
	for _, e := range list {
		model := cmp.Or(e.Get(s.kind.Model), "unnamed")
		if s.kind.Name == "dynamo" {
			s.tally.frontends[model] = true // and its pod has no GPUs
		} else if s.place(e, model); s.tally.frontends[model] {
			continue // it counts again what a frontend has counted
		}
		for k := range s.n {
			s.step(e, up[endpointOf(e)], model, k, what, m)
		}
	}
	return nil
}

// place notes which GPUs can be those of a model: of the pod and the host of its server.
func (s *servers) place(e *promapi.Edged, model string) {
	serves(s.tally.byPod, cmp.Or(e.Get("exported_pod"), e.Get("pod")), model)
	host, _, err := net.SplitHostPort(e.Get("instance"))
	if err != nil {
		host = e.Get("instance")
	}
	serves(s.tally.byHost, host, model)
	if node := e.Get("node"); node != host {
		serves(s.tally.byHost, node, model)
	}
}

// once leaves one series of those that are copies of one another: the one of which most is known.
func once(list []*promapi.Edged, copies []string) []*promapi.Edged {
	best := map[string]*promapi.Edged{}
	known := func(e *promapi.Edged) (n int) {
		for _, r := range e.Prev {
			if !math.IsNaN(r.Value) {
				n++
			}
		}
		return n
	}
	key := func(e *promapi.Edged) string { return tokenmetric.Key(e.Labels, copies) }
	for _, e := range list {
		if had := best[key(e)]; had == nil || known(e) > known(had) {
			best[key(e)] = e
		}
	}
	return slices.DeleteFunc(list, func(e *promapi.Edged) bool { return best[key(e)] != e })
}

// step counts one step of one series.
func (s *servers) step(e *promapi.Edged, up []bool, model string, k int, what tokenmetric.What, m tokenmetric.Metric) {
	unknown := func(k int) bool { return math.IsNaN(e.Prev[k].Value) }
	if unknown(k) && unknown(k+1) {
		return // it was not there
	}
	if unknown(k) && up[k] { // the first of its kind, of a server that was there
		zero := e.Next[k]
		zero.Value, zero.Before, zero.After = 0, s.grid.At(k)*1e6, s.grid.At(k)*1e6
		e.Prev[k], e.Next[k] = zero, zero
	}
	c, err := e.Count(s.grid, k)
	endpoint := endpointOf(e)
	if what == tokenmetric.Requests || len(s.kind.Of[tokenmetric.Requests]) == 0 {
		if s.busy[model] == nil {
			s.busy[model] = make([]bool, s.n)
		}
		s.busy[model][k] = s.busy[model][k] || err != nil || c.Value > 0
	}
	switch {
	case errors.Is(err, edgecount.ErrReset):
		s.tally.broke(model, k, what, energy.Finding{Reason: energy.CounterReset, Detail: fmt.Sprintf("%s of %s", m.Name, endpoint)})
		return
	case err != nil:
		s.tally.broke(model, k, what, energy.Finding{Reason: energy.BenchmarkWindowNotBracketed, Detail: fmt.Sprintf("%s of %s came or went", m.Name, endpoint)})
		return
	}
	if what == tokenmetric.Requests {
		if s.requests[endpoint] == nil {
			s.requests[endpoint] = make([]float64, s.n)
		}
		s.requests[endpoint][k] += c.Value
	}
	c, ok := m.InFlight(c, what, edges(s.running, endpoint, k), edges(s.waiting, endpoint, k), func() float64 {
		if list := s.requests[endpoint]; list != nil && list[k] >= 1 {
			return c.Value / list[k]
		}
		return math.NaN()
	})
	if !ok {
		s.tally.broke(model, k, what, energy.Finding{Reason: energy.NoInWindowSamples, Withheld: true, Detail: fmt.Sprintf("%s of %s: how much its running requests have is not known", m.Name, endpoint)})
		return
	}
	c.Low = max(c.Low, 0)
	s.tally.count(model, k, what, c)
}
