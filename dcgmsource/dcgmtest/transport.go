package dcgmtest

import (
	"context"
	"io"
	"maps"
	"net"
	"net/http"
	"os"
	"syscall"
)

// Transport is a network in which only these hosts are: connections are pipes, so that
// it works in a testing/synctest bubble. Keys are as in a URL: "node-1:9400". A host
// that is not there, or an [Exporter] that is down, refuses the connection.
//
// Each request has a connection of its own. A handler's request context ends when the
// body is closed or the client's context ends, and writing then fails: a handler that
// observes either ends with its request.
func Transport(hosts map[string]http.Handler) http.RoundTripper {
	hosts = maps.Clone(hosts)
	return &http.Transport{DisableKeepAlives: true, DialContext: func(_ context.Context, _, host string) (net.Conn, error) {
		handler, ok := hosts[host]
		if e, is := handler.(*Exporter); !ok || is && e.isDown() {
			return nil, &net.OpError{Op: "dial", Net: "tcp", Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}
		}
		client, server := net.Pipe()
		go http.Serve(&listener{server}, handler)
		return client, nil
	}}
}

// listener accepts one connection.
type listener struct{ net.Conn }

func (l *listener) Accept() (net.Conn, error) {
	c := l.Conn
	if c == nil {
		return nil, io.EOF
	}
	l.Conn = nil
	return c, nil
}

func (*listener) Close() error   { return nil }
func (*listener) Addr() net.Addr { return &net.TCPAddr{} }
