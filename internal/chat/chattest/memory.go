// Package chattest connects a client to a server inside a testing/synctest
// bubble, where a clock is fake and a network would be real.
package chattest

import (
	"context"
	"io"
	"log"
	"net"
	"net/http"
	"sync"
	"testing"

	"github.com/joulebench/joulebench/internal/chat"
)

// Client starts a server in memory for as long as the test, and returns a client
// of it with the configuration, of which URL and Transport are set here. Both end
// all of their goroutines with the test.
func Client(t testing.TB, h http.Handler, c chat.Config) *chat.Client {
	t.Helper()
	l := &listener{ends: make(chan net.Conn), closed: make(chan struct{})}
	srv := &http.Server{Handler: h, ErrorLog: log.New(io.Discard, "", 0)}
	go srv.Serve(l)
	c.URL = "http://memory"
	c.Transport = &http.Transport{MaxIdleConnsPerHost: 4096, DialContext: l.dial}
	client, err := chat.NewClient(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		client.Close()
		srv.Close()
	})
	return client
}

// listener accepts one end of each pipe that is dialled.
type listener struct {
	ends   chan net.Conn
	once   sync.Once
	closed chan struct{}
}

func (l *listener) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	client, server := net.Pipe()
	select {
	case l.ends <- server:
		return client, nil
	case <-l.closed:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// Accept returns the server's end of the next pipe.
func (l *listener) Accept() (net.Conn, error) {
	select {
	case c := <-l.ends:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

// Close refuses further connections.
func (l *listener) Close() error {
	l.once.Do(func() { close(l.closed) })
	return nil
}

// Addr is a name only.
func (l *listener) Addr() net.Addr { return &net.UnixAddr{Name: "memory"} }
