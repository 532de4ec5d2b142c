package dcgmsource

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/joulebench/joulebench/powertest/energy"
)

// candidate is a GPU with all endpoints that tell of it.
type candidate struct {
	device  energy.Device
	sources []sighting
}

// sighting is what one endpoint tells of a GPU.
type sighting struct {
	endpoint *endpoint
	survey   *survey
	gpu      *surveyed
}

// combine lists the GPUs of all pages, each once: its UUID is the same on all of
// them, whatever else is not.
func combine(endpoints []*endpoint, surveys []*survey) []candidate {
	var all []candidate
	at := map[string]int{}
	for i, s := range surveys {
		slices.SortStableFunc(s.gpus, func(a, b surveyed) int { return cmp.Compare(a.device.Index, b.device.Index) })
		for k := range s.gpus {
			g := &s.gpus[k]
			n, known := at[g.device.UUID]
			if !known {
				n = len(all)
				at[g.device.UUID] = n
				all = append(all, candidate{})
			}
			all[n].sources = append(all[n].sources, sighting{endpoints[i], s, g})
		}
	}
	for i := range all {
		all[i].describe()
	}
	return all
}

// describe makes the device out of what the endpoints tell.
func (c *candidate) describe() {
	d := c.sources[0].gpu.device
	for _, s := range c.sources {
		if d.Name == "" { // its first row was broken
			d = s.gpu.device
		}
	}
	var urls []string
	var dup duplicates
	via := -1
	for _, s := range c.counting() {
		urls = append(urls, s.endpoint.clean)
		dup.merge(s.gpu.duplicates)
		d.Rows += s.gpu.rows
		if m := s.gpu.counts(); via < 0 || m < via {
			via = m
		}
	}
	d.Endpoint = strings.Join(urls, ", ")
	d.Method, d.Held, d.Hint = energy.Counter, true, faster
	if via >= 0 {
		d.Metric = metrics[via].name
		if metrics[via].kind == powerKind {
			d.Method = energy.Gauge
		} else {
			d.Resolution, d.Behind = metrics[via].resolution(), driverTick
		}
	}
	d.Marks = dup.marks(d.UUID)
	c.device = d
}

// counting returns the endpoints whose word counts: those that tell the energy
// of the GPU; if there are none, its power; if there are none, all.
func (c *candidate) counting() []sighting {
	for _, has := range [...]func(*surveyed) bool{
		func(g *surveyed) bool { return g.energy >= 0 },
		func(g *surveyed) bool { return g.power >= 0 },
	} {
		var some []sighting
		for _, s := range c.sources {
			if has(s.gpu) {
				some = append(some, s)
			}
		}
		if len(some) > 0 {
			return some
		}
	}
	return c.sources
}

// choose returns the candidates that the configuration selects, with their
// roles.
func choose(all []candidate, c Config) ([]candidate, error) {
	devices := devicesOf(all)
	at, err := selectDevices(devices, c.Devices)
	if err != nil {
		return nil, err
	}
	chosen := make([]candidate, len(at))
	for i, k := range at {
		chosen[i] = all[k]
		for _, s := range chosen[i].sources {
			if s.endpoint.role == "" {
				continue
			}
			if err := setRole(&chosen[i].device, s.endpoint.role); err != nil {
				return nil, err
			}
		}
	}
	devices = devicesOf(chosen)
	if err := assignRoles(devices, c.Roles); err != nil {
		return nil, err
	}
	for i := range chosen {
		chosen[i].device = devices[i]
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
		if d.Resolution > 0 {
			continue
		}
		for _, s := range cs[i].sources {
			if len(s.survey.unknown) > 0 {
				errs = append(errs, fmt.Errorf("dcgm: %s: %s: %w", s.endpoint.clean, d.UUID, unknownMetric(s.survey.unknown)))
			}
		}
	}
	if !readable {
		errs = append(errs, fmt.Errorf("dcgm: %w: none of the selected GPUs has its energy or power on the page: see nvidia-smi on their hosts, whether they have failed", energy.ErrNoDevice))
	}
	return errors.Join(errs...)
}
