package dcgmsource

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/joulebench/joulebench/internal/metricname"
	"github.com/joulebench/joulebench/internal/web"
	"github.com/joulebench/joulebench/powertest/energy"
)

// Address is the address of a page, as people type it. It may hold credentials
// ("http://user:password@host/"), which no way of printing it shows.
type Address = web.Address

// Secret is a string that no way of printing it shows. Convert it to a string to
// use it.
type Secret = web.Secret

// HTTP says how requests are made. The zero value asks without credentials, and
// trusts the certificates that the system trusts. Its fields are:
//
//	Client *http.Client       makes the requests; nil means one of the package's own
//	CAFile string             a file of PEM certificates to trust, in place of the system's
//	ServerName string         the name that a certificate must be for, if it is not the host
//	User string               basic auth, with
//	Password Secret           the password, or
//	PasswordFile string       a file that holds it, which is read for each request
//	BearerToken Secret        a bearer token, or
//	BearerTokenFile string    a file that holds it, which is read for each request
//	Headers map[string]Secret are added to each request
//	Timeout time.Duration     bounds a request with its answer; 0 means 10 s
//
// Where credentials, CAFile or Headers are missing, the environment gives them: see
// the package's documentation. A redirect to another host, or from https to http,
// is not followed.
type HTTP = web.HTTP

// Metric describes a metric of an exporter that is not known. Its fields are:
//
//	Name string   its name
//	Unit string   uJ, mJ or J of a counter of energy, W or mW of power
//	ID string     the label that tells the devices of a machine apart
//	Model string  the label that says what a device is; empty if there is none
//	Kind          what it is; empty means a GPU
type Metric = metricname.Custom

// Config says which exporters to read, and which of their GPUs. The query of an address can
// give Kinds and Metric: kind=cpu, and metric=NAME&unit=UNIT&id=LABEL&model=LABEL; what else
// is in it is sent to the exporter.
type Config struct {
	// Endpoints are the exporters, one for each host, or more than one: a GPU
	// counts once.
	Endpoints []Endpoint
	// Devices are selectors as [energy.Select] takes them; none means every GPU of
	// the endpoints.
	Devices []string
	// Roles are the roles of devices in a server that divides its work, such as
	// "prefill" and "decode".
	Roles []energy.Role
	// Kinds are the kinds of devices to measure; none means the GPUs, or if the pages have
	// none what else they have.
	Kinds []energy.Kind
	// Metric is the one metric to read, where it is not one that is known.
	Metric Metric
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
	// nominalPeriod is how often an exporter asks DCGM, unless its -c says
	// otherwise.
	nominalPeriod  = 30 * time.Second
	shortestPoll   = 100 * time.Millisecond
	defaultTimeout = 10 * time.Second
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

// targets understands the addresses of the endpoints, and takes from them what they say of
// the kinds and of the metric.
func (c *Config) targets() ([]web.Target, error) {
	if len(c.Endpoints) == 0 {
		return nil, errors.New("dcgm: no endpoint\ngive the address of an exporter, such as http://gpu-node-01:9400")
	}
	var all []web.Target
	var errs []error
	seen := map[string]int{}
	for i, e := range c.Endpoints {
		t, err := e.target()
		if err != nil {
			errs = append(errs, fmt.Errorf("dcgm: endpoint %d: %w", i+1, err))
			continue
		}
		if err := c.take(&t); err != nil {
			errs = append(errs, fmt.Errorf("dcgm: endpoint %d: %w", i+1, err))
		}
		key := t.URL.String()
		if first, dup := seen[key]; dup {
			errs = append(errs, fmt.Errorf("dcgm: endpoint %d: %s is endpoint %d already", i+1, t.Clean, first))
		}
		seen[key] = i + 1
		all = append(all, t)
	}
	return all, errors.Join(errs...)
}

// take takes from an address what it says of the kinds and of the metric.
func (c *Config) take(t *web.Target) error {
	query := t.Take(append([]string{"kind"}, metricname.CustomKeys...)...)
	kinds, err := metricname.ParseKinds(query["kind"]...)
	if err != nil {
		return err
	}
	c.Kinds = append(c.Kinds, kinds...)
	var m Metric
	for key, values := range query {
		m.Set(key, values[len(values)-1])
	}
	if m == (Metric{}) {
		return nil
	}
	if len(kinds) > 0 {
		m.Kind = kinds[0]
	}
	if c.Metric != (Metric{}) && c.Metric != m {
		return errors.New("the addresses describe several metrics\nmeasure them by sources of their own")
	}
	c.Metric = m
	return nil
}

func (e Endpoint) target() (web.Target, error) {
	t, err := web.Parse(e.URL, web.Defaults{Port: defaultPort, Path: defaultPath})
	if err != nil {
		return t, err
	}
	if e.Role != "" && t.Role != "" && e.Role != t.Role {
		return t, fmt.Errorf("%s has two roles, %q and %q", t.Clean, t.Role, e.Role)
	}
	if t.Role == "" {
		t.Role = e.Role
	}
	return t, nil
}
