package dcgmsource

import (
	"fmt"
	"io"
	"net/http"
)

// maxReply bounds the memory that a reply can take.
const maxReply = 256 << 20

// cappedTransport makes replies that are too long fail.
type cappedTransport struct{ http.RoundTripper }

func (t cappedTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	next := t.RoundTripper
	if next == nil {
		next = http.DefaultTransport
	}
	resp, err := next.RoundTrip(req)
	if err == nil {
		resp.Body = &cappedBody{resp.Body, maxReply}
	}
	return resp, err
}

type cappedBody struct {
	io.ReadCloser
	left int64
}

func (b *cappedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if b.left -= int64(n); b.left < 0 {
		return n, fmt.Errorf("the reply has more than %d MiB: narrow the selector down", maxReply>>20)
	}
	return n, err
}
