package annotate

import (
	"errors"
	"fmt"
	"io"
	"math"
	"os/exec"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/joulebench/joulebench/internal/terminal"
	"github.com/joulebench/joulebench/internal/web"
	"github.com/joulebench/joulebench/powertest"
	"github.com/joulebench/joulebench/powertest/energy"
)

// What is measured alone is a command, or a window of the past, with no result of a load
// harness to join the energy to.

// maxCommand is how much of a command is shown, in characters.
const maxCommand = 200

// address is an address within a word of a command, with what is before it: -url=http://host.
var address = regexp.MustCompile(`\S*://\S*`)

// commandLine is the command as one would type it, without what its addresses may have of
// passwords: logs of CI are read by many. cut says that not all is shown.
func (o Options) commandLine() (line string, cut bool) {
	words, hides := make([]string, len(o.Command)), false
	for i, word := range o.Command {
		shown := address.ReplaceAllStringFunc(word, web.RedactSource)
		hides = hides || shown != word
		words[i] = quoted(shown)
	}
	text := []rune(strings.Join(words, " "))
	if cut = len(text) > maxCommand; cut {
		text = append(text[:maxCommand:maxCommand], '…')
	}
	return terminal.Line(string(text)), cut || hides
}

// plainWord are words that mean themselves in a shell.
var plainWord = regexp.MustCompile(`^[A-Za-z0-9_@%+=:,./-]+$`)

// quoted is a word as a shell reads it.
func quoted(word string) string {
	if plainWord.MatchString(word) {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}

// writeAlone writes what was measured, its energy, and what that costs, if cost is not nil.
func (r Result) writeAlone(w *tabwriter.Writer, cost *powertest.Cost) {
	if o := r.options; len(o.Command) > 0 {
		line, _ := o.commandLine()
		fmt.Fprintf(w, "command\t%s", line)
		var exit *exec.ExitError
		if errors.As(r.CommandErr, &exit) {
			fmt.Fprintf(w, " (%v)", exit)
		}
		fmt.Fprintln(w)
	}
	b := r.Workload
	fmt.Fprintf(w, "window\t%v from %s\n", short(b.End.Sub(b.Start)), b.Start.UTC().Format("2006-01-02T15:04:05.000Z07:00"))
	r.writeServer(w)
	r.writeOrigin(w)
	m := r.Measurement
	name := ""
	if len(m.Kinds) > 0 {
		name = string(m.Kind.OrGPU()) + " "
	}
	writeSum(w, name, m.Energy, m.Watts, r.Valid() && m.Valid)
	for _, k := range m.Kinds {
		writeSum(w, string(k.Kind)+" ", k.Energy, k.Watts, k.Valid)
	}
	writeCost(w, cost)
	w.Flush()
}

// writeSum writes the energy of some devices, and their power.
func writeSum(w io.Writer, of string, e energy.Estimate, watts float64, valid bool) {
	if !valid {
		fmt.Fprintf(w, "%senergy\twithheld\n", of)
		return
	}
	fmt.Fprintf(w, "%senergy\t%s\n", of, inJoules(e))
	fmt.Fprintf(w, "%spower\t%s W\n", of, digits(watts))
}

// short is a length of time without more digits than anybody reads.
func short(d time.Duration) time.Duration {
	if d < time.Second {
		return d.Round(time.Microsecond)
	}
	return d.Round(time.Millisecond)
}

// writeDevices writes a table of the devices, and which have no number.
func (r Result) writeDevices(out io.Writer) {
	all := r.Measurement.AllDevices()
	if !slices.ContainsFunc(all, func(d energy.DeviceMeasurement) bool { return d.Valid }) {
		return // why is below
	}
	fmt.Fprintln(out)
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "device\tenergy\t±\tpower\n")
	for _, d := range all {
		if !d.Valid {
			fmt.Fprintf(w, "%s\twithheld\t\t\n", nameOf(d.Device))
			continue
		}
		fmt.Fprintf(w, "%s\t%s J\t%.2g %%\t%s W\n", nameOf(d.Device), digits(d.Energy.Joules), d.Energy.ErrPercent(), digits(d.Watts))
	}
	w.Flush()
	for _, l := range r.Measurement.LeftOut {
		fmt.Fprintf(out, "not measured: %v\n", l)
	}
	fmt.Fprintln(out)
}

// nameOf names a device with its model: "node-1 GPU 0, NVIDIA H200".
func nameOf(d energy.Device) string {
	name := d.Title()
	if d.Name != "" {
		name += ", " + d.Name
	}
	if d.Role != "" {
		name += ", " + d.Role
	}
	return terminal.Line(name)
}

// causes are the findings for people. That there is no total says nothing more where it is
// said why, but to who compares results.
func (r Result) causes() []energy.Cause {
	found := slices.Clone(r.Findings)
	if reasons := r.Reasons(); r.options.alone() && len(reasons) > 0 && !slices.Contains(reasons, energy.PartialCohort) {
		found = slices.DeleteFunc(found, func(f energy.Finding) bool { return f.Reason == energy.PartialCohort })
	}
	return energy.Causes(found)
}

// ofShortness are the reasons that a command has which ends too soon.
var ofShortness = []energy.Reason{energy.WindowTooShort, energy.NoInWindowSamples, energy.InsufficientPowerSamples}

// tooShort reports whether a command ended before its energy could be seen.
func (r Result) tooShort() bool {
	return r.options.alone() && len(r.options.Command) > 0 && !r.Valid() &&
		slices.ContainsFunc(r.Findings, func(f energy.Finding) bool { return slices.Contains(ofShortness, f.Reason) })
}

// enoughPeriods are how many refresh periods are measured well.
const enoughPeriods = 20

// longer is what to run instead of a command that ended too soon.
func (r Result) longer() string {
	period := time.Duration(0)
	for _, d := range r.Measurement.AllDevices() {
		period = max(period, d.Period, r.Measurement.Source.PeriodOf(d.Device))
	}
	length := max((enoughPeriods * period).Round(time.Second/2), time.Second)
	took := max(r.Workload.End.Sub(r.Workload.Start), time.Millisecond)
	times := max(int(math.Ceil(float64(length)/float64(took))), 2)
	step := max(int(math.Pow10(int(math.Log10(float64(times)))-1)), 1)
	times = (times + step - 1) / step * step // a number as people write it
	advice := fmt.Sprintf("run the command %d times in one window", times)
	line, cut := r.options.commandLine()
	switch {
	case runtime.GOOS == "windows":
		return "  " + advice + ", from a script"
	case cut:
		line = "COMMAND ARGS"
	}
	return fmt.Sprintf("  %s:\n  -- sh -c 'for i in $(seq %d); do \"$@\"; done' sh %s", advice, times, line)
}
