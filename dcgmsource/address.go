package dcgmsource

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
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

// target is an address that has been understood.
type target struct {
	url  *url.URL // without credentials and fragment
	user *url.Userinfo
	// clean is scheme, host and path: what may be shown.
	clean string
	// role is the fragment.
	role string
}

// defaults complete an address.
type defaults struct {
	port string // where neither scheme nor port is given
	path string // where there is none
}

// parse understands an address. No error holds a part of it that could be a
// secret.
func (a Address) parse(d defaults) (target, error) {
	text := strings.TrimSpace(string(a))
	if text == "" {
		return target{}, errors.New("an address is empty: write one such as http://gpu-node-01:9400")
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
		return target{}, fmt.Errorf("the address %q is malformed: write [http://]HOST[:PORT][/PATH]; special characters in a password or path are written as %%2F", redact(text))
	case u.Scheme != "http" && u.Scheme != "https":
		return target{}, fmt.Errorf("the address %q has the scheme %q: only http and https are known", redact(text), u.Scheme)
	case strings.Contains(u.Path+u.RawQuery+u.Fragment, "@"):
		return target{}, fmt.Errorf("the address %q has an @ after the host: special characters in a password or path are written as %%2F, and @ as %%40", redact(text))
	case u.Hostname() == "":
		return target{}, fmt.Errorf("the address %q has no host: write one such as http://gpu-node-01:9400", redact(text))
	case strings.ContainsAny(u.Host, ", \t"):
		return target{}, fmt.Errorf("the address %q has a comma or blank in its host", redact(text))
	}
	return understood(u, d, bare), nil
}

func understood(u *url.URL, d defaults, bare bool) target {
	t := target{url: u, user: u.User, role: u.Fragment}
	u.User, u.Fragment, u.RawFragment = nil, "", ""
	u.Host = strings.TrimSuffix(strings.ToLower(u.Host), ":")
	if bare && u.Port() == "" && d.port != "" {
		u.Host = net.JoinHostPort(u.Hostname(), d.port)
	}
	if u.Path == "" || u.Path == "/" {
		u.Path, u.RawPath = d.path, ""
	}
	t.clean = (&url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path}).String()
	return t
}

// request returns a request for the target, with the credentials of its
// address. ref is added to the path, and body may be nil.
func (t target) request(ctx context.Context, method, ref string, body io.Reader) (*http.Request, error) {
	u := *t.url
	if ref != "" {
		u = *u.JoinPath(ref)
	}
	r, err := http.NewRequestWithContext(ctx, method, u.String(), body)
	if err != nil {
		return nil, fmt.Errorf("%s: cannot make a request for this address", t.clean)
	}
	if t.user != nil {
		password, _ := t.user.Password()
		r.SetBasicAuth(t.user.Username(), password)
	}
	return r, nil
}

// redact returns what may be shown of an address that may be malformed: nothing
// before the last @ but the scheme, and nothing of query and fragment.
func redact(text string) string {
	scheme, rest, found := strings.Cut(text, "://")
	if !found {
		scheme, rest = "", text
	} else if strings.ContainsAny(scheme, ":@/?# ") {
		scheme, rest = "", text
	} else {
		scheme += "://"
	}
	if at := strings.LastIndexByte(rest, '@'); at >= 0 {
		if strings.ContainsAny(rest[:at], "?#") {
			return scheme + "…" // the @ may be in a password, or in a query
		}
		rest = rest[at+1:]
	}
	if end := strings.IndexAny(rest, "?#"); end >= 0 {
		rest = rest[:end]
	}
	if !portLike(rest) {
		return scheme + "…" // the beginning of a password that was cut at a comma, or the like
	}
	return scheme + rest
}

// portLike reports whether what follows a colon in the host is a port, or the
// rest of an address of IPv6.
func portLike(rest string) bool {
	host, _, _ := strings.Cut(rest, "/")
	_, port, found := strings.Cut(host, ":")
	return !found || strings.HasPrefix(host, "[") || strings.Trim(port, "0123456789") == ""
}
