package dcgmsource

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/joulebench/joulebench/internal/metricname"
	"github.com/joulebench/joulebench/internal/web"
	"github.com/joulebench/joulebench/powertest/energy"
)

// candidate is a GPU with all endpoints that have it.
type candidate struct {
	device  energy.Device
	entries []entry
}

// entry is what one endpoint has of a GPU.
type entry struct {
	endpoint *endpoint
	survey   *survey
	gpu      *gpu
}

// combine lists the GPUs of all pages, each once: its UUID is the same on all of
// them, whatever else is not.
func combine(endpoints []*endpoint, surveys []*survey) []candidate {
	var all []candidate
	at := map[string]int{}
	for i, s := range surveys {
		slices.SortStableFunc(s.gpus, func(a, b gpu) int { return cmp.Compare(a.device.Index, b.device.Index) })
		for k := range s.gpus {
			g := &s.gpus[k]
			n, known := at[g.device.UUID]
			if !known {
				n = len(all)
				at[g.device.UUID] = n
				all = append(all, candidate{})
			}
			all[n].entries = append(all[n].entries, entry{endpoints[i], s, g})
		}
	}
	for i := range all {
		all[i].device = all[i].describe()
	}
	return all
}

// describe makes the device of what the endpoints have.
func (c *candidate) describe() energy.Device {
	d := c.entries[0].gpu.device
	role := ""
	for _, s := range c.entries {
		if d.Name == "" { // its first row was broken
			metricname.Complete(&d, s.gpu.device)
		}
		role = cmp.Or(role, s.endpoint.Role)
	}
	var urls []string
	var rows metricname.Rows
	best := c.counting()[0]
	for _, s := range c.counting() {
		urls = append(urls, s.endpoint.Clean)
		rows.Merge(s.gpu.users)
		m := s.gpu.counts()
		d.Rows += s.gpu.rows[m]
		if m < best.gpu.counts() {
			best = s
		}
	}
	d.Method, d.Hint = energy.Counter, best.gpu.from.Hint
	if m := best.gpu.counts(); m >= 0 {
		best.survey.words.At(m).Describe(&d, best.gpu.names[m])
	}
	d.Role, d.Endpoint, d.Marks = role, strings.Join(urls, ", "), rows.Marks(d)
	return d
}

// found is what there is of a device, for the choice among them.
func (c *candidate) found() metricname.Found {
	f := metricname.Found{Device: c.device, From: c.counting()[0].gpu.from}
	for _, s := range c.entries {
		for m := range s.gpu.rows {
			if x := s.survey.words.At(m).From; x != f.From && !slices.Contains(f.Beside, x) {
				f.Beside = append(f.Beside, x)
			}
		}
	}
	return f
}

// measured returns the devices of those kinds, or what there is if there are no kinds,
// and what is there beside them, for people. The surveys lose the others.
func measured(all []candidate, surveys []*survey, kinds []energy.Kind) ([]candidate, string) {
	found := make([]metricname.Found, len(all))
	for i := range all {
		found[i] = all[i].found()
	}
	at, note := metricname.Choose(found, kinds)
	chosen, uuids := make([]candidate, len(at)), map[string]bool{}
	for i, k := range at {
		chosen[i] = all[k]
		chosen[i].device = found[k].Device
		uuids[chosen[i].device.UUID] = true
	}
	for _, s := range surveys {
		s.keep(uuids)
	}
	return chosen, note
}

// counting returns the entries that count: those with the energy of the GPU; if
// there are none, with its power; if there are none, all. Counters of several exporters
// may have begun at several times: they are those of one.
func (c *candidate) counting() []entry {
	some := c.best()
	from := some[0].gpu.from
	for _, s := range some {
		if s.gpu.counts() < some[0].gpu.counts() {
			from = s.gpu.from
		}
	}
	return slices.DeleteFunc(some, func(s entry) bool { return s.gpu.from != from })
}

func (c *candidate) best() []entry {
	for _, has := range [...]func(*gpu) bool{
		func(g *gpu) bool { return g.energy >= 0 },
		func(g *gpu) bool { return g.power >= 0 },
	} {
		var some []entry
		for _, s := range c.entries {
			if has(s.gpu) {
				some = append(some, s)
			}
		}
		if len(some) > 0 {
			return some
		}
	}
	return slices.Clone(c.entries)
}

// choose returns the candidates that the configuration selects, with their
// roles: those of their endpoints, and those of Config.Roles.
func choose(all []candidate, c Config) ([]candidate, error) {
	at, devices, err := energy.Selection{Devices: c.Devices, Roles: c.Roles}.Choose(devicesOf(all))
	if err != nil {
		return nil, fmt.Errorf("dcgm: %w", err)
	}
	chosen := make([]candidate, len(at))
	for i, k := range at {
		d := devices[i]
		chosen[i] = candidate{device: d, entries: all[k].entries}
		for _, s := range all[k].entries {
			if role := s.endpoint.Role; role != "" && role != d.Role {
				return nil, web.Of(energy.ErrMalformed, fmt.Errorf("dcgm: %s has two roles, %q and %q", d.UUID, d.Role, role))
			}
		}
	}
	return chosen, checkChosen(chosen)
}

func devicesOf(cs []candidate) []energy.Device {
	devices := make([]energy.Device, len(cs))
	for i := range cs {
		devices[i] = cs[i].device
	}
	return devices
}

// checkChosen checks that some of the GPUs can be read, and that none is read by
// its power, or not at all, where its page has an energy that is not understood.
func checkChosen(cs []candidate) error {
	readable := false
	var errs []error
	for i := range cs {
		d := &cs[i].device
		readable = readable || d.Metric != ""
		if d.Metric != "" && d.Method == energy.Counter {
			continue
		}
		for _, s := range cs[i].entries {
			if len(s.survey.unknown) > 0 && s.gpu.from == &metricname.DCGM {
				errs = append(errs, fmt.Errorf("dcgm: %s: %s: %w", s.endpoint.Clean, d.UUID, unknownMetric(s.survey.unknown)))
			}
		}
	}
	if !readable {
		errs = append(errs, fmt.Errorf("dcgm: %w: the pages have neither energy nor power of the selected GPUs\nsee nvidia-smi on their hosts whether they have failed", energy.ErrNoDevice))
	}
	return errors.Join(errs...)
}
