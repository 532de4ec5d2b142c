package dcgmsource

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/joulebench/joulebench/powertest/energy"
)

// Config says which exporters to read, and which of their GPUs.
type Config struct {
	// Endpoints are the exporters, one for each host, or more than one: a GPU
	// counts once.
	Endpoints []Endpoint
	// Devices selects GPUs, each by UUID or the beginning of one ("GPU-8f3a"),
	// by host, which selects all of its GPUs, by host and index
	// ("gpu-node-01/3"), by PCI address, or by index, if all are on one host. An
	// element may hold several, separated by commas. Empty means every GPU of
	// the endpoints.
	Devices []string
	// Roles are the roles of devices in a server that divides its work, such as
	// "prefill" and "decode": for each, selectors as in Devices.
	Roles map[string][]string
	// HTTP says how requests are made.
	HTTP
}

// Endpoint is an exporter.
type Endpoint struct {
	// URL is its address: a host, with or without port (9400), scheme (http) and
	// path (/metrics). A fragment gives the role: "gpu-node-01#prefill".
	URL Address
	// Role is the role of all its devices; empty if they have none, or one by
	// Config.Roles.
	Role string
}

const (
	sourceName  = "dcgm"
	defaultPort = "9400"
	defaultPath = "/metrics"
	// nominalPeriod is how often an exporter asks DCGM, unless it is told
	// otherwise.
	nominalPeriod = 30 * time.Second
	shortestPoll  = 100 * time.Millisecond
	// driverTick is how often the driver's own counter changes at the slowest:
	// by so much a value was old already when DCGM took it.
	driverTick = 100 * time.Millisecond
	// faster is what would make values change more often.
	faster = "start dcgm-exporter with -c 1000"
)

func init() {
	energy.Register(sourceName, func(arg string, devices []string) (energy.Source, error) {
		c := Config{Devices: devices}
		for address := range strings.SplitSeq(arg, ",") {
			c.Endpoints = append(c.Endpoints, Endpoint{URL: Address(address)})
		}
		s, err := Open(c)
		if err != nil {
			return nil, err // not s: a nil *Source is a non-nil energy.Source
		}
		return s, nil
	})
}

// targets understands the addresses of the endpoints.
func (c Config) targets() ([]target, error) {
	if len(c.Endpoints) == 0 {
		return nil, errors.New("dcgm: no endpoint: give the address of an exporter, such as http://gpu-node-01:9400")
	}
	var all []target
	var errs []error
	seen := map[string]int{}
	for i, e := range c.Endpoints {
		t, err := e.target()
		if err != nil {
			errs = append(errs, fmt.Errorf("dcgm: endpoint %d: %w", i+1, err))
			continue
		}
		key := t.clean + "?" + t.url.RawQuery
		if first, dup := seen[key]; dup {
			errs = append(errs, fmt.Errorf("dcgm: endpoint %d: %s is endpoint %d already: leave one out", i+1, t.clean, first))
		}
		seen[key] = i + 1
		all = append(all, t)
	}
	return all, errors.Join(errs...)
}

func (e Endpoint) target() (target, error) {
	t, err := e.URL.parse(defaults{port: defaultPort, path: defaultPath})
	if err != nil {
		return t, err
	}
	if e.Role != "" && t.role != "" && e.Role != t.role {
		return t, fmt.Errorf("%s has two roles, %q and %q: give one", t.clean, t.role, e.Role)
	}
	if t.role == "" {
		t.role = e.Role
	}
	return t, nil
}
