package dcgmsource

import (
	"cmp"
	"slices"

	"github.com/prometheus/common/model"

	"github.com/joulebench/joulebench/powertest/energy"
)

// candidate is a GPU that the server tells of.
type candidate struct {
	device energy.Device
	rows   []model.Metric
}

// choose sets the devices to those that the configuration selects.
func (s *PrometheusSource) choose(found map[string][]model.Metric) (jobs []string, err error) {
	var list []candidate
	for _, rows := range found {
		// Which series stands for the GPU must not depend on their order.
		slices.SortFunc(rows, func(a, b model.Metric) int { return cmp.Compare(a.String(), b.String()) })
		list = append(list, candidate{s.describe(rows), rows})
	}
	slices.SortFunc(list, func(a, b candidate) int {
		return cmp.Or(cmp.Compare(a.device.Host, b.device.Host), cmp.Compare(a.device.Index, b.device.Index), cmp.Compare(a.device.UUID, b.device.UUID))
	})
	s.byUUID = map[string]int{}
	for _, c := range list {
		s.keep(c)
		jobs = append(jobs, string(c.rows[0]["job"]))
	}
	slices.Sort(s.metrics)
	return jobs, nil
}

// keep makes a candidate the next device.
func (s *PrometheusSource) keep(c candidate) {
	i := len(s.devices)
	s.byUUID[c.device.UUID] = i
	s.devices = append(s.devices, c.device)
	s.units = append(s.units, metricOf(c.rows[0]).unit)
	s.rows += len(c.rows)
	label := "UUID"
	if c.rows[0]["UUID"] == "" {
		label = "uuid"
	}
	s.uuidLabels = append(s.uuidLabels, label)
	if c.device.Method == energy.Gauge {
		s.gauges = append(s.gauges, i)
	}
	if !slices.Contains(s.metrics, c.device.Via) {
		s.metrics = append(s.metrics, c.device.Via)
	}
}

// describe makes a device of the series that tell of it.
func (s *PrometheusSource) describe(rows []model.Metric) energy.Device {
	d := deviceOf(texts(rows[0]))
	m := metricOf(rows[0])
	d.Endpoint, d.Via, d.Rows = string(rows[0]["instance"]), m.name, len(rows)
	d.Method, d.Resolution = energy.Counter, m.unit
	if m.energy {
		d.Fresh = s.cfg.Collect
	} else {
		d.Method, d.Resolution, d.Held = energy.Gauge, 0, true
	}
	return d
}

func texts(m model.Metric) map[string]string {
	t := make(map[string]string, len(m))
	for name, value := range m {
		t[string(name)] = string(value)
	}
	return t
}
