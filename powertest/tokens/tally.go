package tokens

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/joulebench/joulebench/internal/tokenmetric"
	"github.com/joulebench/joulebench/powertest/energy"
)

// reading is what one server's page was at some time between two.
type reading struct {
	before, after time.Time
	rows          []row
	err           error
}

// replica is a server with its readings in order of time. Late is one more, a moment after
// the last, of a server that said it was idle: requests that it counts only now.
type replica struct {
	address  string
	readings []reading
	late     *reading
}

// nearEdge is how far a reading may be from an edge to be the state at that edge.
const nearEdge = 50 * time.Millisecond

// tally counts what replicas did in a window.
type tally struct {
	Window
	replicas []replica
	counts   Counts
}

// run counts.
func (t *tally) run() Counts {
	t.counts.Start, t.counts.End = t.From, t.To
	if !t.readable() {
		return t.counts
	}
	t.once()
	servers := t.servers()
	if servers == nil {
		return t.counts
	}
	t.counts.Replicas = len(t.replicas)
	names := map[string]bool{}
	for _, s := range servers {
		names[s.Name] = true
	}
	t.counts.Server = strings.Join(slices.Sorted(maps.Keys(names)), ",")
	t.counts.RunningBefore, t.counts.RunningAfter = t.inAll(servers, t.From), t.inAll(servers, t.To)
	for _, to := range []struct {
		what tokenmetric.What
		to   **Count
	}{{tokenmetric.Requests, &t.counts.Requests}, {tokenmetric.Output, &t.counts.Output}, {tokenmetric.Prompt, &t.counts.Prompt}, {tokenmetric.Cached, &t.counts.Cached}} {
		*to.to = t.sum(to.what, servers)
	}
	return t.counts
}

// find adds a finding, once.
func (t *tally) find(reason energy.Reason, format string, args ...any) {
	f := energy.Finding{Reason: reason, Detail: fmt.Sprintf(format, args...)}
	if !slices.Contains(t.counts.Reasons, f) {
		t.counts.Reasons = append(t.counts.Reasons, f)
	}
}

// readable reports whether each replica was read before and after the window, and the
// same process both times.
func (t *tally) readable() bool {
	ok := len(t.replicas) > 0
	for i := range t.replicas {
		r := &t.replicas[i]
		var last error
		r.readings = slices.DeleteFunc(r.readings, func(x reading) bool {
			if x.err != nil {
				last = x.err
			}
			return x.err != nil
		})
		if r.late != nil && r.late.err != nil {
			r.late = nil
		}
		n := len(r.readings)
		switch {
		case n == 0 && last != nil:
			t.find(reasonOf(last), "%v", last)
		case n == 0 || r.readings[0].after.After(t.From) || r.readings[n-1].before.Before(t.To):
			what := "was not read on both sides of the window"
			if last != nil {
				what += ": " + last.Error()
			}
			t.find(energy.BenchmarkWindowNotBracketed, "%s %s", r.address, what)
		case origin(r.readings[0].rows) != origin(r.readings[n-1].rows):
			t.find(energy.CounterReset, "%s was started anew in the window", r.address)
		default:
			continue
		}
		ok = false
	}
	return ok
}

// reasonOf is the code for an error of reading.
func reasonOf(err error) energy.Reason {
	if errors.Is(err, energy.ErrStalled) || errors.Is(err, energy.ErrNoAnswer) {
		return energy.SourceStalled
	}
	return energy.SourceUnavailable
}

// once leaves out replicas that are another one under another address: of the same process,
// as far as that shows.
func (t *tally) once() {
	seen := map[string]string{}
	t.replicas = slices.DeleteFunc(t.replicas, func(r replica) bool {
		first, last := r.readings[0].rows, r.readings[len(r.readings)-1].rows
		id := origin(first)
		if id == "" {
			return false
		}
		if !slices.ContainsFunc(first, func(r row) bool { return tokenmetric.IsCreated(r.name) }) {
			// Processes can begin in the same hundredth of a second, but they do not
			// count the same then.
			id += fmt.Sprint(totals(first), totals(last))
		}
		other, twice := seen[id]
		if twice {
			t.find(energy.SharedGPU, "%s and %s are one server, which counts once", other, r.address)
		} else {
			seen[id] = r.address
		}
		return twice
	})
}

// totals are the values of all counters of rows.
func totals(rows []row) (list []float64) {
	for _, r := range rows {
		if strings.HasSuffix(r.name, "_total") {
			list = append(list, r.value)
		}
	}
	return list
}

// servers returns the kind of each replica; nil if one has none. Behind a frontend that
// counts, workers do not count again.
func (t *tally) servers() []*tokenmetric.Server {
	kinds := func() (list []*tokenmetric.Server) {
		for _, r := range t.replicas {
			rows := r.readings[len(r.readings)-1].rows
			list = append(list, tokenmetric.Of(func(name string) bool { return has(rows, name) }))
		}
		return list
	}
	list := kinds()
	isDynamo := func(s *tokenmetric.Server) bool { return s != nil && s.Name == "dynamo" }
	if slices.ContainsFunc(list, isDynamo) {
		i := -1
		t.replicas = slices.DeleteFunc(t.replicas, func(replica) bool { i++; return !isDynamo(list[i]) })
		list = kinds()
	}
	for i, s := range list {
		if s == nil {
			t.find(energy.SourceUnavailable, "%s has no counters of tokens that are known", t.replicas[i].address)
			return nil
		}
	}
	return list
}

// at returns the readings on both sides of a moment, and the one that is nearer.
func (r replica) at(when time.Time) (prev, next, near *reading) {
	for i := range r.readings {
		x := &r.readings[i]
		if !x.after.After(when) {
			prev = x
		}
		if next == nil && !x.before.Before(when) {
			next = x
		}
	}
	if near = prev; prev == nil || next != nil && next.before.Sub(when) < when.Sub(prev.after) {
		near = next
	}
	return prev, next, near
}

// gauge is the sum of a gauge over the rows of a reading; NaN if there are none.
func gauge(rows []row, s *tokenmetric.Server, what tokenmetric.What) float64 {
	for _, m := range s.Of[what] {
		if !has(rows, m.Name) {
			continue
		}
		sum := 0.0
		for _, v := range values(rows, m, s.Copies) {
			sum += v
		}
		return sum
	}
	return math.NaN()
}

// running is how many requests a replica served at a moment: the most of what is known on both
// sides of it, unless a reading is there. NaN if it does not say.
func (r replica) running(s *tokenmetric.Server, what tokenmetric.What, when time.Time) float64 {
	prev, next, near := r.at(when)
	if next == nil || prev == nil || near.before.Sub(when).Abs() < nearEdge || near.after.Sub(when).Abs() < nearEdge {
		return gauge(near.rows, s, what)
	}
	return max(gauge(prev.rows, s, what), gauge(next.rows, s, what))
}

// inAll is how many requests ran in all replicas; nil if one does not say.
func (t *tally) inAll(servers []*tokenmetric.Server, when time.Time) *float64 {
	sum := 0.0
	for i, r := range t.replicas {
		sum += r.running(servers[i], tokenmetric.Running, when)
	}
	if math.IsNaN(sum) {
		return nil
	}
	return &sum
}

// isIdle reports whether a page says that nothing is running.
func isIdle(rows []row) bool {
	s := tokenmetric.Of(func(name string) bool { return has(rows, name) })
	return s != nil && gauge(rows, s, tokenmetric.Running) == 0
}
