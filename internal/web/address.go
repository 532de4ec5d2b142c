package web

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// Address is the address of a page or server, as people type it. It may hold
// credentials ("http://user:password@host/"), which are not printed.
type Address string

// String returns the address without credentials, query and fragment.
func (a Address) String() string { return redact(string(a)) }

// Format writes what String returns, whatever the verb.
func (a Address) Format(f fmt.State, _ rune) { io.WriteString(f, a.String()) }

// MarshalText returns what String returns.
func (a Address) MarshalText() ([]byte, error) { return []byte(a.String()), nil }

// Target is an address that has been understood.
type Target struct {
	// URL has neither credentials nor a fragment.
	URL *url.URL
	// User is the credentials; nil if there are none.
	User *url.Userinfo
	// Clean is scheme, host and path without parameters: what may be shown.
	Clean string
	// Role is the fragment.
	Role string
}

// Defaults complete an address.
type Defaults struct {
	Port string // where neither scheme nor port is given
	Path string // where there is none
}

// Parse understands an address. No error holds a part of it that could be a
// secret.
func Parse(a Address, d Defaults) (Target, error) {
	text := strings.TrimSpace(string(a))
	if text == "" {
		return Target{}, errors.New("an address is empty\nwrite one such as http://gpu-node-01:9400")
	}
	bare := !strings.Contains(text, "://")
	if bare && net.ParseIP(text) != nil && strings.Contains(text, ":") {
		text = "[" + text + "]"
	}
	if bare {
		text = "http://" + text
	}
	u, err := url.Parse(text)
	switch {
	case err != nil:
		// What url.Parse complains of can be a piece of a password.
		return Target{}, fmt.Errorf("the address %q is malformed\nwrite [http://]HOST[:PORT][/PATH], with %%2F for a special character in a password or path", redact(text))
	case u.Scheme != "http" && u.Scheme != "https":
		return Target{}, fmt.Errorf("the address %q has the scheme %q, which is neither http nor https", redact(text), u.Scheme)
	case strings.Contains(u.Path+u.RawQuery+u.Fragment, "@"):
		return Target{}, fmt.Errorf("the address %q has an @ after the host\nwrite %%2F for a special character in a password or path, and %%40 for @", redact(text))
	case u.Hostname() == "":
		return Target{}, fmt.Errorf("the address %q has no host\nwrite one such as http://gpu-node-01:9400", redact(text))
	case strings.ContainsAny(u.Host, ", \t"):
		return Target{}, fmt.Errorf("the address %q has a comma or blank in its host", redact(text))
	}
	return understood(u, d, bare), nil
}

func understood(u *url.URL, d Defaults, bare bool) Target {
	t := Target{URL: u, User: u.User, Role: u.Fragment}
	u.User, u.Fragment, u.RawFragment = nil, "", ""
	u.Host = strings.TrimSuffix(strings.ToLower(u.Host), ":")
	if bare && u.Port() == "" && d.Port != "" {
		u.Host = net.JoinHostPort(u.Hostname(), d.Port)
	}
	if u.Path == "" || u.Path == "/" {
		u.Path, u.RawPath = d.Path, ""
	}
	path, _, _ := strings.Cut(u.Path, ";") // parameters can be secrets, as a query can
	t.Clean = (&url.URL{Scheme: u.Scheme, Host: u.Host, Path: path}).String()
	return t
}

// Take takes keys out of the query, and returns their values.
func (t *Target) Take(keys ...string) url.Values {
	taken := url.Values{}
	var rest []string
	for pair := range strings.SplitSeq(t.URL.RawQuery, "&") {
		key, value, _ := strings.Cut(pair, "=")
		if !slices.Contains(keys, key) {
			rest = append(rest, pair)
			continue
		}
		if plain, err := url.QueryUnescape(value); err == nil {
			value = plain
		}
		taken.Add(key, value)
	}
	t.URL.RawQuery = strings.Join(rest, "&")
	return taken
}

// Get returns a request for the target.
func (t Target) Get(ctx context.Context) (*http.Request, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, t.URL.String(), nil)
	if err != nil {
		return nil, fmt.Errorf("%s: no request can be made for this address", t.Clean)
	}
	t.Authorize(r)
	return r, nil
}

// Authorize sets the credentials of the address, if it has any.
func (t Target) Authorize(r *http.Request) {
	if t.User != nil {
		password, _ := t.User.Password()
		r.SetBasicAuth(t.User.Username(), password)
	}
}
