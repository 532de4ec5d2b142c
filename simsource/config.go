package simsource

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Gauge says whether the devices report their power, beside or in place of the
// energy counter.
type Gauge uint8

const (
	// NoGauge devices have an energy counter only.
	NoGauge Gauge = iota
	// WithGauge devices have an energy counter, and a power gauge beside it.
	WithGauge
	// OnlyGauge devices have a power gauge and no counter.
	OnlyGauge
)

// Config describes the simulated GPUs. The zero value is one GPU that draws
// 100 W when idle and 700 W when busy, without ramp, tail or noise, and whose
// counter ticks every 100 ms ± 1 ms.
//
// Where zero stands for a default that is not zero, a negative value stands
// for none. Values beyond what the model can do are brought to the limit that
// is given here.
type Config struct {
	// GPUs is the number of devices, 1 to 64; zero means 1. Their ticks are
	// spread evenly over the refresh period.
	GPUs int
	// Name is the model's name; empty means "Simulated GPU".
	Name string
	// Idle is the power of a device without load, in watts; zero means 100.
	Idle float64
	// Peak is the power of a device with full load, in watts, at least Idle;
	// zero means 700.
	Peak float64
	// PowerLimit is the power limit in watts, which the mean power never
	// exceeds; zero means Peak, negative means that there is none.
	PowerLimit float64
	// Ramp and Tail are the time constants with which the power follows a
	// load that rises and one that falls (first order: 63 % of the way in one
	// constant). Zero means that it follows at once.
	Ramp, Tail time.Duration
	// Noise is the standard deviation of the power relative to its mean, at
	// most 0.3. It is a sum of slow sinusoids, between 0.6 Hz and 200 Hz.
	Noise float64
	// Period is the refresh period of counter and gauge, from 1 µs to 1 h;
	// zero means 100 ms.
	Period time.Duration
	// Jitter is how far a tick of the counter may lie from its regular time,
	// at most 0.45 periods; zero means 1 % of the period, negative none.
	Jitter time.Duration
	// Missed is the share of ticks that the counter does not show, at most
	// 0.9: its value changes at the next tick that is shown.
	Missed float64
	// Gauge says whether the devices report their power.
	Gauge Gauge
	// GaugePeriod is the refresh period of the gauge, which shows the mean power of
	// the period before its last refresh; zero means Period.
	GaugePeriod time.Duration
	// Latency is how long each reading takes, in sleep; the value is taken
	// half way.
	Latency time.Duration
	// Seed selects the noise, the jitter, the missed ticks and the UUIDs.
	Seed uint64
	// History is the number of load changes per device that TrueJoules can
	// go back; zero means 16384. One takes 40 bytes, once it is made.
	History int
}

const (
	maxGPUs   = 64 // the devices of a load are a bit set
	maxNoise  = 0.3
	maxMissed = 0.9
	maxWatts  = 1e6

	defaultPeriod = 100 * time.Millisecond
	minPeriod     = time.Microsecond
	maxPeriod     = time.Hour
)

// withDefaults returns the configuration with every default filled in, and
// every value within its limits.
func (c Config) withDefaults() Config {
	c.GPUs = min(max(c.GPUs, 1), maxGPUs)
	c.Name = cmp.Or(c.Name, "Simulated GPU")
	c.Idle = max(cmp.Or(c.Idle, 100), 0)
	c.Peak = max(cmp.Or(c.Peak, 700), c.Idle)
	if c.PowerLimit < 0 {
		c.PowerLimit = math.Inf(1)
	} else if c.PowerLimit == 0 {
		c.PowerLimit = c.Peak
	}
	c.Ramp, c.Tail = max(c.Ramp, 0), max(c.Tail, 0)
	c.Noise = min(max(c.Noise, 0), maxNoise)
	c.Period = refresh(c.Period, defaultPeriod)
	c.Jitter = min(max(cmp.Or(c.Jitter, c.Period/100), 0), c.Period*45/100)
	c.Missed = min(max(c.Missed, 0), maxMissed)
	c.GaugePeriod = refresh(c.GaugePeriod, c.Period)
	c.Latency = max(c.Latency, 0)
	c.History = cmp.Or(max(c.History, 0), 1<<14)
	return c
}

func refresh(period, otherwise time.Duration) time.Duration {
	return min(max(cmp.Or(period, otherwise), minPeriod), maxPeriod)
}

// key is what the argument of POWERTEST_SOURCE=sim may set.
type key struct {
	name    string
	allowed string
	set     func(c *Config, value string) bool
}

// keys are in the order in which an error lists them.
var keys = []key{
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
			return Config{}, fmt.Errorf("simulated source: %q has no value\nwrite KEY=VALUE with one of the keys %s", strings.TrimSpace(field), names())
		}
		i := slices.IndexFunc(keys, func(k key) bool { return k.name == name })
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
