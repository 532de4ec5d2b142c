package dcgmsource

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/prometheus/common/model"

	"github.com/joulebench/joulebench/powertest/energy"
)

// listing is a GPU that the server tells of, with its series.
type listing struct {
	device energy.Device
	rows   []model.Metric
}

// choose sets the devices to those that the configuration selects. It returns
// the job of each one's target.
func (s *PrometheusSource) choose(found map[string][]model.Metric) (jobs []string, err error) {
	var list []listing
	for _, rows := range found {
		// Which series stands for the GPU must not depend on their order.
		slices.SortFunc(rows, func(a, b model.Metric) int { return cmp.Compare(a.String(), b.String()) })
		list = append(list, listing{s.describe(rows), rows})
	}
	slices.SortFunc(list, func(a, b listing) int {
		return cmp.Or(cmp.Compare(a.device.Host, b.device.Host), cmp.Compare(a.device.Index, b.device.Index), cmp.Compare(a.device.UUID, b.device.UUID))
	})
	devices := make([]energy.Device, len(list))
	s.known = map[string]bool{}
	for i, c := range list {
		devices[i] = c.device
		s.known[c.device.UUID] = true
	}
	chosen, err := selectDevices(devices, s.cfg.Devices)
	if err != nil {
		return nil, fmt.Errorf("prometheus: %w", err)
	}
	slices.Sort(chosen)
	s.byUUID = map[string]int{}
	for _, k := range chosen {
		s.keep(list[k])
		jobs = append(jobs, string(list[k].rows[0]["job"]))
	}
	slices.Sort(s.metrics)
	if err := assignRoles(s.devices, s.cfg.Roles); err != nil {
		return nil, fmt.Errorf("prometheus: %w", err)
	}
	return jobs, nil
}

// keep makes a listing the next device.
func (s *PrometheusSource) keep(c listing) {
	i := len(s.devices)
	s.byUUID[c.device.UUID] = i
	s.devices = append(s.devices, c.device)
	s.ranks = append(s.ranks, rankOf(c.rows[0]))
	s.rows += len(c.rows)
	label := "UUID"
	if c.rows[0]["UUID"] == "" {
		label = "uuid"
	}
	s.uuidLabels = append(s.uuidLabels, label)
	if c.device.Method == energy.Gauge {
		s.gauges = append(s.gauges, i)
	}
	if !slices.Contains(s.metrics, c.device.Metric) {
		s.metrics = append(s.metrics, c.device.Metric)
	}
}

// describe makes a device of the series that tell of it.
func (s *PrometheusSource) describe(rows []model.Metric) energy.Device {
	d, m := deviceOf(labelsOf(rows[0])), metrics[rankOf(rows[0])]
	d.Hint = faster + ", and scrape it every second"
	d.Endpoint, d.Metric, d.Rows = string(rows[0]["instance"]), m.name, len(rows)
	if m.kind == energyKind {
		d.Method, d.Resolution, d.Fresh, d.Behind = energy.Counter, m.resolution(), s.cfg.Collect, driverTick
	} else {
		d.Method, d.Held = energy.Gauge, true
	}
	var several duplicates
	for _, r := range rows {
		several.add(labelsOf(r))
	}
	d.Marks = several.marks(d.UUID)
	return d
}

// wants reports whether a GPU that was not there when the source was opened
// would have been selected.
func (s *PrometheusSource) wants(d energy.Device) bool {
	named := false
	for _, list := range s.cfg.Devices {
		for sel := range strings.SplitSeq(list, ",") {
			if sel = strings.TrimSpace(sel); sel == "" {
				continue
			}
			if _, err := matching([]energy.Device{d}, sel); err == nil {
				return true
			}
			named = true
		}
	}
	return !named
}
