package series

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/joulebench/joulebench/internal/progress"
	"github.com/joulebench/joulebench/internal/promapi"
	"github.com/joulebench/joulebench/powertest"
	"github.com/joulebench/joulebench/powertest/energy"
	"github.com/joulebench/joulebench/promsource"
)

// Series is what was measured, step by step. Its JSON has the keys of its fields.
type Series struct {
	Start time.Time     `json:"start"`
	Every time.Duration `json:"every_ns"`
	// Groups are the whole, called "all", and then models, roles and what belongs to no model, by
	// their names.
	Groups []*Group `json:"groups"`
	// GPUs is how many devices there were at any time.
	GPUs int `json:"gpus"`
	// Scrape is the longest interval at which devices are scraped.
	Scrape time.Duration `json:"scrape_ns"`
	// Price is what the energy costs; nil if that is not asked for.
	Price *powertest.Price `json:"price,omitempty"`
	// Notes say what is not in the numbers.
	Notes []string `json:"notes,omitempty"`

	devices []energy.Device
}

// Group is a part of the whole: of a model, or of a role.
type Group struct {
	// Name is "all", "no model", "model NAME" or "role NAME".
	Name   string  `json:"name"`
	Points []Point `json:"points"`
}

// Point is one step of a group. What is not known is nil.
type Point struct {
	Start time.Time `json:"start"`
	// GPUs is how many devices were there.
	GPUs int `json:"gpus"`
	// Joules are those of the devices, and Watts by the length of the step.
	Joules *powertest.Interval `json:"joules,omitempty"`
	Watts  *powertest.Interval `json:"watts,omitempty"`
	// Output and Prompt are tokens, and Requests are those that ended.
	Output   *powertest.Interval `json:"output_tokens,omitempty"`
	Prompt   *powertest.Interval `json:"prompt_tokens,omitempty"`
	Requests *powertest.Interval `json:"requests,omitempty"`
	// JoulesPerToken is by output tokens, and TokensPerSecond are these.
	JoulesPerToken  *powertest.Interval `json:"joules_per_token,omitempty"`
	TokensPerSecond *powertest.Interval `json:"tokens_per_second,omitempty"`
	// Cost is that of the energy, and CostPerMillionTokens is by output tokens; nil without a price.
	Cost                 *powertest.Interval `json:"cost,omitempty"`
	CostPerMillionTokens *powertest.Interval `json:"cost_per_million_output_tokens,omitempty"`
	// Good is the share of requests that met the objectives, and GoodPerJoule their number by the
	// energy.
	Good         *powertest.Interval `json:"good,omitempty"`
	GoodPerJoule *powertest.Interval `json:"good_requests_per_joule,omitempty"`
	// Reasons say why something is not known.
	Reasons []energy.Finding `json:"reasons,omitempty"`
}

// Measured reports whether there is any number of joules.
func (s *Series) Measured() bool {
	return slices.ContainsFunc(s.Groups, func(g *Group) bool {
		return slices.ContainsFunc(g.Points, func(p Point) bool { return p.Joules != nil })
	})
}

// reader reads a series.
type reader struct {
	*Series
	options Options
	n       int
	client  *promapi.Client
	grid    promapi.Grid
	tally   *tally
}

// Read reads what a server has. The errors are those of [promsource.Open]: it takes what the answers
// take, and some hundred bytes for each device and step at a time.
func Read(ctx context.Context, o Options) (*Series, error) {
	defer progress.Of(ctx).Rest()
	progress.Of(ctx).Step("asking the server", 0)
	o, n, err := o.complete(time.Now())
	if err != nil {
		return nil, err
	}
	src, err := promsource.Open(promsource.Config{
		URL: string(o.Server), Selector: o.Selector, Devices: o.Devices, Roles: o.Roles,
		Window: energy.Span{Start: o.Start, End: o.End}, Params: o.Params, HTTP: o.HTTP,
	})
	if err != nil {
		return nil, err
	}
	defer src.Close()
	r := &reader{options: o, n: n, Series: &Series{Start: o.Start, Every: o.Every, Price: o.Price}}
	r.open(src)
	if err := r.readTokens(ctx); err != nil {
		return nil, err
	}
	if err := src.Steps(ctx, o.Start, o.Every, n, r.tally.energy); err != nil {
		return nil, err
	}
	r.Groups = r.tally.groups()
	r.addCost()
	return r.Series, nil
}

// open prepares the queries of tokens.
func (r *reader) open(src *promsource.Source) {
	r.Scrape, _, _ = src.Scraping()
	r.client, r.grid = src.Grid(r.Start, r.Every, r.n)
	r.devices = src.Devices()
	r.GPUs = len(r.devices)
	r.tally = newTally(r.Series, r.n)
	var byPower []string
	for _, d := range r.devices {
		if d.Method == energy.Gauge {
			byPower = append(byPower, d.UUID)
		}
	}
	if len(byPower) > 0 {
		const shown = 4
		r.Notes = append(r.Notes, fmt.Sprintf("%d GPUs have no energy counter, only power, and are not in any number: %s; leave them out with a selector, or export the counter",
			len(byPower), strings.Join(byPower[:min(len(byPower), shown)], ", ")))
	}
}
