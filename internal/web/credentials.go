package web

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"strings"

	"github.com/joulebench/joulebench/internal/inputfile"
)

// Secret is a string that is not printed: not by package fmt with any verb, not
// by package log, and not as JSON. Convert it to a string to use it.
type Secret string

const hidden = "(secret)"

// String returns a text that stands for the secret, or an empty one if it is
// empty.
func (s Secret) String() string {
	if s == "" {
		return ""
	}
	return hidden
}

// Format writes what String returns, whatever the verb.
func (s Secret) Format(f fmt.State, _ rune) { io.WriteString(f, s.String()) }

// MarshalText returns what String returns.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// withEnvironment fills in from the environment what the configuration does not
// say, and checks that the credentials are of one kind.
func (h HTTP) withEnvironment(env func(string) string) (HTTP, error) {
	if !h.basic() && !h.bearer() {
		h.User = env("POWERTEST_HTTP_USER")
		h.Password = Secret(env("POWERTEST_HTTP_PASSWORD"))
		h.PasswordFile = env("POWERTEST_HTTP_PASSWORD_FILE")
		h.BearerToken = Secret(env("POWERTEST_HTTP_BEARER_TOKEN"))
		h.BearerTokenFile = env("POWERTEST_HTTP_BEARER_TOKEN_FILE")
	}
	if h.CAFile == "" {
		h.CAFile = env("POWERTEST_HTTP_CA_FILE")
	}
	h.Headers = maps.Clone(h.Headers)
	if len(h.Headers) == 0 {
		var err error
		if h.Headers, err = parseHeaders(env("POWERTEST_HTTP_HEADERS")); err != nil {
			return h, err
		}
	}
	return h, h.check()
}

func (h HTTP) basic() bool { return h.User != "" || h.Password != "" || h.PasswordFile != "" }

func (h HTTP) bearer() bool { return h.BearerToken != "" || h.BearerTokenFile != "" }

func (h HTTP) check() error {
	switch {
	case h.basic() && h.bearer():
		return errors.New("there are both a bearer token and a user or password")
	case h.BearerToken != "" && h.BearerTokenFile != "":
		return errors.New("there are both a bearer token and a file for one")
	case h.Password != "" && h.PasswordFile != "":
		return errors.New("there are both a password and a file for one")
	case h.basic() && h.User == "":
		return errors.New("there is a password but no user")
	}
	for name := range h.Headers {
		// net/http would print such a name, and what follows it can be a secret.
		if name == "" || strings.ContainsAny(name, " \t\r\n:;\"") {
			return errors.New("a header's name is malformed\n" + headerForm)
		}
	}
	return nil
}

const headerForm = "write Name: value, and separate several by semicolons"

// parseHeaders understands "Name: value; Other: value". The errors do not show
// the values.
func parseHeaders(text string) (map[string]Secret, error) {
	headers := map[string]Secret{}
	for field := range strings.SplitSeq(text, ";") {
		if strings.TrimSpace(field) == "" {
			continue
		}
		name, value, ok := strings.Cut(field, ":")
		name = strings.TrimSpace(name)
		if !ok || name == "" {
			return nil, errors.New("POWERTEST_HTTP_HEADERS is malformed\n" + headerForm)
		}
		headers[name] = Secret(strings.TrimSpace(value))
	}
	return headers, nil
}

// authTransport adds headers and credentials to requests.
type authTransport struct {
	HTTP
	base http.RoundTripper
}

// RoundTrip makes the request, with headers and credentials.
func (t *authTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	err := t.authorize(r)
	if err != nil {
		if r.Body != nil {
			r.Body.Close()
		}
		return nil, err
	}
	return t.base.RoundTrip(r)
}

func (t *authTransport) authorize(r *http.Request) error {
	own := r.Header.Get("Authorization") != "" // those of the address
	for name, value := range t.Headers {
		switch http.CanonicalHeaderKey(name) {
		case "Host":
			r.Host = string(value)
		case "Authorization":
			if !own {
				r.Header.Set(name, string(value))
			}
		default:
			r.Header.Set(name, string(value))
		}
	}
	if own || r.Header.Get("Authorization") != "" {
		return nil
	}
	token, err := secretOr(t.BearerToken, t.BearerTokenFile, "bearer token")
	if err != nil {
		return err
	}
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+string(token))
		return nil
	}
	if t.User == "" {
		return nil
	}
	password, err := secretOr(t.Password, t.PasswordFile, "password")
	if err != nil {
		return err
	}
	r.SetBasicAuth(t.User, string(password))
	return nil
}

// maxSecret is the greatest size of a file with a secret.
const maxSecret = 64 << 10

// secretOr returns the secret, or what the file holds if there is one.
func secretOr(s Secret, file, what string) (Secret, error) {
	if file == "" {
		return s, nil
	}
	data, err := inputfile.ReadFile(file, maxSecret)
	if err != nil {
		return "", fmt.Errorf("read the file of the %s: %w", what, err)
	}
	if s = Secret(strings.TrimSpace(string(data))); s == "" {
		return "", fmt.Errorf("the file of the %s, %s, is empty", what, file)
	}
	return s, nil
}
