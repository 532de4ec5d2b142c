package powertest

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"

	"github.com/joulebench/joulebench/internal/metrictable"
	"github.com/joulebench/joulebench/powertest/energy"
)

// headerLines prints lines of the benchmark format, other than results, where
// they can be printed without tearing a result line apart: testing prints the
// name of a benchmark, runs its rounds, and then prints the rest of the line. A
// name that was not seen before, with b.N of 1, is in the one round that comes
// before. (With b.N of 0 it is inside of its first b.Loop, in the same round.)
type headerLines struct {
	mu     sync.Mutex
	seen   map[string]bool // benchmark names
	told   map[string]bool // units
	config []setting       // in force
}

// setting is a configuration line. benchstat compares only results with equal
// settings, so nothing that varies between runs may be one.
type setting struct{ key, value string }

var header = headerLines{seen: map[string]bool{}, told: map[string]bool{}}

// announce prints what is new of units and configuration, if that is safe now,
// and reports whether it is.
func (h *headerLines) announce(b *B, ins *instrument) (safe bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	safe = benchmarking() && b.Name() != "" && !h.seen[b.Name()] && b.N <= 1
	h.seen[b.Name()] = true
	if !safe || b.env.off() {
		return safe
	}
	var out strings.Builder
	for _, m := range inScopes(metrictable.Net) {
		h.unit(&out, m)
	}
	var config []setting
	if ins != nil {
		config = settings(ins.name(), ins.devices())
	}
	h.change(&out, config)
	os.Stdout.WriteString(out.String())
	return safe
}

// announcePhases prints the directions of the phases' units if b is still in the
// round in which the header was safe: after the function, and before the result.
func (b *B) announcePhases() {
	if !b.announcing {
		return
	}
	header.mu.Lock()
	defer header.mu.Unlock()
	var out strings.Builder
	for _, name := range b.line.names() {
		for _, m := range metrictable.OfPart(name, false) {
			header.unit(&out, m)
		}
	}
	os.Stdout.WriteString(out.String())
}

// unit writes a unit's line, once per process.
func (h *headerLines) unit(out *strings.Builder, m metrictable.Metric) {
	if !h.told[m.Unit] {
		h.told[m.Unit] = true
		fmt.Fprintf(out, "Unit %s better=%s\n", m.Unit, m.Better)
	}
}

// change writes the settings that differ from those in force. One that no longer
// holds is written without a value, which unsets it.
func (h *headerLines) change(out *strings.Builder, config []setting) {
	for _, old := range h.config {
		if !slices.ContainsFunc(config, func(s setting) bool { return s.key == old.key }) {
			fmt.Fprintf(out, "%s:\n", old.key)
		}
	}
	for _, s := range config {
		if !slices.Contains(h.config, s) {
			fmt.Fprintf(out, "%s: %s\n", s.key, s.value)
		}
	}
	h.config = config
}

// settings describe the devices that are measured.
func settings(source string, devices []energy.Device) []setting {
	list := []setting{{"energy-source", source}}
	if gpu := distinct(devices, func(d energy.Device) string { return strings.Join(strings.Fields(d.Name), " ") }); gpu != "" {
		list = append(list, setting{"gpu", gpu})
	}
	list = append(list, setting{"gpus", fmt.Sprint(len(devices))})
	limit := distinct(devices, func(d energy.Device) string {
		if d.PowerLimit <= 0 {
			return ""
		}
		return fmt.Sprintf("%gW", d.PowerLimit)
	})
	if limit != "" {
		list = append(list, setting{"power-limit", limit})
	}
	return list
}

// distinct joins the distinct values that devices have of a property, sorted.
func distinct(devices []energy.Device, of func(energy.Device) string) string {
	var values []string
	for _, d := range devices {
		if v := of(d); v != "" {
			values = append(values, v)
		}
	}
	slices.Sort(values)
	return strings.Join(slices.Compact(values), ", ")
}

// benchmarking reports whether this process was asked for benchmarks, so that
// its output is in their format. Without it, a test may still call
// testing.Benchmark.
func benchmarking() bool {
	f := flag.Lookup("test.bench")
	return f != nil && f.Value.String() != ""
}
