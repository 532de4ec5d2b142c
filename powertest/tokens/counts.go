package tokens

import (
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/joulebench/joulebench/internal/edgecount"
	"github.com/joulebench/joulebench/internal/tokenmetric"
	"github.com/joulebench/joulebench/powertest/energy"
)

// Count is how many there were in a window, and the interval that this lies in.
type Count struct {
	Value float64 `json:"value"`
	Low   float64 `json:"low"`
	High  float64 `json:"high"`
	// Metric is the counter that was read.
	Metric string `json:"metric"`
	// Uncached says that tokens which a cache had are not in it.
	Uncached bool `json:"uncached,omitempty"`
}

// String is the count with its interval, for people.
func (c Count) String() string {
	s := fmt.Sprintf("%.0f", c.Value)
	if c.High > c.Low {
		s += fmt.Sprintf(" (%.0f to %.0f)", math.Floor(c.Low), math.Ceil(c.High))
	}
	return s
}

// Counts are what servers have counted in a window. A count is nil if no server exports
// its counter, or if what it says cannot be defended: then Reasons say why.
type Counts struct {
	// Server is the kind of server, such as vllm; several have commas between them.
	Server string `json:"server,omitempty"`
	// From are the addresses that were read, or the Prometheus server.
	From []string `json:"from,omitempty"`
	// Replicas is how many servers were added up.
	Replicas int       `json:"replicas,omitempty"`
	Start    time.Time `json:"start"`
	End      time.Time `json:"end"`

	Prompt   *Count `json:"prompt_tokens,omitempty"`
	Output   *Count `json:"output_tokens,omitempty"`
	Cached   *Count `json:"cached_tokens,omitempty"`
	Requests *Count `json:"requests,omitempty"`
	// RunningBefore and RunningAfter are how many requests were served at the edges; nil if
	// that is not known.
	RunningBefore *float64 `json:"running_before,omitempty"`
	RunningAfter  *float64 `json:"running_after,omitempty"`
	// Reasons say why there are no counts, or what is doubtful in them.
	Reasons []energy.Finding `json:"reasons,omitempty"`
}

// Valid reports whether there is any count.
func (c Counts) Valid() bool {
	return c.Prompt != nil || c.Output != nil || c.Cached != nil || c.Requests != nil
}

// String is what was counted, in one line.
func (c Counts) String() string {
	var parts []string
	for _, p := range []struct {
		of   string
		what *Count
	}{{"requests", c.Requests}, {"prompt tokens", c.Prompt}, {"cached", c.Cached}, {"output tokens", c.Output}} {
		if p.what != nil {
			parts = append(parts, p.what.String()+" "+p.of)
		}
	}
	if len(parts) == 0 {
		parts = append(parts, "nothing")
	}
	return strings.Join(parts, ", ")
}

// Lengths are the mean numbers of tokens of a request, where the client knows them; 0 if it
// does not. They bound what requests that are running at an edge have, where a server counts
// no requests.
type Lengths struct{ Prompt, Output float64 }

// Window is the time of which tokens are counted: from From to To, less its pauses.
type Window struct {
	From, To time.Time
	// Active is how long the window is without its pauses; 0 means that it has none.
	Active  time.Duration
	Lengths Lengths
}

// of makes a count of an increase, if there is one.
func of(c edgecount.Count, m tokenmetric.Metric) *Count {
	return &Count{Value: c.Value, Low: max(c.Low, 0), High: c.High, Metric: m.Name, Uncached: m.Uncached}
}
