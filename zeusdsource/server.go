package zeusdsource

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/joulebench/joulebench/internal/poll"
	"github.com/joulebench/joulebench/internal/web"
	"github.com/joulebench/joulebench/powertest/energy"
)

// maxAnswer is far more than the answer about any machine's devices, in bytes.
const maxAnswer = 1 << 20

// maxDevices is how many devices of a kind are believed.
const maxDevices = 1024

// server is one daemon. What its pollers write belongs to their requests until these have
// been answered.
type server struct {
	web.Target
	client  *web.Client
	timeout time.Duration
	// place names the machine, in what identifies its devices, and host is its name; empty
	// if it is this one.
	place, host string

	energy, power, cpu *poll.Poller
	energies           map[string]energyOf
	powers             powerOf
	cpus               map[string]cpuOf
}

// discovery is the answer of /discover.
type discovery struct {
	GPUs []struct {
		ID         int    `json:"id"`
		Name       string `json:"name"`
		PCI        string `json:"pci_address"`
		HasCounter *bool  `json:"cumulative_energy_available"` // older ones do not say
	} `json:"gpus"`
	CPUs []struct {
		ID      int  `json:"id"`
		HasDRAM bool `json:"dram_available"`
	} `json:"cpus"`
	Groups []string `json:"enabled_api_groups"`
}

// energyOf, powerOf and cpuOf are the answers of /gpu/get_cumulative_energy for one GPU, of
// /gpu/get_power, and of /cpu/get_cumulative_energy for one package.
type (
	energyOf struct {
		MJ *float64 `json:"energy_mj"`
	}
	powerOf struct {
		MW map[string]*float64 `json:"power_mw"`
	}
	cpuOf struct {
		CPU  *float64 `json:"cpu_energy_uj"`
		DRAM *float64 `json:"dram_energy_uj"`
	}
)

// newServer returns a server at an address, by a socket if there is one.
func newServer(t web.Target, socket string, h HTTP) (*server, error) {
	if h.BearerToken == "" && h.BearerTokenFile == "" && h.User == "" && os.Getenv("POWERTEST_HTTP_BEARER_TOKEN")+os.Getenv("POWERTEST_HTTP_BEARER_TOKEN_FILE")+os.Getenv("POWERTEST_HTTP_USER") == "" {
		h.BearerToken = Secret(os.Getenv("ZEUSD_TOKEN"))
	}
	s := &server{Target: t, timeout: defaultTimeout, place: t.URL.Host, host: t.URL.Hostname()}
	if h.Timeout > 0 {
		s.timeout = h.Timeout
	}
	if socket != "" {
		h.Client, h.CAFile, h.ServerName = web.Socket(socket), "", ""
		host, err := os.Hostname()
		if err != nil {
			host = "localhost"
		}
		s.place, s.host = host, ""
	}
	var err error
	if s.client, err = web.Open(h, os.Getenv, maxAnswer); err != nil {
		return nil, fmt.Errorf("zeusd: %w", err)
	}
	return s, nil
}

// close closes idle connections.
func (s *server) close() {
	s.client.Close()
	if strings.HasPrefix(s.Clean, "unix:") { // the client's transport is ours
		s.client.CloseIdleConnections()
	}
}

// get asks for a path and reads the answer into to.
func (s *server) get(ctx context.Context, path, query string, to any) poll.Answer {
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	t := s.Target
	t.URL = s.URL.JoinPath(path)
	t.URL.RawQuery = query
	a := poll.Answer{Before: time.Now()}
	err := s.client.GetJSON(ctx, t, to)
	if a.After = time.Now(); err != nil {
		a.Err = fmt.Errorf("zeusd: %s: %w", s.Clean, explain(err))
	}
	return a
}

// discover asks which devices there are.
func (s *server) discover(ctx context.Context) (discovery, error) {
	var d discovery
	a := s.get(ctx, "discover", "", &d)
	if a.Err == nil && len(d.GPUs)+len(d.CPUs) > maxDevices {
		a.Err = fmt.Errorf("zeusd: %s: %w: it has more than %d devices", s.Clean, web.ErrNotJSON, maxDevices)
	}
	if a.Err == nil && len(d.GPUs)+len(d.CPUs) == 0 {
		a.Err = fmt.Errorf("zeusd: %s: %w: it has neither GPUs nor processors\nsee its log", s.Clean, energy.ErrNoDevice)
	}
	return d, a.Err
}

// poll makes the pollers. counters are the ids of the GPUs that have a counter.
func (s *server) poll(counters []int) {
	ids := make([]string, len(counters))
	for i, id := range counters {
		ids[i] = strconv.Itoa(id)
	}
	s.energy = poll.New("zeusd: "+s.Clean, func(ctx context.Context) poll.Answer {
		s.energies = nil
		return s.get(ctx, "gpu/get_cumulative_energy", "gpu_ids="+strings.Join(ids, ","), &s.energies)
	})
	s.power = poll.New("zeusd: "+s.Clean, func(ctx context.Context) poll.Answer {
		s.powers = powerOf{}
		return s.get(ctx, "gpu/get_power", "", &s.powers)
	})
	s.cpu = poll.New("zeusd: "+s.Clean, func(ctx context.Context) poll.Answer {
		s.cpus = nil
		return s.get(ctx, "cpu/get_cumulative_energy", "cpu=true&dram=true", &s.cpus)
	})
}

// value returns a number of an answer in units of which so many make one; ok is false if
// there is none that can be.
func value(raw *float64, per float64) (v float64, ok bool) {
	if raw == nil || math.IsInf(*raw, 0) || *raw < 0 {
		return 0, false
	}
	return *raw / per, true
}

// explain adds what to do to an error of a request, and what it is to the rest of the
// program.
func explain(err error) error {
	var status *web.StatusError
	if !errors.As(err, &status) {
		return web.Of(energy.ErrNoAnswer, err)
	}
	switch status.Status {
	case http.StatusUnauthorized:
		return fmt.Errorf("%w: %w\ngive the token in ZEUSD_TOKEN or POWERTEST_HTTP_BEARER_TOKEN_FILE", fs.ErrPermission, err)
	case http.StatusForbidden:
		return fmt.Errorf("%w: %w\nthe token needs the scopes gpu-read and cpu-read", fs.ErrPermission, err)
	case http.StatusNotFound:
		return fmt.Errorf("%w\ncheck the address, and that zeusd has the API groups gpu-read and cpu-read (--enable)", err)
	}
	return web.Of(energy.ErrNoAnswer, err)
}
