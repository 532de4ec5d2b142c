package dcgmtest

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Page returns the page that a request at t gets, with the faults that are in
// what the exporter knows, but not those of how it is served. t is not in the
// future, and time does not go back: the page shows what was collected last, or
// what an earlier call did if that was later.
//
// The order of groups is random. [Sort] brings two pages into the same order.
func (e *Exporter) Page(t time.Time) []byte {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.refresh(t)
	var rows []row
	for i, g := range e.gpus {
		if g.hidden {
			continue
		}
		var pods []map[string]string
		if e.faults.pods != nil {
			pods = e.faults.pods(i, t)
		}
		rows = append(rows, g.rows(i, pods)...)
	}
	return e.render(rows)
}

// group writes a metric with its headers and a row each.
type group func(b []byte, rows []row) []byte

// metrics are the groups of a page. The first one is the energy, if there is any.
func (e *Exporter) metrics() []group {
	var groups []group
	if e.names.energy != "" {
		groups = append(groups, e.appendEnergy)
	}
	groups = append(groups, e.appendPower)
	if e.cfg.Only {
		return groups
	}
	for i := range families {
		groups = append(groups, func(b []byte, rows []row) []byte { return e.appendConstant(b, &families[i], rows) })
	}
	return groups
}

// render writes the groups. The caller holds mu.
func (e *Exporter) render(rows []row) []byte {
	order := e.order.Perm(len(e.groups))
	if e.faults.truncated {
		first := slices.Index(order, 0)
		order = append(slices.Delete(order, first, first+1), 0)
	}
	b := make([]byte, 0, len(order)*(len(rows)+1)*256)
	for _, i := range order {
		b = e.groups[i](b, rows)
	}
	if e.faults.truncated {
		b = b[:max(len(b)-4, 0)]
	}
	return b
}

// brokenLabel is what an exporter makes of a job whose name has quotes.
const brokenLabel = `,hpc_job="sweep "A""`

func (e *Exporter) appendEnergy(b []byte, rows []row) []byte {
	return appendGroup(b, e.names.energy, "counter", e.names.energyHelp, rows, func(b []byte, r *row) []byte {
		g := e.gpus[r.gpu]
		joules := g.energy
		if r.skewed {
			joules = g.earlier
		}
		if math.IsNaN(joules) {
			return nil
		}
		b = append(b, r.labels...)
		if g.broken {
			b = append(b, brokenLabel...)
		}
		return strconv.AppendInt(append(b, "} "...), int64(math.Floor(joules*e.names.perJoule)), 10)
	})
}

func (e *Exporter) appendPower(b []byte, rows []row) []byte {
	return appendGroup(b, e.names.power, "gauge", "Power draw (in W).", rows, func(b []byte, r *row) []byte {
		// DCGM has the driver's milliwatts.
		watts := math.Round(e.gpus[r.gpu].watts*1e3) / 1e3
		return appendDouble(append(append(b, r.labels...), "} "...), watts)
	})
}

func (e *Exporter) appendConstant(b []byte, f *family, rows []row) []byte {
	return appendGroup(b, f.name, f.kind, f.help, rows, func(b []byte, r *row) []byte {
		labels := r.labels
		if f.name == xidErrors {
			labels = r.fixed + attributes(r.pod, xidLabels)
		}
		b = append(b, labels...)
		if e.faults.brokenElsewhere && f == &families[0] {
			b = append(b, brokenLabel...)
		}
		return f.append(append(b, "} "...), r.gpu)
	})
}

// appendGroup writes a group, unless none of its rows has a value. value writes
// what follows the opening brace, or returns nil if there is no value.
func appendGroup(b []byte, name, kind, help string, rows []row, value func([]byte, *row) []byte) []byte {
	begin := len(b)
	b = fmt.Appendf(b, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, kind)
	header := len(b)
	for i := range rows {
		line := append(append(b, name...), '{')
		if line = value(line, &rows[i]); line != nil {
			b = append(line, '\n')
		}
	}
	if len(b) == header {
		return b[:begin]
	}
	return b
}

// Sort returns the page with its groups sorted by name. Two pages of the same
// collection are then equal.
func Sort(page []byte) []byte {
	if len(page) == 0 {
		return nil
	}
	const begins = "# HELP "
	groups := strings.Split(string(page), "\n"+begins)
	for i, g := range groups {
		groups[i] = strings.TrimSuffix(strings.TrimPrefix(g, begins), "\n")
	}
	slices.Sort(groups)
	return []byte(begins + strings.Join(groups, "\n"+begins) + "\n")
}
