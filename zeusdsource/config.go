package zeusdsource

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/joulebench/joulebench/internal/metricname"
	"github.com/joulebench/joulebench/internal/web"
	"github.com/joulebench/joulebench/powertest/energy"
)

// Address is where a zeusd is: a host with or without port (4938) and scheme (http), or the
// path of a Unix socket. It may hold credentials, which no way of printing it shows.
type Address = web.Address

// Secret is a string that no way of printing it shows. Convert it to a string to
// use it.
type Secret = web.Secret

// HTTP says how requests are made. It is the HTTP of package dcgmsource, where its fields
// are listed. Client is not used for Unix sockets.
type HTTP = web.HTTP

// Config says which daemons to read, and which of their devices.
type Config struct {
	// Servers are the daemons, one for each host; none means that of ZEUSD_SOCK_PATH or
	// ZEUSD_HOST_PORT, or that of this machine. A fragment gives the role of all of its
	// devices: "gpu-node-01#prefill"; a query the kinds of devices of all servers, as Kinds
	// does: "?kind=cpu".
	Servers []Address
	// Devices are selectors as [energy.Select] takes them; none means all.
	Devices []string
	// Roles are the roles of devices in a server that divides its work.
	Roles []energy.Role
	// Kinds are the kinds of devices to measure, of all servers; none means the GPUs, or if there
	// are none the processors with their memory.
	Kinds []energy.Kind
	// HTTP says how requests are made.
	HTTP
}

const (
	sourceName    = "zeusd"
	defaultPort   = "4938"
	defaultSocket = "/run/zeusd/zeusd.sock"
	// counterPeriod is the longest time between two changes of a GPU's counter, and
	// shortestPoll the shortest between two requests.
	counterPeriod  = 100 * time.Millisecond
	shortestPoll   = 20 * time.Millisecond
	defaultTimeout = 10 * time.Second
)

func init() {
	energy.Register(sourceName, func(arg string, devices []string) (energy.Source, error) {
		c := Config{Devices: devices}
		for address := range strings.SplitSeq(arg, ",") {
			if arg != "" {
				c.Servers = append(c.Servers, Address(address))
			}
		}
		s, err := Open(c)
		if err != nil {
			return nil, err // not s: a nil *Source is a non-nil energy.Source
		}
		return s, nil
	})
}

// targets understands the addresses, and takes from them what they say of the kinds,
// which are those of all servers. socket is the path of a Unix socket; empty if it is another address.
func (c *Config) targets() (targets []web.Target, sockets []string, err error) {
	servers := c.Servers
	if len(servers) == 0 {
		servers = []Address{Address(cmp.Or(os.Getenv("ZEUSD_SOCK_PATH"), os.Getenv("ZEUSD_HOST_PORT"), defaultSocket))}
	}
	var errs []error
	seen := map[string]bool{}
	for i, address := range servers {
		t, socket, err := parse(address)
		if err == nil {
			var kinds []energy.Kind
			kinds, err = metricname.ParseKinds(t.Take("kind")["kind"]...)
			c.Kinds = append(c.Kinds, kinds...)
		}
		if err == nil && t.URL.RawQuery != "" {
			err = errors.New("the address has parameters that are none\nwrite kind=gpu, cpu, dram or all")
		}
		if err == nil && seen[t.Clean] {
			err = fmt.Errorf("%s is named twice", t.Clean)
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("zeusd: server %d: %w", i+1, err))
			continue
		}
		seen[t.Clean] = true
		targets, sockets = append(targets, t), append(sockets, socket)
	}
	return targets, sockets, errors.Join(errs...)
}

// parse understands one address.
func parse(address Address) (t web.Target, socket string, err error) {
	path, isSocket := strings.CutPrefix(strings.TrimSpace(string(address)), "unix:")
	if !isSocket && !strings.HasPrefix(path, "/") {
		t, err = web.Parse(address, web.Defaults{Port: defaultPort})
		return t, "", err
	}
	path, fragment, _ := strings.Cut(path, "#")
	path, query, _ := strings.Cut(path, "?")
	path = strings.TrimPrefix(path, "//")
	if path == "" {
		return t, "", errors.New("the address names no socket\nwrite unix:/run/zeusd/zeusd.sock")
	}
	if t, err = web.Parse("http://zeusd", web.Defaults{}); err == nil {
		t.Clean, t.Role, t.URL.RawQuery = "unix:"+path, fragment, query
	}
	return t, path, err
}
