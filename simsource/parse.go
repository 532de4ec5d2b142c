package simsource

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// keys are what the argument of POWERTEST_SOURCE=sim may set, in the order in
// which an error lists them.
var keys = []struct {
	name    string
	allowed string
	set     func(c *Config, value string) bool
}{
	{"gpus", "a whole number from 1 to 64", func(c *Config, v string) (ok bool) {
		n, err := strconv.Atoi(v)
		c.GPUs = n
		return err == nil && n >= 1 && n <= maxGPUs
	}},
	{"name", "a name", func(c *Config, v string) bool { c.Name = v; return v != "" }},
	{"idle", "watts from 0 to 1e6, such as 90", func(c *Config, v string) bool { return number(&c.Idle, v, maxWatts) }},
	{"peak", "watts from 0 to 1e6, such as 700", func(c *Config, v string) bool { return number(&c.Peak, v, maxWatts) }},
	{"limit", "watts from 0 to 1e6, such as 600, where 0 means none", func(c *Config, v string) bool {
		return number(&c.PowerLimit, v, maxWatts)
	}},
	{"ramp", "a duration up to 1h, such as 20ms", func(c *Config, v string) bool { return duration(&c.Ramp, v) }},
	{"tail", "a duration up to 1h, such as 20ms", func(c *Config, v string) bool { return duration(&c.Tail, v) }},
	{"noise", "a share from 0 to 0.3", func(c *Config, v string) bool { return number(&c.Noise, v, maxNoise) }},
	{"period", "a duration from 1µs to 1h, such as 100ms", func(c *Config, v string) bool {
		return duration(&c.Period, v) && c.Period >= minPeriod
	}},
	{"jitter", "a duration up to 1h, such as 1ms", func(c *Config, v string) bool { return duration(&c.Jitter, v) }},
	{"missed", "a share from 0 to 0.9", func(c *Config, v string) bool { return number(&c.Missed, v, maxMissed) }},
	{"gauge", "one of none, with, only", func(c *Config, v string) bool {
		g, ok := map[string]Gauge{"none": NoGauge, "with": WithGauge, "only": OnlyGauge}[v]
		c.Gauge = g
		return ok
	}},
	{"gaugeperiod", "a duration from 1µs to 1h, such as 20ms", func(c *Config, v string) bool {
		return duration(&c.GaugePeriod, v) && c.GaugePeriod >= minPeriod
	}},
	{"latency", "a duration up to 1h, such as 1ms", func(c *Config, v string) bool { return duration(&c.Latency, v) }},
	{"seed", "a whole number, 0 or more", func(c *Config, v string) bool {
		n, err := strconv.ParseUint(v, 10, 64)
		c.Seed = n
		return err == nil
	}},
	{"history", "a whole number of load changes, 1 or more", func(c *Config, v string) bool {
		n, err := strconv.Atoi(v)
		c.History = n
		return err == nil && n >= 1
	}},
}

// parse reads a list such as "gpus=2,idle=90". A zero that is given means
// none, not the default.
func parse(arg string) (Config, error) {
	var c Config
	split := func(r rune) bool { return r == ',' || r == ';' }
	for _, field := range strings.FieldsFunc(arg, split) {
		if strings.TrimSpace(field) == "" {
			continue
		}
		name, value, found := strings.Cut(field, "=")
		name, value = strings.TrimSpace(name), strings.TrimSpace(value)
		if !found || value == "" {
			return Config{}, fmt.Errorf("simulated source: %q has no value: want KEY=VALUE with one of the keys %s", strings.TrimSpace(field), names())
		}
		i := index(name)
		if i < 0 {
			return Config{}, fmt.Errorf("simulated source: unknown key %q: the keys are %s", name, names())
		}
		if !keys[i].set(&c, value) {
			return Config{}, fmt.Errorf("simulated source: %s=%s: want %s", name, value, keys[i].allowed)
		}
	}
	if full := c.withDefaults(); c.Peak != 0 && full.Idle > max(c.Peak, 0) {
		return Config{}, fmt.Errorf("simulated source: peak=%v: want at least the idle power, %v W", max(c.Peak, 0), full.Idle)
	}
	return c, nil
}

func index(name string) int {
	for i, k := range keys {
		if k.name == name {
			return i
		}
	}
	return -1
}

func names() string {
	all := make([]string, len(keys))
	for i, k := range keys {
		all[i] = k.name
	}
	return strings.Join(all, ", ")
}

// number parses a number from 0 to limit.
func number(p *float64, s string, limit float64) bool {
	v, err := strconv.ParseFloat(s, 64)
	if err != nil || !(v >= 0 && v <= limit) {
		return false
	}
	if *p = v; v == 0 {
		*p = -1
	}
	return true
}

// duration parses a duration up to an hour.
func duration(p *time.Duration, s string) bool {
	v, err := time.ParseDuration(s)
	if err != nil || v < 0 || v > maxPeriod {
		return false
	}
	if *p = v; v == 0 {
		*p = -1
	}
	return true
}
