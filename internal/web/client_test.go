package web

import (
	"context"
	"encoding/pem"
	"errors"
	"io"
	"io/fs"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func noEnvironment(string) string { return "" }

func environment(pairs map[string]string) func(string) string {
	return func(name string) string { return pairs[name] }
}

// ask makes one request of the server as h says.
func ask(t *testing.T, h HTTP, env func(string) string, address string) (*http.Response, error) {
	t.Helper()
	w, err := Open(h, env, 1<<20)
	require.NoError(t, err)
	t.Cleanup(w.Close)
	to, err := Parse(Address(address), exporterDefaults)
	require.NoError(t, err)
	r, err := to.Get(t.Context())
	require.NoError(t, err)
	response, err := w.Do(r)
	if err == nil {
		response.Body.Close()
	}
	return response, err
}

func file(t *testing.T, text string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(name, []byte(text), 0o600))
	return name
}

// headerServer passes on the headers of every request.
func headerServer(t *testing.T) (url string, headers chan http.Header) {
	t.Helper()
	headers = make(chan http.Header, 10)
	s := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		r.Header.Set("Host", r.Host)
		headers <- r.Header
	}))
	t.Cleanup(s.Close)
	return s.URL, headers
}

func TestCredentials(t *testing.T) {
	url, headers := headerServer(t)
	withUser := strings.Replace(url, "http://", "http://me:mine@", 1)
	basic := func(user, password string) string {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.SetBasicAuth(user, password)
		return r.Header.Get("Authorization")
	}
	passwordFile, tokenFile := file(t, "from-file\n"), file(t, " token-from-file\n")
	for name, c := range map[string]struct {
		h    HTTP
		env  map[string]string
		url  string
		want string
	}{
		"none":            {want: ""},
		"basic":           {h: HTTP{User: "u", Password: "p"}, want: basic("u", "p")},
		"no password":     {h: HTTP{User: "u"}, want: basic("u", "")},
		"password file":   {h: HTTP{User: "u", PasswordFile: passwordFile}, want: basic("u", "from-file")},
		"bearer":          {h: HTTP{BearerToken: "t"}, want: "Bearer t"},
		"bearer file":     {h: HTTP{BearerTokenFile: tokenFile}, want: "Bearer token-from-file"},
		"address":         {h: HTTP{BearerToken: "t"}, url: withUser, want: basic("me", "mine")},
		"address, header": {h: HTTP{Headers: map[string]Secret{"authorization": "x"}}, url: withUser, want: basic("me", "mine")},
		"header":          {h: HTTP{BearerToken: "t", Headers: map[string]Secret{"Authorization": "Splunk x"}}, want: "Splunk x"},
		"env basic":       {env: map[string]string{"POWERTEST_HTTP_USER": "u", "POWERTEST_HTTP_PASSWORD": "p"}, want: basic("u", "p")},
		"env file":        {env: map[string]string{"POWERTEST_HTTP_USER": "u", "POWERTEST_HTTP_PASSWORD_FILE": passwordFile}, want: basic("u", "from-file")},
		"env bearer":      {env: map[string]string{"POWERTEST_HTTP_BEARER_TOKEN": "t"}, want: "Bearer t"},
		"env bearer file": {env: map[string]string{"POWERTEST_HTTP_BEARER_TOKEN_FILE": tokenFile}, want: "Bearer token-from-file"},
		"config over env": {h: HTTP{User: "u", Password: "p"}, env: map[string]string{"POWERTEST_HTTP_BEARER_TOKEN": "t"}, want: basic("u", "p")},
	} {
		t.Run(name, func(t *testing.T) {
			if c.url == "" {
				c.url = url
			}
			_, err := ask(t, c.h, environment(c.env), c.url)
			require.NoError(t, err)
			assert.Equal(t, c.want, (<-headers).Get("Authorization"))
		})
	}
}

func TestATokenThatIsRotatedIsReadAgain(t *testing.T) {
	url, headers := headerServer(t)
	name := file(t, "old")
	w, err := Open(HTTP{BearerTokenFile: name}, noEnvironment, 1<<20)
	require.NoError(t, err)
	defer w.Close()
	for _, token := range []string{"old", "new"} {
		require.NoError(t, os.WriteFile(name, []byte(token), 0o600))
		response, err := w.Get(url)
		require.NoError(t, err)
		response.Body.Close()
		assert.Equal(t, "Bearer "+token, (<-headers).Get("Authorization"))
	}
	require.NoError(t, os.Remove(name))
	_, err = w.Get(url)
	require.ErrorIs(t, err, fs.ErrNotExist)
}

func TestHeaders(t *testing.T) {
	url, headers := headerServer(t)
	_, err := ask(t, HTTP{}, environment(map[string]string{"POWERTEST_HTTP_HEADERS": " X-Scope-OrgID: team ;Other: a:b; Host: vhost;"}), url)
	require.NoError(t, err)
	got := <-headers
	assert.Equal(t, "team", got.Get("X-Scope-OrgID"))
	assert.Equal(t, "a:b", got.Get("Other"))
	assert.Equal(t, "vhost", got.Get("Host"))
	_, err = ask(t, HTTP{Headers: map[string]Secret{"Other": "config"}}, environment(map[string]string{"POWERTEST_HTTP_HEADERS": "Other: env"}), url)
	require.NoError(t, err)
	assert.Equal(t, "config", (<-headers).Get("Other"))
}

func TestConfigurationsThatCannotBeMeant(t *testing.T) {
	other := &http.Client{Transport: roundTripper(func(*http.Request) (*http.Response, error) { return nil, nil })}
	for name, c := range map[string]struct {
		h    HTTP
		env  map[string]string
		want string
	}{
		"two kinds":        {h: HTTP{User: "u", BearerToken: secret}, want: "both a bearer token and a user"},
		"two tokens":       {h: HTTP{BearerToken: secret, BearerTokenFile: "f"}, want: "both a bearer token and a file"},
		"two passwords":    {h: HTTP{User: "u", Password: secret, PasswordFile: "f"}, want: "both a password and a file"},
		"no user":          {h: HTTP{Password: secret}, want: "no user"},
		"two kinds in env": {env: map[string]string{"POWERTEST_HTTP_USER": "u", "POWERTEST_HTTP_BEARER_TOKEN": secret}, want: "both"},
		"header":           {env: map[string]string{"POWERTEST_HTTP_HEADERS": secret}, want: "POWERTEST_HTTP_HEADERS"},
		"header's name":    {env: map[string]string{"POWERTEST_HTTP_HEADERS": "Authorization Bearer " + secret + ": x"}, want: "header's name"},
		"no CA file":       {h: HTTP{CAFile: "nowhere"}, want: "CA file"},
		"CA file":          {h: HTTP{CAFile: file(t, secret)}, want: "no PEM certificate"},
		"not ours":         {h: HTTP{Client: other, ServerName: "x"}, want: "set them there"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Open(c.h, environment(c.env), 1<<20)
			require.ErrorContains(t, err, c.want)
			assert.NotContains(t, err.Error(), secret)
		})
	}
	_, err := Open(HTTP{CAFile: "nowhere"}, noEnvironment, 1<<20)
	require.ErrorIs(t, err, fs.ErrNotExist)
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestTLS(t *testing.T) {
	s := httptest.NewUnstartedServer(http.NotFoundHandler())
	s.Config.ErrorLog = log.New(io.Discard, "", 0) // it says that it is not trusted
	s.StartTLS()
	defer s.Close()
	ca := file(t, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw})))
	_, err := ask(t, HTTP{}, noEnvironment, s.URL)
	require.ErrorContains(t, err, "certificate", "no authority that is trusted has signed it")
	_, err = ask(t, HTTP{CAFile: ca}, noEnvironment, s.URL)
	require.NoError(t, err)
	_, err = ask(t, HTTP{}, environment(map[string]string{"POWERTEST_HTTP_CA_FILE": ca}), s.URL)
	require.NoError(t, err)
	_, err = ask(t, HTTP{CAFile: ca, ServerName: "example.com"}, noEnvironment, s.URL)
	require.NoError(t, err, "the certificate is for that name, too")
	_, err = ask(t, HTTP{CAFile: ca, ServerName: "example.org"}, noEnvironment, s.URL)
	require.ErrorContains(t, err, "example.org")
}

func TestTheCallersClientIsUsedAndNotChanged(t *testing.T) {
	s := httptest.NewTLSServer(http.NotFoundHandler())
	defer s.Close()
	ca := file(t, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw})))
	transport := &http.Transport{}
	client := &http.Client{Transport: transport}
	_, err := ask(t, HTTP{Client: client, CAFile: ca, User: "u"}, noEnvironment, s.URL)
	require.NoError(t, err)
	if transport.TLSClientConfig != nil { // net/http sets one of its own
		assert.Nil(t, transport.TLSClientConfig.RootCAs)
	}
	assert.Same(t, transport, client.Transport)
	assert.Nil(t, client.CheckRedirect)

	used := 0
	client.Transport = roundTripper(func(r *http.Request) (*http.Response, error) {
		used++
		return http.DefaultTransport.(*http.Transport).Clone().RoundTrip(r)
	})
	url, _ := headerServer(t)
	_, err = ask(t, HTTP{Client: client, Headers: map[string]Secret{"Connection": "close"}}, noEnvironment, url)
	require.NoError(t, err)
	assert.Equal(t, 1, used)
}

func TestRedirects(t *testing.T) {
	elsewhere, headers := headerServer(t)
	mux := http.NewServeMux()
	mux.HandleFunc("/metrics", func(http.ResponseWriter, *http.Request) {})
	mux.Handle("/old", http.RedirectHandler("/metrics", http.StatusFound))
	mux.Handle("/away", http.RedirectHandler(elsewhere+"/?token="+secret, http.StatusFound))
	mux.Handle("/around", http.RedirectHandler("/around?token="+secret, http.StatusFound))
	mux.HandleFunc("/plain", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "http://"+r.Host+"/metrics", http.StatusFound)
	})
	s := httptest.NewTLSServer(mux)
	defer s.Close()
	h := HTTP{BearerToken: secret, CAFile: file(t, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw})))}
	response, err := ask(t, h, noEnvironment, s.URL+"/old")
	require.NoError(t, err)
	assert.Equal(t, http.StatusOK, response.StatusCode)
	for path, want := range map[string]string{"/away": "another host", "/plain": "from https to http", "/around": "more than 10 times"} {
		_, err := ask(t, h, noEnvironment, s.URL+path+"?token="+secret)
		require.ErrorContains(t, err, want)
		assert.NotContains(t, Cause(err).Error(), secret)
		assert.NotContains(t, Cause(err).Error(), "token")
	}
	assert.Empty(t, headers, "no other host was asked")
}

func TestErrorsOfTheNetworkSayWhatToDo(t *testing.T) {
	other := errors.New("other")
	for _, c := range []struct {
		err  error
		want string
	}{
		{&net.OpError{Op: "dial", Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}, "check the port"},
		{&net.DNSError{Err: "no such host", Name: "gpu-node-01"}, "check the name"},
		{context.DeadlineExceeded, "overloaded"},
		{os.ErrDeadlineExceeded, "overloaded"},
	} {
		err := Explain(c.err)
		require.ErrorIs(t, err, c.err)
		assert.ErrorContains(t, err, c.want)
	}
	assert.Equal(t, other, Explain(other))
}

// An answer that does not end is not read for ever.
func TestAnAnswerIsLimited(t *testing.T) {
	body := &limitedBody{io.NopCloser(strings.NewReader(strings.Repeat("x", 100))), 50, 50}
	_, err := io.ReadAll(body)
	require.ErrorIs(t, err, ErrTooLong)
	body = &limitedBody{io.NopCloser(strings.NewReader(strings.Repeat("x", 50))), 50, 50}
	_, err = io.ReadAll(body)
	require.NoError(t, err)
}

func TestOf(t *testing.T) {
	kind, err := errors.New("kind"), errors.New("what is wrong")
	assert.ErrorIs(t, Of(kind, err), kind)
	assert.ErrorIs(t, Of(kind, err), err)
	assert.EqualError(t, Of(kind, err), "what is wrong")
}
