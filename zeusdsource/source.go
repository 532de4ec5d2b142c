package zeusdsource

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/joulebench/joulebench/internal/metricname"
	"github.com/joulebench/joulebench/internal/poll"
	"github.com/joulebench/joulebench/internal/web"
	"github.com/joulebench/joulebench/powertest/energy"
)

// Source reads the devices of daemons. Open it with [Open].
type Source struct {
	info    energy.Info
	devices []energy.Device
	meters  []meter
	servers []*server
	polling *poll.Polling
}

// meter is how one device is read.
type meter struct {
	server *server
	id     string
	poller *poll.Poller
	// pollers are the poller alone.
	pollers []*poll.Poller
	value   func() (v float64, ok bool)
	after   time.Time // of the reading before
}

var _ energy.Source = (*Source)(nil)

// maxWait is how long Read waits for servers.
const maxWait = 300 * time.Millisecond

// Open asks all servers for their devices. It fails if one of them does not answer: a sum
// over the others would be too small. The error wraps [energy.ErrNoDevice],
// [energy.ErrMalformed], [energy.ErrNoAnswer] or [io/fs.ErrPermission].
func Open(c Config) (*Source, error) {
	c.Kinds = slices.Clone(c.Kinds)
	targets, sockets, err := c.targets()
	if err != nil {
		return nil, web.Of(energy.ErrMalformed, err)
	}
	s := &Source{info: energy.Info{Name: sourceName, Period: counterPeriod, Poll: shortestPoll}}
	var all []energy.Device
	var meters []meter
	var errs []error
	for i, t := range targets {
		server, err := newServer(t, sockets[i], c.HTTP)
		if err == nil {
			s.servers = append(s.servers, server)
			var d discovery
			if d, err = server.discover(context.Background()); err == nil {
				devices, ms := server.devices(d)
				all, meters = append(all, devices...), append(meters, ms...)
			}
		}
		errs = append(errs, err)
	}
	if err = errors.Join(errs...); err == nil {
		err = s.choose(all, meters, c)
	}
	if err != nil {
		s.closeServers()
		return nil, err
	}
	s.polling = poll.Start(sourceName, maxWait)
	return s, nil
}

// zeusd is what the devices are found by, for the choice among them.
var zeusd = metricname.Exporter{Name: sourceName}

// choose takes the devices that are to be measured.
func (s *Source) choose(all []energy.Device, meters []meter, c Config) error {
	found, seen := make([]metricname.Found, len(all)), map[string]bool{}
	for i, d := range all {
		if seen[d.UUID] {
			return fmt.Errorf("zeusd: %w: %s is there twice", web.ErrNotJSON, d.UUID)
		}
		seen[d.UUID] = true
		found[i] = metricname.Found{Device: d, From: &zeusd}
	}
	at, note := metricname.Choose(found, c.Kinds)
	if len(at) == 0 {
		return fmt.Errorf("zeusd: %w: there is no device of the kinds %v\n%s", energy.ErrNoDevice, c.Kinds, note)
	}
	kinds := make([]energy.Device, len(at))
	for i, k := range at {
		kinds[i] = all[k]
	}
	chosen, devices, err := energy.Selection{Devices: c.Devices, Roles: c.Roles}.Choose(kinds)
	if err != nil {
		return fmt.Errorf("zeusd: %w", err)
	}
	s.devices, s.info.Version = devices, note
	for _, k := range chosen {
		s.meters = append(s.meters, meters[at[k]])
	}
	return nil
}

// devices returns the devices of a server, and how each is read.
func (s *server) devices(found discovery) (devices []energy.Device, meters []meter) {
	base := energy.Device{Host: s.host, Endpoint: s.Clean, Role: s.Role, Method: energy.Counter}
	add := func(d energy.Device, m meter) {
		m.server, m.pollers = s, []*poll.Poller{m.poller}
		devices, meters = append(devices, d), append(meters, m)
	}
	var counters []int
	for _, g := range found.GPUs {
		if g.HasCounter == nil || *g.HasCounter {
			counters = append(counters, g.ID)
		}
	}
	s.poll(counters)
	for _, g := range found.GPUs {
		d, id := base, strconv.Itoa(g.ID)
		d.UUID = s.place + "/" + cmp.Or(g.PCI, "gpu/"+id)
		d.Index, d.Name, d.PCI = g.ID, g.Name, g.PCI
		d.Metric, d.Resolution = "energy_mj of /gpu/get_cumulative_energy", 1e-3
		m := meter{id: id, poller: s.energy, value: func() (float64, bool) { return value(s.energies[id].MJ, 1e3) }}
		if !slices.Contains(counters, g.ID) {
			d.Metric, d.Method, d.Resolution = "power_mw of /gpu/get_power", energy.Gauge, 0
			m.poller, m.value = s.power, func() (float64, bool) { return value(s.powers.MW[id], 1e3) }
		}
		add(d, m)
	}
	for _, c := range found.CPUs {
		d, id := base, strconv.Itoa(c.ID)
		d.Kind, d.UUID, d.Index, d.Metric = energy.CPU, s.place+"/cpu/"+id, c.ID, "cpu_energy_uj of /cpu/get_cumulative_energy"
		d.ReadWithin = raplWithin
		add(d, meter{id: id, poller: s.cpu, value: func() (float64, bool) { return value(s.cpus[id].CPU, 1e6) }})
		if c.HasDRAM {
			d.Kind, d.UUID, d.Metric = energy.DRAM, s.place+"/dram/"+id, "dram_energy_uj of /cpu/get_cumulative_energy"
			add(d, meter{id: id, poller: s.cpu, value: func() (float64, bool) { return value(s.cpus[id].DRAM, 1e6) }})
		}
	}
	return devices, meters
}

// raplWithin is how often a zeusd must be asked for it to count each time that a
// processor's counter comes round: one of 65 kJ does so in three minutes at 350 W.
const raplWithin = time.Minute

// Info describes the source.
func (s *Source) Info() energy.Info { return s.info }

// Devices lists the devices, each once, in the order of the servers and of their indices,
// or in that of [Config.Devices].
func (s *Source) Devices() []energy.Device { return s.devices }

// Read asks the servers that have the devices in dst, in parallel, and waits up to 300 ms
// for them. A request that takes longer goes on, and its devices get an error that wraps
// [os.ErrDeadlineExceeded]; the first Read after its answer has come gives them its values,
// with the times of the request.
//
// Unlike other sources' it allocates, as requests do.
func (s *Source) Read(dst []energy.Reading) {
	s.polling.Read(dst, func(device int) []*poll.Poller { return s.meters[device].pollers }, s.fill)
}

// fill fills in the reading from the answer.
func (s *Source) fill(r *energy.Reading) {
	m, d := &s.meters[r.Device], &s.devices[r.Device]
	if !m.poller.Fill(r, &m.after) {
		return
	}
	switch v, has := m.value(); {
	case !has:
		r.Err = fmt.Errorf("zeusd: %s: %w: it has no %s of %s", m.server.Clean, energy.ErrNoDevice, d.Metric, d.UUID)
	case d.Method == energy.Gauge:
		r.Watts, r.HasWatts = v, true
	default:
		r.Joules, r.HasJoules = v, true
	}
}

// Close ends the requests that are under way. It is idempotent.
func (s *Source) Close() error {
	s.polling.Close()
	s.closeServers()
	return nil
}

func (s *Source) closeServers() {
	for _, server := range s.servers {
		server.close()
	}
}
