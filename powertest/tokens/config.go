package tokens

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/joulebench/joulebench/internal/tokenmetric"
	"github.com/joulebench/joulebench/internal/web"
	"github.com/joulebench/joulebench/powertest/energy"
)

// HTTP says how requests are made. It is the HTTP of package dcgmsource, where its fields are
// listed, but for Timeout, which is bounded by 2 s for a page.
type HTTP = web.HTTP

// Config names inference servers: by their pages, or by a Prometheus server that scrapes
// them.
type Config struct {
	// Server is the kind of server, such as vllm; empty means that the pages show it.
	Server string
	// Pages are the addresses of the servers' pages: replicas, each once.
	Pages []web.Address
	// Prometheus is the address of a Prometheus server, instead of Pages.
	Prometheus web.Address
	// Match are the labels of the series there, NAME="VALUE" as in PromQL.
	Match []string
	// HTTP says how requests are made.
	HTTP
}

const form = "write vllm=http://HOST:8000/metrics, http://HOST:8000 or prometheus=http://HOST:9090&job=vllm"

// Parse understands a value of POWERTEST_TOKENS. The error wraps [energy.ErrMalformed] and
// shows nothing of the value that could be a secret.
func Parse(value string) (Config, error) {
	c, err := parse(strings.TrimSpace(value))
	if err != nil {
		return Config{}, web.Of(energy.ErrMalformed, fmt.Errorf("the server %q: %w", Redact(value), err))
	}
	return c, nil
}

// Redact returns what may be shown of a value of POWERTEST_TOKENS, which may be malformed.
func Redact(value string) string {
	if !strings.Contains(value, "?") { // what follows an ampersand is a query, too
		value = strings.Replace(value, "&", "?", 1)
	}
	return web.RedactSource(value)
}

func parse(value string) (Config, error) {
	name, rest, named := strings.Cut(value, "=")
	if strings.ContainsAny(name, ":/?@") { // the equals sign is in an address
		name, rest, named = "", value, false
	}
	_, known := tokenmetric.Find(name)
	switch advice := tokenmetric.Without[name]; {
	case value == "":
		return Config{}, fmt.Errorf("it is empty\n%s", form)
	case advice != "":
		return Config{}, fmt.Errorf("it has no token counters\n%s", advice)
	case named && name == "prometheus":
		return parsePrometheus(rest)
	case named && !known:
		return Config{}, fmt.Errorf("its kind is not known\nchoose one of %s, prometheus", strings.Join(tokenmetric.ServerNames(), ", "))
	case !named:
		name, rest = "", value
	}
	c := Config{Server: name}
	for address := range strings.SplitSeq(rest, ",") {
		if address = strings.TrimSpace(address); address == "" {
			return Config{}, fmt.Errorf("an address is empty\n%s", form)
		}
		c.Pages = append(c.Pages, web.Address(address))
	}
	return c, nil
}

// parsePrometheus parses what follows the name: an address and labels, divided by ampersands.
func parsePrometheus(text string) (Config, error) {
	parts := strings.FieldsFunc(text, func(r rune) bool { return r == '&' || r == '?' })
	if len(parts) == 0 {
		return Config{}, fmt.Errorf("no address is given\n%s", form)
	}
	c := Config{Prometheus: web.Address(parts[0])}
	for _, pair := range parts[1:] {
		key, value, found := strings.Cut(pair, "=")
		switch {
		case !found || !isLabel(key):
			// It can be a piece of a password.
			return Config{}, fmt.Errorf("a part after the address is no LABEL=VALUE\nin a password, write ? as %%3F, & as %%26 and @ as %%40; %s", form)
		case key == "server":
			if _, known := tokenmetric.Find(value); !known {
				return Config{}, fmt.Errorf("the kind of its server is not known\nchoose one of %s", strings.Join(tokenmetric.ServerNames(), ", "))
			}
			c.Server = value
		default:
			c.Match = append(c.Match, key+"="+strconv.Quote(value))
		}
	}
	return c, nil
}

// isLabel reports whether a text is a name of a label.
func isLabel(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(r rune) bool {
		return r != '_' && (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z')
	})
}

// targets understands the addresses of pages. The defaults are those of the kind, and of
// vLLM where it is not known.
func (c Config) targets() ([]web.Target, error) {
	server := &tokenmetric.Server{Port: "8000", Path: "/metrics"}
	if named, known := tokenmetric.Find(c.Server); known {
		server = named
	}
	var list []web.Target
	for _, page := range c.Pages {
		t, err := web.Parse(page, web.Defaults{Port: server.Port, Path: server.Path})
		switch {
		case err != nil:
			return nil, err
		case server.Name == "trtllm" && t.URL.Path == "/metrics":
			return nil, fmt.Errorf("%s is not read: the page /metrics of trtllm-serve loses what is read of it\nwrite /prometheus/metrics", t.Clean)
		case slices.ContainsFunc(list, func(o web.Target) bool { return o.URL.String() == t.URL.String() }):
			continue // twice
		}
		list = append(list, t)
	}
	return list, nil
}
