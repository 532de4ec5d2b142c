package powertest

import (
	"slices"

	"github.com/joulebench/joulebench/internal/metrictable"
	"github.com/joulebench/joulebench/powertest/energy"
)

// Option changes how [Wrap] and [NewMeter] measure.
type Option func(*config)

// config is what the options of one benchmark ask for.
type config struct {
	sources  []energy.Source
	fallback energy.Source
	// selection is of the devices of sources, or of the one that the environment names.
	selection energy.Selection
	net       bool
	gpus      int    // that are expected; 0 if any number will do
	load      bool   // it is a load, and not a benchmark
	tokens    string // the servers that count tokens, as POWERTEST_TOKENS has them
	served    bool   // they count

	given, twice []string // options of which the last one counts, and those given again
}

// give notes that an option was given.
func (c *config) give(option string) {
	if slices.Contains(c.given, option) {
		c.twice = append(c.twice, option)
	}
	c.given = append(c.given, option)
}

// metrics are those that are reported of the whole, in the order of the table.
func (c config) metrics() []metrictable.Metric {
	var list []metrictable.Metric
	for _, m := range metrictable.Table {
		if m.Scope == metrictable.Always || m.Scope == metrictable.Net && c.net || m.Scope == metrictable.Loads && c.load || m.Scope == metrictable.Served && c.served {
			list = append(list, m)
		}
	}
	return list
}

func newConfig(opts []Option) config {
	var c config
	for _, o := range opts {
		o(&c)
	}
	return c
}

// From measures with the source, instead of the one that the environment names.
// Only POWERTEST_SOURCE=off goes before it. The source stays the caller's to
// close, once no benchmark uses it; the package keeps one recorder for it until
// the process ends.
//
// Several sources are measured over one window, as [energy.Join] does: J/op and what
// follows are of the GPUs, and those of other kinds come beside them, such as cpu-J/op.
func From(source energy.Source, more ...energy.Source) Option {
	return func(c *config) {
		c.give("From")
		c.sources = append([]energy.Source{source}, more...)
	}
}

// Fallback measures with the source where POWERTEST_SOURCE is not set and there
// is no NVIDIA GPU, no driver or no support for it in this build, and no CPU that may be
// read either. It is meant for
// simulations that let a benchmark be tried out anywhere: the header line
// energy-source and the log say that it is used. With POWERTEST_STRICT it is
// not: strict means a measurement or a failure.
func Fallback(source energy.Source) Option {
	return func(c *config) {
		c.give("Fallback")
		c.fallback = source
	}
}

// Devices measures only the devices that match one of the selectors, instead of
// those in POWERTEST_DEVICES: selectors are indices, ranges of them, UUIDs and the
// other names that [energy.Select] takes. Benchmarks whose windows overlap in time
// must not select differently from one source.
func Devices(selectors ...string) Option {
	return func(c *config) { c.selection.Devices = append(c.selection.Devices, selectors...) }
}

// Role gives the devices that match one of the selectors (see [energy.Select]) a
// role, such as "prefill" or "decode" in serving that is disaggregated: the report of
// a load then has the energy of each role. That is what its devices use in the whole
// window, whether they work or idle. Exporters and Prometheus servers know roles of
// their own. As with [Devices], what is measured at the same time from one source
// must be given the same roles.
func Role(name string, selectors ...string) Option {
	return func(c *config) {
		c.selection.Roles = append(c.selection.Roles, energy.Role{Name: name, Devices: selectors})
	}
}

// ExpectGPUs sets how many GPUs there must be. Where another number is measured
// the joules are withheld: without it, a fleet of which half is not read uses half
// of the energy.
func ExpectGPUs(n int) Option {
	return func(c *config) {
		c.give("ExpectGPUs")
		c.gpus = n
	}
}

// Net also reports the energy above idle: net-J/op, with net-err-%, and idle-W. Idle
// power is that of ticks before the window and after any other: [Wrap] and [Meter.Start]
// wait until it has settled, for some six refresh periods, or for up to ten and two
// seconds. Where it did not, or differs from that of an earlier window of the same name,
// the number is marked with [energy.IdleUnsettled]. While another window is open idle
// power is not known, and the three are left out.
func Net() Option {
	return func(c *config) { c.net = true }
}
