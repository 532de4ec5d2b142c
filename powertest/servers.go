package powertest

import (
	"context"
	"fmt"
	"math"
	"sync"
	"time"

	"github.com/joulebench/joulebench/internal/edgecount"
	"github.com/joulebench/joulebench/internal/metrictable"
	"github.com/joulebench/joulebench/powertest/energy"
	"github.com/joulebench/joulebench/powertest/tokens"
)

// TokensFrom also counts tokens and requests by the counters of the inference server that is
// under load, as POWERTEST_TOKENS does: "vllm=http://host:8000/metrics", the address alone,
// several of replicas with commas, or "prometheus=http://prom:9090&job=vllm" (see package
// [tokens]). It goes before the variable. Where the client counts none, with AddTokens and
// AddRequests, the metrics are by the server's counts; where it does, the two are compared, and
// marked with [energy.TokenMismatch] if they differ by more than their intervals.
//
// The server is read just before the window and just after it, for 2 s at most.
func TokensFrom(server string) Option {
	return func(c *config) {
		c.give("TokensFrom")
		c.tokens = server
	}
}

// ServerReport is what the inference servers have counted in a window.
type ServerReport struct {
	tokens.Counts
	// TokensPerJoule are output tokens per joule, with the interval of both: of the client's
	// count where there is one. JoulesPerToken is its inverse.
	TokensPerJoule *Interval `json:"tokens_per_joule,omitempty"`
	JoulesPerToken *Interval `json:"joules_per_token,omitempty"`
}

// Interval is a number, and between what it lies in at least 95 % of windows.
type Interval struct {
	Value float64 `json:"value"`
	Low   float64 `json:"low"`
	High  float64 `json:"high"`
}

// ErrPercent is the half-width in percent of the value.
func (i Interval) ErrPercent() float64 { return 100 * (i.High - i.Low) / 2 / i.Value }

// Quotient divides one number by another, of which the errors have no cause in common. It is nil
// if that is not finite.
func Quotient(over, per Interval) *Interval {
	q := Interval(edgecount.Quotient(edgecount.Count(over), edgecount.Count(per)))
	if !metrictable.Finite(q.Value) || !metrictable.Finite(q.High) {
		return nil
	}
	return &q
}

// servers keeps the token sources of a process, by what names them.
type servers struct {
	mu     sync.Mutex
	opened map[string]*tokens.Source
}

// open opens what the options or the environment name; nil if neither does.
func (s *servers) open(c config, e environment) (*tokens.Source, error) {
	value := c.tokens
	if value == "" {
		value = e.tokens
	}
	if value == "" || e.off() {
		return nil, nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if src := s.opened[value]; src != nil {
		return src, nil
	}
	cfg, err := tokens.Parse(value)
	if err != nil {
		return nil, err
	}
	src, err := tokens.Open(cfg)
	if err != nil {
		return nil, err
	}
	if s.opened == nil {
		s.opened = map[string]*tokens.Source{}
	}
	s.opened[value] = src
	return src, nil
}

// serving counts a window by the servers. A nil serving counts nothing.
type serving struct {
	source *tokens.Source
	follow bool

	mu       sync.Mutex
	session  *tokens.Session
	from, to time.Time
}

// begin reads the servers before the window, or before what is left of it.
func (s *serving) begin(ctx context.Context) {
	if s == nil {
		return
	}
	session := s.source.Begin(ctx, s.follow)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.session != nil && s.follow {
		s.session.End()
	}
	s.session, s.from = session, time.Now()
}

// end begins to read them after it.
func (s *serving) end() {
	if s == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.to.IsZero() {
		s.to = time.Now()
		s.session.End()
	}
}

// count adds to a report what was counted: in the spans, or from begin to end.
func (s *serving) count(ctx context.Context, r *Report, spans []energy.Span) {
	if s == nil {
		return
	}
	s.end()
	w := tokens.Window{From: s.from, To: s.to, Active: r.Work.Elapsed}
	if len(spans) > 0 {
		w.From, w.To = spans[0].Start, spans[len(spans)-1].End
	}
	if n := float64(r.Work.Requests); n > 0 {
		w.Lengths = tokens.Lengths{Prompt: float64(r.Work.PromptTokens) / n, Output: float64(r.Work.OutputTokens) / n}
	}
	r.Server = &ServerReport{Counts: s.session.Count(ctx, w)}
}

// AddServer adds to a report what servers have counted in its window, as with
// [tokens.Source.CountPast]. A [Meter] does so itself, with the option [TokensFrom].
func (r *Report) AddServer(c tokens.Counts) {
	r.Server = &ServerReport{Counts: c}
	r.complete(config{load: true})
}

// served is the work by which energy is divided: what the client did not count, the servers did.
func (r *Report) served() Work {
	w := r.Work
	if r.Server == nil {
		return w
	}
	for _, n := range []struct {
		to   *int64
		from *tokens.Count
	}{{&w.Requests, r.Server.Requests}, {&w.PromptTokens, r.Server.Prompt}, {&w.OutputTokens, r.Server.Output}} {
		if *n.to == 0 && n.from != nil {
			*n.to = int64(math.Round(n.from.Value))
		}
	}
	return w
}

// byClient is what the client counted, and the interval of that: requests that ran at an edge are
// added on one side of it.
func (r *Report) byClient(n int64) Interval {
	c := Interval{float64(n), float64(n), float64(n)}
	if length := c.Value / float64(max(r.Work.Requests, 1)); r.Work.Requests > 0 {
		if before := r.Server.RunningBefore; before != nil {
			c.Low = max(c.Low-*before*length, 0)
		}
		if after := r.Server.RunningAfter; after != nil {
			c.High += *after * length
		}
	}
	return c
}

// judgeServer compares what the client and the servers counted, and divides by the energy.
func (r *Report) judgeServer() {
	if r.Server == nil {
		return
	}
	s := r.Server
	for _, n := range []struct {
		what   string
		client int64
		server *tokens.Count
	}{{"output tokens", r.Work.OutputTokens, s.Output}, {"prompt tokens", r.Work.PromptTokens, s.Prompt}, {"requests", r.Work.Requests, s.Requests}} {
		if n.client == 0 || n.server == nil || n.server.Uncached && n.what == "prompt tokens" {
			continue
		}
		ours := r.byClient(n.client)
		if n.server.High+0.5 >= ours.Low && n.server.Low-0.5 <= ours.High {
			continue
		}
		r.mismatch(energy.Finding{Reason: energy.TokenMismatch, Detail: fmt.Sprintf(
			"the client counted %d %s and the server %v: it has other clients, or one of the two counts something else", n.client, n.what, n.server)})
	}
	if m := r.Measurement; m != nil && m.Valid {
		e := Interval{m.Energy.Joules, m.Energy.Low, m.Energy.High}
		var output Interval
		switch {
		case r.Work.OutputTokens > 0:
			output = r.byClient(r.Work.OutputTokens)
		case s.Output != nil:
			output = Interval{s.Output.Value, s.Output.Low, s.Output.High}
		default: // nobody counted, which is not 0
			return
		}
		s.TokensPerJoule, s.JoulesPerToken = Quotient(output, e), Quotient(e, output)
	}
}

// serverMetrics are the metrics that only the servers' counts give.
func (r *Report) serverMetrics() []Metric {
	if r.Server == nil || r.Server.TokensPerJoule == nil {
		return nil
	}
	in := metrictable.Unknown()
	in.TokensPercent = r.Server.TokensPerJoule.ErrPercent()
	return evaluate(in, config{served: true}.metrics())
}

// mismatch marks the report, once.
func (r *Report) mismatch(f energy.Finding) {
	for _, g := range r.Server.Reasons {
		if g == f {
			return
		}
	}
	r.Server.Reasons = append(r.Server.Reasons, f)
	if r.Measurement != nil {
		r.add(f)
	}
}

// serverMissing is why a report that was to have the servers' counts has none; nil if it has.
func (r *Report) serverMissing() error {
	if r.Server == nil || r.Server.Valid() {
		return nil
	}
	return fmt.Errorf("the servers' counts are withheld: %v", energy.Causes(r.Server.Reasons))
}

// serve makes what counts a benchmark by its servers, if any do.
func (b *B) serve() {
	b.Helper()
	src, err := process.servers.open(b.config, b.env)
	if err != nil {
		b.fatal("%v", err)
	}
	if src == nil {
		return
	}
	b.serving = &serving{source: src}
}

// explainServer logs what is to be said of the servers' counts.
func (b *B) explainServer(r Report) {
	b.Helper()
	if r.Server == nil {
		return
	}
	if err := r.serverMissing(); err != nil && b.env.strict {
		b.say(b.Name()+" servers", "%v", err)
		b.Errorf("powertest: %v", err)
		return
	}
	for _, f := range energy.Causes(r.Server.Reasons) {
		if f.Reason != energy.TokenMismatch || r.Measurement == nil { // else it is with the joules
			b.logOnce(fmt.Sprint(b.Name(), "servers", f.Reason), "of the server's counts: %v", f)
		}
	}
}
