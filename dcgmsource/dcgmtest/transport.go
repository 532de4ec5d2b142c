package dcgmtest

import (
	"context"
	"io"
	"maps"
	"net"
	"net/http"
	"os"
	"strconv"
	"syscall"
)

// Transport is a network in which only these hosts are: it calls their handlers
// directly, without sockets, so that it works in a testing/synctest bubble. Keys
// are as in a URL: "node-1:9400". A host that is not there, or an [Exporter] that
// is down, refuses the connection.
//
// Bodies are streamed. A handler's request context ends when the body is closed
// or the client's context ends, and writing then fails: a handler that heeds
// either does not outlive its request.
func Transport(hosts map[string]http.Handler) http.RoundTripper { return network(maps.Clone(hosts)) }

type network map[string]http.Handler

// RoundTrip runs the handler, and returns once it has begun to answer.
func (n network) RoundTrip(req *http.Request) (*http.Response, error) {
	handler, ok := n[req.URL.Host]
	if e, is := handler.(*Exporter); !ok || is && e.isDown() {
		closeBody(req)
		return nil, &net.OpError{Op: "dial", Net: "tcp", Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}
	}
	ctx, cancel := context.WithCancel(req.Context())
	body, out := io.Pipe()
	w := &answer{header: http.Header{}, out: out, begun: make(chan struct{})}
	stop := context.AfterFunc(ctx, func() { out.CloseWithError(context.Cause(ctx)) })
	go func() {
		defer cancel()
		defer stop()
		defer closeBody(req)
		w.serve(handler, req.Clone(ctx))
	}()
	select {
	case <-w.begun:
	case <-req.Context().Done():
		return nil, context.Cause(req.Context())
	}
	if w.err != nil {
		return nil, w.err
	}
	return &http.Response{
		Status:     strconv.Itoa(w.status) + " " + http.StatusText(w.status),
		StatusCode: w.status,
		Proto:      "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header:        w.sent,
		Body:          &content{body, cancel},
		ContentLength: -1,
		Request:       req,
	}, nil
}

func closeBody(req *http.Request) {
	if req.Body != nil {
		req.Body.Close()
	}
}

// content is a body that ends the handler's context when it is closed.
type content struct {
	*io.PipeReader
	cancel context.CancelFunc
}

func (c *content) Close() error {
	defer c.cancel()
	return c.PipeReader.Close()
}

// answer is the [http.ResponseWriter] of one request. status, sent and err are
// fixed once begun is closed.
type answer struct {
	header http.Header
	out    *io.PipeWriter
	begun  chan struct{}
	status int
	sent   http.Header
	err    error // the connection was closed before there was an answer
}

func (w *answer) Header() http.Header { return w.header }

func (w *answer) WriteHeader(status int) {
	if w.status != 0 {
		return
	}
	w.status, w.sent = status, w.header.Clone()
	close(w.begun)
}

func (w *answer) Write(b []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	return w.out.Write(b)
}

// serve runs the handler as a server does: one that panics with
// [http.ErrAbortHandler] closes the connection.
func (w *answer) serve(handler http.Handler, req *http.Request) {
	defer func() {
		switch p := recover(); {
		case p == nil:
			w.WriteHeader(http.StatusOK)
			// A handler that gave up because nobody wants an answer has not
			// finished it.
			w.out.CloseWithError(context.Cause(req.Context()))
		case p != http.ErrAbortHandler:
			panic(p)
		case w.status == 0:
			w.err = io.ErrUnexpectedEOF
			close(w.begun)
		default:
			w.out.CloseWithError(io.ErrUnexpectedEOF)
		}
	}()
	handler.ServeHTTP(w, req)
}
