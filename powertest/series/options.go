package series

import (
	"errors"
	"fmt"
	"net/url"
	"time"

	"github.com/joulebench/joulebench/internal/web"
	"github.com/joulebench/joulebench/powertest"
	"github.com/joulebench/joulebench/powertest/energy"
)

// HTTP says how requests are made. It is the HTTP of package promsource.
type HTTP = web.HTTP

// Options say what is read.
type Options struct {
	// Server is the address of the Prometheus server, with its base path.
	Server web.Address
	// Start is when the first step begins, and End when the last one ends; zero means a minute ago.
	// Both are moved back to a multiple of Every.
	Start, End time.Time
	// Every is the length of a step; 0 means 5 min. It should be several scrape intervals.
	Every time.Duration
	// Selector narrows down the series of energy, as PromQL matchers in braces, and Tokens those
	// of the inference servers.
	Selector, Tokens string
	// Devices are selectors as [energy.Select] takes them, and Roles give roles to devices.
	Devices []string
	Roles   []energy.Role
	// Objectives are what requests are held to, for goodput: the time to the first token (ttft),
	// and to the last (e2e).
	Objectives map[string]time.Duration
	// Price is what the energy costs by the kilowatt-hour; nil if that is not asked for.
	Price *powertest.Price
	// Params are sent with each query.
	Params url.Values
	HTTP
}

const (
	defaultEvery = 5 * time.Minute
	// maxSteps bounds what is kept: a quarter of a year in steps of a minute.
	maxSteps = 130_000
	// settled is how old samples are that all are there.
	settled = time.Minute
)

// complete checks the options, and returns them with their defaults and the number of steps.
func (o Options) complete(now time.Time) (Options, int, error) {
	if o.Every == 0 {
		o.Every = defaultEvery
	}
	if o.End.IsZero() || o.End.After(now.Add(-settled)) {
		o.End = now.Add(-settled)
	}
	o.End = o.End.Truncate(max(o.Every, 1))
	o.Start = o.Start.Truncate(max(o.Every, 1))
	steps := o.End.Sub(o.Start) / max(o.Every, 1)
	var err error
	switch {
	case o.Every < time.Second:
		err = fmt.Errorf("steps of %v are too short: the shortest is 1 s", o.Every)
	case steps < 1:
		err = fmt.Errorf("there is no whole step of %v from %v to %v", o.Every, o.Start.Format(time.RFC3339), o.End.Format(time.RFC3339))
	case steps > maxSteps:
		err = fmt.Errorf("%d steps are more than %d", steps, maxSteps)
	}
	for of, limit := range o.Objectives {
		if of != "ttft" && of != "e2e" || limit <= 0 {
			err = errors.New("an objective is ttft or e2e, and longer than nothing")
		}
	}
	if err != nil {
		return o, 0, web.Of(energy.ErrMalformed, fmt.Errorf("series: %w", err))
	}
	return o, int(steps), nil
}
