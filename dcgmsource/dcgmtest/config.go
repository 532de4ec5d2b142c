package dcgmtest

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/joulebench/joulebench/powertest/energy"
	"github.com/joulebench/joulebench/simsource"
)

// GPUs are the devices that exporters have. A [simsource.Source] is one.
type GPUs interface {
	// Devices lists them.
	Devices() []energy.Device
	// TrueJoules returns the energy in joules that devices, given by their
	// index, used in [start, end), and NaN if it is not known.
	TrueJoules(start, end time.Time, devices ...int) float64
}

// Layout is how an exporter names what it exports.
type Layout uint8

const (
	// ExporterOld is that of versions up to 4.8.2: energy in millijoules, and
	// the label Hostname.
	ExporterOld Layout = iota
	// Lowercase is that of 4.8.3 and 4.8.4: energy in millijoules, and the
	// label hostname.
	Lowercase
	// Joules is that of 4.9: energy in whole joules, under a new name, as the
	// power and the driver version are. The other metrics keep their old names
	// here.
	Joules
	// OnlyPower is ExporterOld without energy, as devices before Volta have it.
	OnlyPower
	// Compat is that of the configuration for dashboards of version 1: names in
	// lower case.
	Compat
)

// Config describes an exporter. The zero value is one with eight idle GPUs that
// collects every 30 s.
//
// Where zero stands for a default that is not zero, a negative value stands for
// none.
type Config struct {
	// Source has the GPUs; nil means eight simulated ones of its own.
	//
	// A simulation must remember the load changes of two collect intervals, and
	// of the time between two pages if that is longer: see
	// [simsource.Config.History], which is enough for 270 changes a second where
	// an exporter collects every 30 s and is asked as often. Rows whose energy
	// the source has forgotten are absent from then on.
	Source GPUs
	// Devices are the GPUs of the source that this exporter shows, by index;
	// nil means all of them. Exporters may share a source.
	Devices []int
	// Hostname is the value of the label Hostname; empty means "gpu-node-01".
	Hostname string
	// Machine is what the UUIDs follow from, with the device's index in the
	// source; empty means Hostname. Exporters with the same source and machine
	// show the same GPUs, whatever their hostname says.
	Machine string
	// Model is the value of the label modelName; empty means "NVIDIA H200".
	Model string
	// Layout is how things are named.
	Layout Layout
	// Only leaves out everything but energy and power.
	Only bool
	// Collect is the collect interval, as the exporter's flag -c; zero means
	// 30 s.
	Collect time.Duration
	// Phase is when the first regular collection is, after the one at the
	// start; zero means a random part of the interval, negative means one whole
	// interval.
	Phase time.Duration
	// Jitter is how far a collection may lie from its regular time, at most
	// 0.45 intervals; zero means 2 ms, negative none.
	Jitter time.Duration
	// Refresh is how often the driver's counter changes, each GPU's at a random
	// phase; zero means 100 ms, negative that it is always up to date.
	Refresh time.Duration
	// Base is what the counters show at the start, in joules; zero means
	// 184 467 kJ, negative none.
	Base float64
	// Seed selects what is random.
	Seed uint64
}

func (c Config) withDefaults() Config {
	if c.Source == nil {
		c.Source = simsource.New(simsource.Config{GPUs: 8})
	}
	if c.Devices == nil {
		for i := range c.Source.Devices() {
			c.Devices = append(c.Devices, i)
		}
	}
	c.Hostname = cmp.Or(c.Hostname, "gpu-node-01")
	c.Machine = cmp.Or(c.Machine, c.Hostname)
	c.Model = cmp.Or(c.Model, "NVIDIA H200")
	c.Collect = max(cmp.Or(c.Collect, 30*time.Second), time.Millisecond)
	c.Jitter = min(max(cmp.Or(c.Jitter, 2*time.Millisecond), 0), c.Collect*45/100)
	c.Refresh = max(cmp.Or(c.Refresh, 100*time.Millisecond), 0)
	c.Base = max(cmp.Or(c.Base, 184_467_000), 0)
	return c
}

// identity is 16 bytes that follow from what they are of.
func identity(of ...any) [16]byte {
	sum := sha256.Sum256(fmt.Append(nil, of...))
	return [16]byte(sum[:16])
}

// seedOf is a seed that follows from what it is of.
func seedOf(of ...any) uint64 {
	id := identity(of...)
	return binary.LittleEndian.Uint64(id[:8])
}

// uniform is a random number in [0, 1): the nth of a seed.
func uniform(seed, n uint64) float64 { return rand.New(rand.NewPCG(seed, n)).Float64() }

// uuid looks as those of NVIDIA's driver do.
func uuid(machine string, device int) string {
	id := identity("uuid", machine, device)
	return fmt.Sprintf("GPU-%x-%x-%x-%x-%x", id[:4], id[4:6], id[6:8], id[8:10], id[10:])
}
