// Package web makes the requests of sources on other machines: addresses as
// people type them, credentials that are never printed, TLS, redirects that would
// take credentials elsewhere, and answers that do not end.
package web

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"syscall"
	"time"

	"github.com/joulebench/joulebench/internal/inputfile"
)

// HTTP says how requests are made. The zero value asks without credentials, and
// trusts the certificates that the system trusts.
//
// Where it gives no credentials, these environment variables do:
// POWERTEST_HTTP_BEARER_TOKEN, POWERTEST_HTTP_BEARER_TOKEN_FILE,
// POWERTEST_HTTP_USER with POWERTEST_HTTP_PASSWORD or
// POWERTEST_HTTP_PASSWORD_FILE. Where CAFile or Headers is empty,
// POWERTEST_HTTP_CA_FILE and POWERTEST_HTTP_HEADERS ("X-Scope-OrgID: team;
// Other: value") are used. Credentials in an address go before all of these.
//
// A redirect to another host, or from https to http, is not followed: the
// credentials are not meant for it.
type HTTP struct {
	// Client makes the requests; nil means one of the package's own. Its
	// transport is used, and not changed.
	Client *http.Client `json:"-"`
	// CAFile is a file of PEM certificates to trust, in place of the system's.
	CAFile string
	// ServerName is the name that a certificate must be for, where it is not
	// the host of the address.
	ServerName string
	// User and Password are sent as basic auth.
	User     string
	Password Secret
	// PasswordFile is a file that holds the password. It is read for each
	// request, so that the password can be changed.
	PasswordFile string
	// BearerToken is sent as a bearer token.
	BearerToken Secret
	// BearerTokenFile is a file that holds the token. It is read for each
	// request, as tokens of a Kubernetes service account are rotated.
	BearerTokenFile string
	// Headers are added to each request.
	Headers map[string]Secret
	// Timeout bounds a request with its answer; 0 means 10 s for a page, and 2
	// minutes for a query.
	Timeout time.Duration
}

const maxRedirects = 10

// Client makes requests as an [HTTP] says.
type Client struct {
	*http.Client
	// own is the transport to clean up after, if it is not the caller's.
	own *http.Transport
}

// Socket returns a client that makes all of its requests by a Unix socket, whatever their
// address.
func Socket(path string) *http.Client {
	var d net.Dialer
	return &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return d.DialContext(ctx, "unix", path)
	}}}
}

// Close closes idle connections, other than the caller's.
func (c *Client) Close() {
	if c.own != nil {
		c.own.CloseIdleConnections()
	}
}

// Open checks what the configuration and the environment say. An answer that is
// longer than limit, in bytes, fails with [ErrTooLong].
func Open(h HTTP, env func(string) string, limit int64) (*Client, error) {
	h, err := h.withEnvironment(env)
	if err != nil {
		return nil, err
	}
	c := &Client{Client: &http.Client{CheckRedirect: sameHost}}
	var transport http.RoundTripper
	if h.Client != nil {
		c.Jar, c.Timeout, transport = h.Client.Jar, h.Client.Timeout, h.Client.Transport
	}
	if transport, c.own, err = h.transport(transport); err != nil {
		return nil, err
	}
	c.Transport = &authTransport{HTTP: h, base: limitedTransport{transport, limit}}
	return c, nil
}

// transport returns what carries the requests: base where nothing has to be
// changed, else a copy, which is own.
func (h HTTP) transport(base http.RoundTripper) (_ http.RoundTripper, own *http.Transport, err error) {
	if base == nil {
		// A copy, so that its idle connections can be closed.
		base = http.DefaultTransport
		if t, ok := base.(*http.Transport); ok {
			own = t.Clone()
			base = own
		}
	}
	if h.CAFile == "" && h.ServerName == "" {
		return base, own, nil
	}
	t, ok := base.(*http.Transport)
	if !ok {
		return nil, nil, errors.New("a CA file or server name cannot be used with a client whose Transport is not an *http.Transport\nset them there")
	}
	own = t.Clone()
	if own.TLSClientConfig == nil {
		own.TLSClientConfig = &tls.Config{}
	}
	if h.ServerName != "" {
		own.TLSClientConfig.ServerName = h.ServerName
	}
	if h.CAFile != "" {
		if own.TLSClientConfig.RootCAs, err = certificates(h.CAFile); err != nil {
			return nil, nil, err
		}
	}
	return own, own, nil
}

// maxCertificates is the greatest size of a CA file. Those of systems have 300 kB.
const maxCertificates = 16 << 20

func certificates(file string) (*x509.CertPool, error) {
	pem, err := inputfile.ReadFile(file, maxCertificates)
	if err != nil {
		return nil, fmt.Errorf("read the CA file: %w", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("the CA file %s holds no PEM certificate", file)
	}
	return pool, nil
}

// sameHost refuses redirects that would take the credentials elsewhere. Its
// errors hold no more of an address than its host.
func sameHost(next *http.Request, via []*http.Request) error {
	first := via[0].URL
	switch {
	case next.URL.Scheme != "http" && next.URL.Scheme != "https":
		return errors.New("it redirects to what is no page of http, which is not followed")
	case next.URL.Host != first.Host:
		return fmt.Errorf("it redirects to another host, %s, which is not followed\nif that is right, use its address", next.URL.Host)
	case first.Scheme == "https" && next.URL.Scheme != "https":
		return errors.New("it redirects from https to http, which is not followed")
	case len(via) >= maxRedirects:
		return fmt.Errorf("it redirects more than %d times", maxRedirects)
	}
	return nil
}

// ErrTooLong says that an answer is longer than it may be.
var ErrTooLong = errors.New("the answer is too long")

// limitedTransport makes answers that are too long fail.
type limitedTransport struct {
	http.RoundTripper
	limit int64
}

// RoundTrip makes the request.
func (t limitedTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := t.RoundTripper.RoundTrip(r)
	if err == nil {
		resp.Body = &limitedBody{resp.Body, t.limit, t.limit}
	}
	return resp, err
}

type limitedBody struct {
	io.ReadCloser
	left, limit int64
}

func (b *limitedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if b.left -= int64(n); b.left < 0 {
		return n, fmt.Errorf("%w: it has more than %d MiB", ErrTooLong, b.limit>>20)
	}
	return n, err
}

// Cause returns the error of a request without the URL that net/http puts into
// it, which can hold secrets in its query.
func Cause(err error) error {
	var u *url.Error
	for errors.As(err, &u) {
		err = u.Err
	}
	return err
}

// Explain adds what to do to an error of the network.
func Explain(err error) error {
	var dns *net.DNSError
	switch {
	case errors.Is(err, context.DeadlineExceeded) || errors.Is(err, os.ErrDeadlineExceeded):
		return fmt.Errorf("no answer in time: %w\ncheck that the server runs and is not overloaded", err)
	case errors.Is(err, syscall.ECONNREFUSED):
		return fmt.Errorf("%w\ncheck the port, and that the server runs", err)
	case errors.As(err, &dns):
		return fmt.Errorf("%w\ncheck the name of the host", err)
	}
	return err
}

// IsUnknownHost reports whether the error is that of a host whose name is not known, as
// opposed to one that does not answer.
func IsUnknownHost(err error) bool {
	var dns *net.DNSError
	return errors.As(err, &dns) && dns.IsNotFound
}

// Of returns an error that is also of a kind which its text does not name.
func Of(kind, err error) error { return kindError{err, kind} }

type kindError struct {
	error
	kind error
}

// Unwrap returns the error, and its kind.
func (e kindError) Unwrap() []error { return []error{e.error, e.kind} }
