package dcgmsource

import (
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/joulebench/joulebench/powertest/energy"
)

const prometheusName = "prometheus"

func init() {
	energy.Register(prometheusName, func(arg string, devices []string) (energy.Source, error) {
		cfg, err := parsePrometheus(arg)
		if err != nil {
			return nil, malformed(err)
		}
		cfg.Devices = devices
		s, err := OpenPrometheus(cfg)
		if err != nil {
			return nil, err // not s: a nil *PrometheusSource is a non-nil energy.Source
		}
		return s, nil
	})
}

// prometheusForm is how an argument looks, for messages.
const prometheusForm = `POWERTEST_SOURCE=prometheus=http://prometheus:9090?selector={job="dcgm"}&collect=1s&role.prefill=gpu-node-01,gpu-node-02/0`

// parsePrometheus parses what follows the name of the source: an address, and
// after a question mark keys and values. It is split by hand, since a selector
// is full of what a URL would have escaped, and a plus sign is common in one.
func parsePrometheus(arg string) (PrometheusConfig, error) {
	cfg := PrometheusConfig{Params: url.Values{}}
	address, rest, _ := strings.Cut(arg, "?")
	if cfg.URL = strings.TrimSpace(address); cfg.URL == "" {
		return cfg, fmt.Errorf("prometheus: no address is given: set for instance %s", prometheusForm)
	}
	for pair := range strings.SplitSeq(rest, "&") {
		if pair == "" {
			continue
		}
		key, value, found := strings.Cut(pair, "=")
		if !found {
			return cfg, fmt.Errorf("prometheus: %s has no value: set for instance %s", shown(key), prometheusForm)
		}
		if err := cfg.set(unescaped(key), unescaped(value)); err != nil {
			return cfg, err
		}
	}
	return cfg, nil
}

// shown returns a key as it may be shown: not if it can be a piece of a password
// with a question mark in it.
func shown(key string) string {
	if strings.ContainsFunc(key, func(r rune) bool {
		return r != '_' && r != '.' && r != '-' && !unicode.IsLetter(r) && !unicode.IsDigit(r)
	}) {
		return "a key (in a password, write ? as %3F, & as %26 and @ as %40)"
	}
	return strconv.Quote(key)
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
func (cfg *PrometheusConfig) set(key, value string) error {
	role, isRole := strings.CutPrefix(key, "role.")
	switch {
	case key == "":
		return fmt.Errorf("prometheus: a value has no key: set for instance %s", prometheusForm)
	case key == "selector":
		cfg.Selector = value
	case key == "collect":
		d, err := time.ParseDuration(value)
		if err != nil || d <= 0 {
			return fmt.Errorf("prometheus: collect=%s is not a time: give the exporters' -c, for instance collect=1s", value)
		}
		cfg.Collect = d
	case isRole && role == "":
		return fmt.Errorf("prometheus: %q names no role: write for instance role.prefill=gpu-node-01", key)
	case isRole:
		if cfg.Roles == nil {
			cfg.Roles = map[string][]string{}
		}
		cfg.Roles[role] = append(cfg.Roles[role], strings.Split(value, ",")...)
	default:
		cfg.Params.Add(key, value)
	}
	return nil
}
