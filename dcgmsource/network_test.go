package dcgmsource

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/joulebench/joulebench/powertest/energy"
)

// network is hosts without sockets, so that time can be a bubble's: a request is
// a call of the host's handler.
type network map[string]http.HandlerFunc

// RoundTrip calls the handler of the host. Like a real one it comes back when
// the request's time is up, whatever the handler does.
func (n network) RoundTrip(r *http.Request) (*http.Response, error) {
	handler := n[r.URL.Host]
	if handler == nil {
		return nil, fmt.Errorf("no route to %s", r.URL.Host)
	}
	recorder := httptest.NewRecorder()
	done := make(chan struct{})
	go func() {
		defer close(done)
		handler(recorder, r)
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

// exporter is one that can be told what to answer.
type exporter struct {
	mu       sync.Mutex
	body     string
	status   int
	delay    time.Duration
	requests int
	open     int // requests under way
	most     int // of open
}

func (e *exporter) set(body string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.body, e.status = body, 0
}

func (e *exporter) fail(status int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.status = status
}

func (e *exporter) slow(delay time.Duration) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.delay = delay
}

func (e *exporter) asked() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.requests
}

// ServeHTTP answers with what the page is when the request comes in, after the
// delay.
func (e *exporter) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	e.mu.Lock()
	e.requests++
	e.open++
	e.most = max(e.most, e.open)
	body, status, delay := e.body, e.status, e.delay
	e.mu.Unlock()
	select {
	case <-time.After(delay):
	case <-r.Context().Done():
	}
	e.mu.Lock()
	e.open--
	e.mu.Unlock()
	if status != 0 {
		http.Error(w, "internal server error", status)
		return
	}
	fmt.Fprint(w, body)
}

// gpuPage is a page of GPUs on host n1 with these millijoules each, by UUID in
// pairs.
func gpuPage(uuidsAndValues ...any) string {
	var b strings.Builder
	for i := 0; i < len(uuidsAndValues); i += 2 {
		fmt.Fprintf(&b, "DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION{gpu=\"%d\",UUID=\"%v\",modelName=\"NVIDIA H200\",Hostname=\"n1\"} %v\n", i/2, uuidsAndValues[i], uuidsAndValues[i+1])
	}
	return b.String()
}

// opened opens the hosts "a", "b" … that the exporters are.
func opened(t *testing.T, exporters ...*exporter) *Source {
	t.Helper()
	n := network{}
	c := Config{}
	for i, e := range exporters {
		host := string(rune('a' + i))
		n[host+":9400"] = e.ServeHTTP
		c.Endpoints = append(c.Endpoints, Endpoint{URL: Address(host)})
	}
	c.HTTP = n.client()
	s, err := Open(c)
	require.NoError(t, err)
	return s
}

// readAll reads every device.
func readAll(s *Source) []energy.Reading {
	r := make([]energy.Reading, len(s.Devices()))
	for i := range r {
		r[i].Device = i
	}
	s.Read(r)
	return r
}

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const fixtures = "../testdata/dcgm"

func fixture(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(fixtures, name))
	require.NoError(t, err)
	return data
}

// The GPUs of the fixtures.
const (
	gpu0 = "GPU-3b7c1d00-0d5c-4f0a-9c1e-5a0077e10000"
	gpu1 = "GPU-3b7c1d11-0d5c-4f0a-9c1e-5a0077e10001"
	gpu2 = "GPU-3b7c1d22-0d5c-4f0a-9c1e-5a0077e10002"
	gpu3 = "GPU-3b7c1d33-0d5c-4f0a-9c1e-5a0077e10003"
)
