package series

import (
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/joulebench/joulebench/internal/prometheustest"
	"github.com/joulebench/joulebench/internal/web"
)

// TestVictoriaMetrics: a server that rounds the time and answers as of 30 s ago has the same numbers.
func TestVictoriaMetrics(t *testing.T) {
	inPlant(t, func(t *testing.T, p *plant) {
		time.Sleep(1234 * time.Millisecond)
		o := p.options()
		want := p.read(t, o)
		o.HTTP.Client = &http.Client{Transport: prometheustest.Victoria{Server: p.world, Clock: time.Now}}
		assert.Equal(t, want.Groups, p.read(t, o).Groups)
	})
}

// TestCloses: no connection is left behind.
func TestCloses(t *testing.T) {
	p := newPlant(time.Now().Add(-2 * time.Hour).Truncate(time.Hour))
	var open atomic.Int64
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(out http.ResponseWriter, r *http.Request) {
		answer, err := p.RoundTrip(r)
		if assert.NoError(t, err) {
			_, err = io.Copy(out, answer.Body)
			assert.NoError(t, err)
		}
	}))
	server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		switch state {
		case http.StateNew:
			open.Add(1)
		case http.StateClosed:
			open.Add(-1)
		}
	}
	server.Start()
	defer server.Close()
	o := p.options()
	o.Server, o.HTTP.Client = web.Address(server.URL), nil
	p.read(t, o)
	assert.Eventually(t, func() bool { return open.Load() == 0 }, 10*time.Second, time.Millisecond)
}
