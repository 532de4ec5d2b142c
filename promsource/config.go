package promsource

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/joulebench/joulebench/internal/metricname"
	"github.com/joulebench/joulebench/internal/web"
	"github.com/joulebench/joulebench/powertest/energy"
)

// Secret is a string that no way of printing it shows. Convert it to a string to
// use it.
type Secret = web.Secret

// HTTP says how requests are made. It is the HTTP of package dcgmsource, where its
// fields are listed, but for Timeout: 0 means 2 minutes here.
type HTTP = web.HTTP

// Config says which GPUs to read from a server. POWERTEST_SOURCE gives it as an
// address with what follows a question mark:
//
//	prometheus=http://prom:9090?selector={job="dcgm",cluster="a"}&collect=1s&role.prefill=gpu-node-01
//
// The keys selector, collect, role.NAME, kind, window (two times of RFC 3339 with a slash
// between them), and metric, unit, id and model are those of the fields; all others are Params. An ampersand in a value is written as %26; a plus sign stays one.
type Config struct {
	// URL is the address of the server, with its base path if it has one, such
	// as http://mimir:8080/prometheus.
	URL string
	// Selector narrows the series down, as PromQL matchers in braces:
	// {job="dcgm",cluster="a"}. Empty means all that have a name of an exporter's
	// energy or power.
	Selector string
	// Devices are selectors as [energy.Select] takes them; none means all.
	Devices []string
	// Roles are the roles of devices in a server that divides its work, such as
	// "prefill" and "decode".
	Roles []energy.Role
	// Collect is the collect interval of the exporters (their -c), if it is
	// known: how old a value can be when it is scraped.
	Collect time.Duration
	// Window is the window of the past that is to be measured: the GPUs are those that
	// the server had then. The zero value means those that it has now.
	Window energy.Span
	// Params are sent with each query, such as dedup=true for Thanos.
	Params url.Values
	// Kinds are the kinds of devices to measure; none means the GPUs, or if the server has
	// none what else it has.
	Kinds []energy.Kind
	// Metric is the one metric to read, where it is not one that is known.
	Metric Metric
	// HTTP says how requests are made.
	HTTP
}

// Metric describes a metric of an exporter that is not known. It is the Metric of package
// dcgmsource, where its fields are listed.
type Metric = metricname.Custom

const sourceName = "prometheus"

func init() {
	energy.Register(sourceName, func(arg string, devices []string) (energy.Source, error) {
		cfg, err := parseArg(arg)
		if err != nil {
			return nil, web.Of(energy.ErrMalformed, err)
		}
		cfg.Devices = devices
		s, err := Open(cfg)
		if err != nil {
			return nil, err // not s: a nil *Source is a non-nil energy.Source
		}
		return s, nil
	})
}

// argForm is how an argument looks, for messages.
const argForm = `set for instance POWERTEST_SOURCE=prometheus=http://prometheus:9090?selector={job="dcgm"}&collect=1s&role.prefill=gpu-node-01,gpu-node-02/0`

// parseArg parses what follows the name of the source: an address, and after a
// question mark keys and values. It is split by hand, since a selector is full of
// what a URL would have escaped, and a plus sign is common in one.
func parseArg(arg string) (Config, error) {
	cfg := Config{Params: url.Values{}}
	address, rest, _ := strings.Cut(arg, "?")
	if cfg.URL = strings.TrimSpace(address); cfg.URL == "" {
		return cfg, fmt.Errorf("prometheus: no address is given\n%s", argForm)
	}
	for pair := range strings.SplitSeq(rest, "&") {
		if pair == "" {
			continue
		}
		key, value, found := strings.Cut(pair, "=")
		if !found {
			// It can be a secret, or a piece of a password with a question mark in it.
			return cfg, fmt.Errorf("prometheus: a part of the query is no KEY=VALUE and has no value\nin a password, write ? as %%3F, & as %%26 and @ as %%40; %s", argForm)
		}
		if err := cfg.set(unescaped(key), unescaped(value)); err != nil {
			return cfg, err
		}
	}
	return cfg, nil
}

// unescaped returns the text without its URL escapes, or as it is if they are
// none: a percent sign may be meant as one.
func unescaped(s string) string {
	if u, err := url.PathUnescape(s); err == nil {
		return u
	}
	return s
}

// set takes in one key of an argument. What is not ours is the server's.
func (cfg *Config) set(key, value string) error {
	role, isRole := strings.CutPrefix(key, "role.")
	switch {
	case key == "":
		return fmt.Errorf("prometheus: a value has no key\n%s", argForm)
	case key == "selector":
		cfg.Selector = value
	case key == "collect":
		d, err := time.ParseDuration(value)
		if err != nil || d <= 0 {
			return fmt.Errorf("prometheus: collect=%s is not a time\ngive the exporters' -c, for instance collect=1s", value)
		}
		cfg.Collect = d
	case key == "window":
		from, to, _ := strings.Cut(value, "/")
		var errs [2]error
		cfg.Window.Start, errs[0] = time.Parse(time.RFC3339Nano, from)
		cfg.Window.End, errs[1] = time.Parse(time.RFC3339Nano, to)
		if errs != [2]error{} || !cfg.Window.End.After(cfg.Window.Start) {
			return fmt.Errorf("prometheus: window=%s is not a window\ngive its start and end, for instance window=2026-11-25T10:00:00Z/2026-11-25T10:10:00Z", value)
		}
	case isRole && role == "":
		return fmt.Errorf("prometheus: %q names no role\nwrite for instance role.prefill=gpu-node-01", key)
	case isRole:
		i := slices.IndexFunc(cfg.Roles, func(r energy.Role) bool { return r.Name == role })
		if i < 0 {
			i = len(cfg.Roles)
			cfg.Roles = append(cfg.Roles, energy.Role{Name: role})
		}
		cfg.Roles[i].Devices = append(cfg.Roles[i].Devices, strings.Split(value, ",")...)
	case key == "kind":
		kinds, err := metricname.ParseKinds(value)
		if err != nil {
			return fmt.Errorf("prometheus: %w", err)
		}
		cfg.Kinds = append(cfg.Kinds, kinds...)
		cfg.Metric.Kind = cfg.Kinds[0]
	case cfg.Metric.Set(key, value):
	case misspelt(key):
		return fmt.Errorf("prometheus: %q is none of our keys, and like one\nwrite selector={MATCHERS}, collect=TIME, window=START/END, kind=KIND, metric=NAME or role.NAME=DEVICES", key)
	default:
		cfg.Params.Add(key, value)
	}
	return nil
}

// misspelt reports whether a key of a query begins as one of our own does. A server
// would ignore it, and nobody be told that all GPUs are measured.
func misspelt(key string) bool {
	key = strings.ToLower(key)
	return slices.ContainsFunc([]string{"sel", "coll", "rol", "win", "kind", "metric", "unit"}, func(begin string) bool { return strings.HasPrefix(key, begin) })
}

// target understands the address.
func (cfg *Config) target() (web.Target, error) {
	to, err := web.Parse(web.Address(cfg.URL), web.Defaults{Port: "9090"})
	if err != nil {
		return to, fmt.Errorf("prometheus: %w", err)
	}
	if to.URL.RawQuery != "" || to.Role != "" {
		return to, fmt.Errorf("prometheus: the address %s goes on after its path\nparameters of queries are given apart from it", to.Clean)
	}
	for _, key := range []string{"query", "time", "timeout"} {
		if cfg.Params.Has(key) {
			return to, fmt.Errorf("prometheus: %s can't be a parameter, since each query has its own", key)
		}
	}
	return to, nil
}

// A selector is the matchers that all series are to fit, without braces.
type selector string

// parseSelector takes the braces off.
func parseSelector(text string) (selector, error) {
	text = strings.TrimSpace(text)
	if text == "" {
		return "", nil
	}
	inner, open := strings.CutPrefix(text, "{")
	inner, closed := strings.CutSuffix(inner, "}")
	if !open || !closed {
		return "", fmt.Errorf("prometheus: the selector %s is not in braces\nwrite it as in PromQL, without the name of a metric: {job=\"dcgm\"}", text)
	}
	return selector(strings.TrimRight(strings.TrimSpace(inner), ", ")), nil
}
