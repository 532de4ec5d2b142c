package trtllmsource

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/joulebench/joulebench/internal/poll"
	"github.com/joulebench/joulebench/internal/web"
	"github.com/joulebench/joulebench/powertest/energy"
)

// Address is the address of a server: a host, with or without port (8000), scheme (http)
// and path (/energy_metrics). It may hold credentials, which no way of printing it shows.
type Address = web.Address

// HTTP says how requests are made. It is the HTTP of package dcgmsource, where its fields
// are listed.
type HTTP = web.HTTP

// Config says which servers to read.
type Config struct {
	// Servers are the servers. A fragment gives the role of one's GPUs:
	// "gpu-node-01:8000#prefill".
	Servers []Address
	// Devices are selectors as [energy.Select] takes them, of the servers by their number,
	// host or address; none means all.
	Devices []string
	// Roles are the roles of devices in a server that divides its work.
	Roles []energy.Role
	// HTTP says how requests are made.
	HTTP
}

const (
	sourceName     = "trtllm"
	defaultPort    = "8000"
	defaultPath    = "/energy_metrics"
	counterPeriod  = 100 * time.Millisecond
	shortestPoll   = 50 * time.Millisecond
	defaultTimeout = 10 * time.Second
	maxWait        = 300 * time.Millisecond
	maxAnswer      = 1 << 16 // bytes
	// model stands where the model of a GPU does.
	model = "all GPUs of a trtllm-serve"
)

func init() {
	energy.Register(sourceName, func(arg string, devices []string) (energy.Source, error) {
		c := Config{Devices: devices}
		for address := range strings.SplitSeq(arg, ",") {
			c.Servers = append(c.Servers, Address(address))
		}
		s, err := Open(c)
		if err != nil {
			return nil, err // not s: a nil *Source is a non-nil energy.Source
		}
		return s, nil
	})
}

// Source reads the sums of servers. Open it with [Open].
type Source struct {
	devices []energy.Device
	servers []*server // of the devices
	client  *web.Client
	polling *poll.Polling
}

var _ energy.Source = (*Source)(nil)

// server is one trtllm-serve.
type server struct {
	web.Target
	client  *web.Client
	timeout time.Duration
	poller  *poll.Poller
	pollers []*poll.Poller // the poller alone
	// answer is that of the newest request, to which it belongs until it has been answered.
	answer struct {
		Joules *float64 `json:"total_energy_j"`
	}
	after time.Time // of the reading before
}

// Open asks each server once. The error wraps [energy.ErrNoDevice],
// [energy.ErrMalformed], [energy.ErrNoAnswer] or [io/fs.ErrPermission].
func Open(c Config) (*Source, error) {
	servers, err := c.servers()
	if err != nil {
		return nil, web.Of(energy.ErrMalformed, err)
	}
	client, err := web.Open(c.HTTP, os.Getenv, maxAnswer)
	if err != nil {
		return nil, fmt.Errorf("trtllm: %w", err)
	}
	s := &Source{client: client, servers: servers}
	var errs []error
	for i, x := range servers {
		x.client, x.timeout = client, cmp.Or(max(c.HTTP.Timeout, 0), defaultTimeout)
		x.poller = poll.New("trtllm: "+x.Clean, x.ask)
		x.pollers = []*poll.Poller{x.poller}
		errs = append(errs, x.ask(context.Background()).Err)
		_, place, _ := strings.Cut(x.Clean, "://")
		s.devices = append(s.devices, energy.Device{
			UUID: place, Index: i, Name: model, Host: x.URL.Hostname(), Endpoint: x.Clean, Role: x.Role,
			Method: energy.Counter, Metric: "total_energy_j", Resolution: 1e-4, Behind: counterPeriod, // of each of the counters
		})
	}
	if err = errors.Join(errs...); err == nil {
		err = s.choose(c)
	}
	if err != nil {
		client.Close()
		return nil, err
	}
	s.polling = poll.Start(sourceName, maxWait)
	return s, nil
}

// servers understands the addresses.
func (c Config) servers() (list []*server, err error) {
	var errs []error
	for i, address := range c.Servers {
		t, err := web.Parse(address, web.Defaults{Port: defaultPort, Path: defaultPath})
		if err == nil && slices.ContainsFunc(list, func(s *server) bool { return s.Clean == t.Clean }) {
			err = fmt.Errorf("%s is named twice", t.Clean)
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("trtllm: server %d: %w", i+1, err))
			continue
		}
		list = append(list, &server{Target: t})
	}
	if len(c.Servers) == 0 {
		errs = append(errs, errors.New("trtllm: no server\ngive the address of one, such as http://gpu-node-01:8000"))
	}
	return list, errors.Join(errs...)
}

// choose takes the devices that are to be measured.
func (s *Source) choose(c Config) error {
	chosen, devices, err := energy.Selection{Devices: c.Devices, Roles: c.Roles}.Choose(s.devices)
	if err != nil {
		return fmt.Errorf("trtllm: %w", err)
	}
	all := s.servers
	s.devices, s.servers = devices, nil
	for _, k := range chosen {
		s.servers = append(s.servers, all[k])
	}
	return nil
}

// ask asks the server.
func (s *server) ask(ctx context.Context) poll.Answer {
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	s.answer.Joules = nil
	a := poll.Answer{Before: time.Now()}
	err := s.client.GetJSON(ctx, s.Target, &s.answer)
	a.After = time.Now()
	if v := s.answer.Joules; err == nil && (v == nil || *v < 0 || math.IsInf(*v, 0)) {
		err = fmt.Errorf("%w: it has no total_energy_j", web.ErrNotJSON)
	}
	if err != nil {
		a.Err = fmt.Errorf("trtllm: %s: %w", s.Clean, explain(err))
	}
	return a
}

// explain adds what to do to an error of a request, and what it is to the rest of the
// program.
func explain(err error) error {
	var status *web.StatusError
	if !errors.As(err, &status) {
		return web.Of(energy.ErrNoAnswer, err)
	}
	switch status.Status {
	case http.StatusServiceUnavailable: // "Energy monitoring is not available", "Failed to read GPU energy"
		return fmt.Errorf("%w: %w\nsee the server's log whether it can read the GPUs by NVML", energy.ErrNoDevice, err)
	case http.StatusUnauthorized, http.StatusForbidden:
		return fmt.Errorf("%w: %w\ngive credentials in the address, or by POWERTEST_HTTP_BEARER_TOKEN_FILE or POWERTEST_HTTP_USER", fs.ErrPermission, err)
	case http.StatusNotFound:
		return fmt.Errorf("%w\ncheck the address, and that the server is a trtllm-serve that has /energy_metrics, as new ones do", err)
	}
	return web.Of(energy.ErrNoAnswer, err)
}

// Info describes the source.
func (s *Source) Info() energy.Info {
	return energy.Info{Name: sourceName, Period: counterPeriod, Poll: shortestPoll}
}

// Devices lists the servers, each as one device: all of its GPUs.
func (s *Source) Devices() []energy.Device { return s.devices }

// Read asks the servers in parallel, and waits up to 300 ms for them. A request that takes
// longer goes on, and its device gets an error that wraps [os.ErrDeadlineExceeded]; the
// first Read after its answer has come gives it the value, with the times of the request.
//
// Unlike other sources' it allocates, as requests do.
func (s *Source) Read(dst []energy.Reading) {
	s.polling.Read(dst, func(device int) []*poll.Poller { return s.servers[device].pollers }, func(r *energy.Reading) {
		if x := s.servers[r.Device]; x.poller.Fill(r, &x.after) {
			r.Joules, r.HasJoules = *x.answer.Joules, true
		}
	})
}

// Close ends the requests that are under way. It is idempotent.
func (s *Source) Close() error {
	s.polling.Close()
	s.client.Close()
	return nil
}
