package zeusdsource

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/joulebench/joulebench/powertest/energy"
)

// daemon is a zeusd with two GPUs and two packages, as its documentation describes it: each
// GPU draws 400 W since the start, and its counter changes each 100 ms; each package draws
// 100 W and its memory 10 W. The second GPU has no counter if gauge is set, and the second
// package no memory.
type daemon struct {
	start time.Time
	gauge bool
	token string

	mu      sync.Mutex
	fails   func(w http.ResponseWriter, r *http.Request) bool
	delay   time.Duration
	queries []string
}

func (d *daemon) set(fails func(w http.ResponseWriter, r *http.Request) bool, delay time.Duration) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.fails, d.delay = fails, delay
}

func (d *daemon) asked() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return append([]string(nil), d.queries...)
}

// ServeHTTP answers as a zeusd does.
func (d *daemon) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	d.mu.Lock()
	d.queries = append(d.queries, r.URL.Path+"?"+r.URL.RawQuery)
	fails, delay := d.fails, d.delay
	d.mu.Unlock()
	time.Sleep(delay)
	if fails != nil && fails(w, r) {
		return
	}
	if d.token != "" && r.URL.Path != "/discover" && r.Header.Get("Authorization") != "Bearer "+d.token {
		http.Error(w, "missing token", http.StatusUnauthorized)
		return
	}
	elapsed := time.Since(d.start)
	mj := int64(elapsed/(100*time.Millisecond))*40_000 + 5_000_000
	uj := 100*elapsed.Microseconds() + 7_000_000
	switch r.URL.Path {
	case "/discover":
		fmt.Fprintf(w, `{"gpus":[{"id":0,"name":"NVIDIA A40","pci_address":"0000:01:00.0","cumulative_energy_available":true},
			{"id":1,"name":"NVIDIA A40","pci_address":"0000:41:00.0","cumulative_energy_available":%v}],
			"cpus":[{"id":0,"dram_available":true},{"id":1,"dram_available":false}],"enabled_api_groups":["gpu-read","cpu-read"],"auth_required":%v}`, !d.gauge, d.token != "")
	case "/gpu/get_cumulative_energy":
		if d.gauge && strings.Contains(r.URL.RawQuery, "1") {
			http.Error(w, `{"errors":{"1":"no counter"}}`, http.StatusBadRequest)
			return
		}
		fmt.Fprintf(w, `{"0":{"energy_mj":%d},"1":{"energy_mj":%d}}`, mj, mj+1000)
	case "/gpu/get_power":
		fmt.Fprint(w, `{"timestamp_ms":1762000000000,"power_mw":{"0":400000,"1":400000}}`)
	case "/cpu/get_cumulative_energy":
		fmt.Fprintf(w, `{"0":{"cpu_energy_uj":%d,"dram_energy_uj":%d},"1":{"cpu_energy_uj":%d,"dram_energy_uj":null}}`, uj, uj/10, uj+1000)
	default:
		http.NotFound(w, r)
	}
}

// network is hosts without sockets, so that time can be a bubble's.
type network map[string]http.Handler

// RoundTrip calls the handler of the host.
func (n network) RoundTrip(r *http.Request) (*http.Response, error) {
	handler := n[r.URL.Host]
	if handler == nil {
		return nil, fmt.Errorf("no route to %s", r.URL.Host)
	}
	recorder, done := httptest.NewRecorder(), make(chan struct{})
	go func() {
		defer close(done)
		handler.ServeHTTP(recorder, r)
	}()
	select {
	case <-done:
		response := recorder.Result()
		response.Request = r
		return response, nil
	case <-r.Context().Done():
		return nil, r.Context().Err()
	}
}

func (n network) client() HTTP { return HTTP{Client: &http.Client{Transport: n}} }

func readAll(s *Source) []energy.Reading {
	r := make([]energy.Reading, len(s.Devices()))
	for i := range r {
		r[i].Device = i
	}
	s.Read(r)
	return r
}

func opened(t *testing.T, c Config) *Source {
	t.Helper()
	s, err := Open(c)
	require.NoError(t, err)
	t.Cleanup(func() { s.Close() })
	return s
}
