package powertest

import (
	"flag"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/joulebench/joulebench/internal/metrictable"
	"github.com/joulebench/joulebench/internal/terminal"
	"github.com/joulebench/joulebench/powertest/energy"
)

// processState is what all benchmarks and meters of a process have in common: the
// recorders of its sources, and which lines and messages are out.
type processState struct {
	instruments instruments
	servers     servers
	active      sync.Map // by *testing.B, the benchmarks under way: one, and its parents
	header      headerLines
	slack       slackHistory
	late        lateMistakes
	logged      sync.Map // keys of messages
	said        sync.Map // those of the run of testing.Benchmark that is under way
	traces      atomic.Int64
}

var process processState

// begin notes that a benchmark is under way, and stops measuring its parents: one may
// have been started by the Run of an embedded testing.B.
func (p *processState) begin(b *B) {
	p.active.Range(func(_, other any) bool {
		if parent := other.(*B); parent.Name() != "" && strings.HasPrefix(b.Name(), parent.Name()+"/") {
			parent.line.cancel()
			parent.stage.CompareAndSwap(stageMeasured, stageParent)
		}
		return true
	})
	p.active.Store(b.B, b)
}

// logOnce logs a message through the benchmark, unless one with the key was
// logged before: a benchmark runs many rounds, and testing prints ten lines of
// its log at most. It never prints, since that would break the result line
// that testing has begun, but for [testing.Benchmark]: see say.
func (b *B) logOnce(key, format string, args ...any) {
	b.Helper()
	if text, first := b.once(key, format, args...); first {
		b.log(text)
	}
}

// once returns a message that is to be logged, and whether it is the first of its key.
func (b *B) once(key, format string, args ...any) (text string, first bool) {
	if b.Name() == "" {
		b.say(key, format, args...)
		return "", false
	}
	_, dup := process.logged.LoadOrStore(key, true)
	return message(format, args...), !dup
}

// message is a text for people, with the name of this package.
func message(format string, args ...any) string {
	return terminal.Text(fmt.Sprintf("powertest: "+format, args...))
}

// log logs a text with the user's line: that of Wrap, or that of the Run that has wrapped
// the benchmark, which is not on the stack.
func (b *B) log(text string) {
	b.Helper()
	if b.runLine != "" {
		b.logAt(b.runLine, text)
		return
	}
	b.Log(text)
	b.hold(b.wrapLine, text)
}

// logAt logs a text with a line that need not be on the stack.
func (b *B) logAt(line, text string) {
	fmt.Fprintln(b.Output(), b.hold(line, text))
}

// hold keeps a text that is logged, and returns it as it is printed.
func (b *B) hold(line, text string) string {
	text = line + ": " + strings.ReplaceAll(text, "\n", "\n    ")
	b.mu.Lock()
	defer b.mu.Unlock()
	b.held = append(b.held, text)
	return text
}

// printHeld prints the log of a benchmark that has sub-benchmarks, which testing prints only
// with -v, or if it fails. No line is begun after the results of the last one.
func (b *B) printHeld() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.held) == 0 || testing.Verbose() || b.Failed() || b.Name() == "" {
		return
	}
	out := fmt.Sprintf("--- BENCH: %s\n", b.Name())
	for _, text := range b.held {
		out += "    " + strings.ReplaceAll(text, "\n", "\n    ") + "\n"
	}
	os.Stdout.WriteString(terminal.Text(out))
}

// say prints a message on stderr, once in a run of testing.Benchmark, which throws its
// log away and begins no line. Such a benchmark has no name; others log their messages.
func (b *B) say(key, format string, args ...any) {
	if b.Name() != "" {
		return
	}
	if _, dup := process.said.LoadOrStore(key, true); !dup {
		fmt.Fprintln(os.Stderr, message(format, args...))
	}
}

// warn logs a message of a [Meter], which has no benchmark's log, once in the process.
func (p *processState) warn(key, format string, args ...any) {
	if _, dup := p.logged.LoadOrStore(key, true); !dup {
		slog.Warn(message(format, args...))
	}
}

// fatal ends the benchmark with an error.
func (b *B) fatal(format string, args ...any) {
	b.Helper()
	b.say("fatal", format, args...)
	b.log(message(format, args...))
	b.FailNow()
}

// headerLines prints lines of the benchmark format, other than results, where
// they can be printed without tearing a result line apart: testing prints the
// name of a benchmark, runs its rounds, and then prints the rest of the line. A
// name that is new, with b.N of 1, is in the one round that comes before. (With
// b.N of 0 it is inside of its first b.Loop, in the same round.)
type headerLines struct {
	mu     sync.Mutex
	names  []string  // of benchmarks so far
	units  []string  // that have their line
	due    []string  // those that have none yet, since it could not be printed
	config []setting // in force
}

// setting is a configuration line. benchstat compares only results with equal
// settings, so nothing that varies between runs may be one.
type setting struct{ key, value string }

// announce prints what is new of the configuration, if that is safe now, and reports
// whether it is.
func (h *headerLines) announce(b *B, ins *instrument) (safe bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	known := slices.Contains(h.names, b.Name())
	safe = benchmarking() && b.Name() != "" && !known && b.N <= 1
	if !known {
		h.names = append(h.names, b.Name())
	}
	if !safe || b.env.off() {
		return safe
	}
	var out strings.Builder
	var now []setting
	if ins != nil {
		now = settings(ins.name(), ins.devices(), ins.recorder.LeftOut())
	}
	h.change(&out, now)
	os.Stdout.WriteString(terminal.Text(out.String()))
	return safe
}

// announceUnits prints the directions of units, once per process, if b is still in the
// round in which the header was safe: after the function, and before the result. Else it
// does so when it is safe again.
func (h *headerLines) announceUnits(b *B, metrics []Metric) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, m := range metrics {
		if !slices.Contains(h.units, m.Unit) && !slices.Contains(h.due, m.Unit) {
			h.due = append(h.due, m.Unit)
		}
	}
	if !b.announcing || b.env.off() {
		return
	}
	var out strings.Builder
	for _, unit := range h.due {
		if better, known := metrictable.Better(unit); known {
			fmt.Fprintf(&out, "Unit %s better=%s\n", unit, better)
		}
	}
	h.units, h.due = append(h.units, h.due...), nil
	os.Stdout.WriteString(terminal.Text(out.String()))
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

// kindsBeside returns the kinds that have metrics beside those of the whole, and that of
// their sum.
func kindsBeside(devices []energy.Device) []energy.Kind {
	kinds := energy.KindsOf(devices)
	if len(kinds) < 2 {
		return nil
	}
	return append(slices.DeleteFunc(kinds, func(k energy.Kind) bool { return k == energy.GPU }), energy.AllKinds)
}

// settings describe the devices that are measured, and how many are not.
func settings(source string, devices []energy.Device, leftOut []energy.LeftOut) []setting {
	list := []setting{{"energy-source", terminal.Line(source)}}
	of := func(kinds ...energy.Kind) (found []energy.Device, count string) {
		for _, d := range devices {
			if slices.Contains(kinds, d.Kind.OrGPU()) {
				found = append(found, d)
			}
		}
		left := 0
		for _, l := range leftOut {
			if slices.Contains(kinds, l.Kind.OrGPU()) {
				left++
			}
		}
		if count = fmt.Sprint(len(found)); left > 0 {
			count += fmt.Sprintf(" of %d", len(found)+left)
		}
		return found, count
	}
	if gpus, count := of(energy.GPU, energy.Module); count != "0" {
		if gpu := distinct(gpus, modelOf); gpu != "" {
			list = append(list, setting{"gpu", gpu})
		}
		list = append(list, setting{"gpus", count})
		list = limitsOf(list, "power-limit", gpus)
	}
	if cpus, _ := of(energy.CPU, energy.DRAM); len(cpus) > 0 {
		_, count := of(energy.CPU)
		list = append(list, setting{"cpu-energy", scopesOf(cpus)}, setting{"cpus", count})
		list = limitsOf(list, "cpu-power-limit", cpus)
	}
	// Joules by different profiles are not comparable, nor are those by none.
	profiles := distinct(devices, func(d energy.Device) string {
		if d.Calibration == nil {
			return ""
		}
		return d.Calibration.Profile
	})
	if profiles != "" {
		list = append(list, setting{"calibration", profiles})
	}
	return list
}

// modelOf is the model of a device, on one line.
func modelOf(d energy.Device) string {
	return terminal.Text(strings.Join(strings.Fields(d.Name), " "))
}

// scopesOf says what of processors is measured: "package+dram".
func scopesOf(cpus []energy.Device) string {
	var list []string
	for _, k := range energy.KindsOf(cpus) {
		if k == energy.CPU {
			k = "package"
		}
		list = append(list, string(k))
	}
	return strings.Join(list, "+")
}

// limitsOf adds the power limits of devices to settings, if they are known.
func limitsOf(list []setting, key string, devices []energy.Device) []setting {
	limits := distinct(devices, func(d energy.Device) string {
		if d.PowerLimit <= 0 {
			return ""
		}
		return fmt.Sprintf("%gW", d.PowerLimit)
	})
	if limits == "" {
		return list
	}
	return append(list, setting{key, limits})
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
