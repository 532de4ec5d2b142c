// Package sensors says what kind of power sensor is behind a reading: by which of its
// readings it is, and by the model of the device; and by how much its energy counter is late.
// What is known is in [Table] and [Delays], with its evidence, and nowhere else.
package sensors

import (
	"slices"
	"strings"
	"time"

	"github.com/joulebench/joulebench/powertest/energy"
)

// Reading is which of the power readings of a device it is.
type Reading uint8

const (
	// Unknown is a reading that nothing is known of.
	Unknown Reading = iota
	// Draw is what NVIDIA's tools show as the power where no other is asked for:
	// power.draw, nvmlDeviceGetPowerUsage, DCGM_FI_DEV_POWER_USAGE. It is a mean over
	// a second on most devices, and on others not.
	Draw
	// Instant is power.draw.instant, POWER_INSTANT.
	Instant
	// Average is power.draw.average, POWER_AVERAGE.
	Average
)

// Row is what is known of one reading of some models.
type Row struct {
	Reading Reading
	// Architectures are those of the models; none means any other.
	Architectures []Architecture
	Sensor        energy.Sensor
	// Evidence says where it was seen.
	Evidence string
}

const ms = time.Millisecond

// Kernels. Bounds are wider than what was seen, since few boards were seen.
var (
	// whole means cover all of a refresh period of 100 ms.
	whole = energy.Kernel{Manner: energy.Boxcar, Shortest: 100 * ms, Longest: 110 * ms, Earliest: -10 * ms, Latest: 10 * ms}
	// part-time means cover a part of it.
	partTime = energy.Kernel{Manner: energy.Boxcar, Shortest: 17 * ms, Longest: 40 * ms, Earliest: -5 * ms, Latest: 15 * ms}
	// half means are of 10 ms in each 20.
	half   = energy.Kernel{Manner: energy.Boxcar, Shortest: 8 * ms, Longest: 20 * ms, Latest: 10 * ms}
	second = energy.Kernel{Manner: energy.Boxcar, Shortest: 950 * ms, Longest: 1200 * ms, Earliest: -10 * ms, Latest: 50 * ms}
	filter = energy.Kernel{Manner: energy.Exponential, Shortest: 80 * ms, Longest: 250 * ms, Latest: 20 * ms}
)

func sensor(refresh time.Duration, kernels ...energy.Kernel) energy.Sensor {
	return energy.Sensor{Refresh: refresh, Kernels: kernels}
}

// Table is all that is known. The first row that fits counts.
var Table = []Row{
	{Instant, []Architecture{Ampere, Ada}, sensor(100*ms, whole), "an external meter on an RTX 3090, an RTX A5000 and an RTX 4090: 100 ms on all of a period, 100 to 110 ms on the last"},
	{Instant, []Architecture{Turing}, sensor(100*ms, whole, partTime), "readings of 70 boards (SC'24): 100 of 101 ms; a Quadro RTX 8000 20 ms"},
	{Instant, []Architecture{GA100, Hopper}, sensor(100*ms, partTime), "an external meter on an A100-PCIe: 25 to 40 ms of each 104; readings of 10 H100-PCIe: 21 to 25 ms of each 100; H200 not seen"},
	{Instant, []Architecture{Volta, Pascal}, sensor(20*ms, half), "readings of V100 and Pascal boards: 10 ms of each 20"},
	{Instant, []Architecture{Maxwell, Kepler}, sensor(0, filter), "an external meter on a K40m: log filter of about 150 ms, refreshed each 15 to 30 ms; other boards each 100 ms"},
	{Instant, nil, sensor(0, whole, partTime, half, filter), "Blackwell and others not seen"},
	{Average, nil, sensor(0, second), "an external meter on an RTX 3090 and an RTX A5000: 1.05 to 1.1 s, refreshed each 100 ms; when idle each 1 s"},
	{Draw, []Architecture{Turing}, sensor(100*ms, whole, partTime), "equals the instant one on a 2080 Super"},
	{Draw, []Architecture{GA100}, sensor(100*ms, partTime), "equals the instant one on an A100-PCIe"},
	{Draw, []Architecture{Volta, Pascal}, sensor(20*ms, half), "has no other reading"},
	{Draw, []Architecture{Maxwell, Kepler}, sensor(0, filter), "has no other reading"},
	{Draw, []Architecture{Ampere, Ada}, sensor(100*ms, second, whole), "equals the average one on an RTX 3090, an RTX A5000, an L40S and an RTX 4080S; the instant one on an RTX 4090 with driver 530"},
	{Draw, []Architecture{Hopper}, sensor(100*ms, second, partTime), "equals the average one on H100-SXM and H200"},
	{Draw, nil, sensor(0, second, whole, partTime, half, filter), "one of those above"},
}

// Of returns what is known of a reading of a model.
func Of(r Reading, model string) energy.Sensor {
	a := architectureOf(model)
	for _, row := range Table {
		if row.Reading == r && (len(row.Architectures) == 0 || slices.Contains(row.Architectures, a)) {
			return row.Sensor
		}
	}
	return energy.Sensor{}
}

// NotInstant returns what a reading of a model is where it is seen to be another than the
// instant one: [Average], if it may be that.
func NotInstant(r Reading, model string) Reading {
	if r == Draw && slices.Contains(Of(r, model).Kernels, second) {
		return Average
	}
	return r
}

// Delay is by how much the energy counter of some models is late when it ticks, with the
// standard deviation of what is known of that. It is half of the time between two readings of
// the power that it adds up, and what they take.
type Delay struct {
	Architecture Architecture
	// Name is what the models have in their names; empty means any other of the architecture.
	Name   string
	By, SD time.Duration
	// Evidence says where it was seen.
	Evidence string
}

// Delays is all that is known of them. The first row that fits counts.
var Delays = []Delay{
	{Hopper, "H100", 10 * ms, 5 * ms / 2, "115 steps of three loads on one H100 (docs/hardware.md): the medians of each rose late by 8 to 13 ms, and fell by 9 to 13 ms"},
	{Hopper, "", 10 * ms, 5 * ms, "H200 and others not seen: their chip is that of the H100, their boards are not"},
}

// CounterDelay returns by how much the energy counter of a model is late, by [Delays]; 0 where
// nothing is known.
func CounterDelay(model string) (by, sd time.Duration) {
	a := architectureOf(model)
	for _, row := range Delays {
		if row.Architecture == a && strings.Contains(strings.ToUpper(model), row.Name) {
			return row.By, row.SD
		}
	}
	return 0, 0
}
