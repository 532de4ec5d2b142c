package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/joulebench/joulebench/nvmlsource"
	"github.com/joulebench/joulebench/powertest/energy"
)

// doctorOptions are the flags of doctor.
type doctorOptions struct {
	// name and arg are the source: what -source or POWERTEST_SOURCE says.
	name, arg string
	devices   []string
	// watch is how long to watch; 0 means until enough was seen.
	watch time.Duration
	// load is a command that uses the GPUs; empty if there is none.
	load string
	json bool
	// flag says that -source was given, and not POWERTEST_SOURCE.
	flag bool
}

const doctorUsage = `Usage:
  powertest doctor [-source NAME=...] [-devices LIST] [-for TIME] [-load COMMAND] [-json]

Doctor says what would be measured here, and how well: which sources there are
and why others are not, the GPUs, how often their counters are refreshed, how
long a call takes, what error windows of 0.1, 1 and 10 s have, and which
-benchtime to use. It watches for some seconds, and changes nothing.

It exits with 0 if joules can be measured, with 1 if not, and with 2 if the
arguments are wrong.

`

// parseDoctor parses the arguments after "doctor". What is wrong with them is told
// on std.err.
func parseDoctor(args []string, std stdio) (*doctorOptions, error) {
	o := &doctorOptions{}
	var source, devices string
	f := flag.NewFlagSet("doctor", flag.ContinueOnError)
	f.SetOutput(std.err)
	f.StringVar(&source, "source", os.Getenv("POWERTEST_SOURCE"), "the `source`, spelled as in POWERTEST_SOURCE; by default what that says, or else nvml")
	f.StringVar(&devices, "devices", os.Getenv("POWERTEST_DEVICES"), "which GPUs, as in POWERTEST_DEVICES: a `list` of indices or UUIDs")
	f.DurationVar(&o.watch, "for", 0, "how long to watch, a `time` such as 5s; by default until the counters have ticked 25 times, from 5s to 2m")
	f.StringVar(&o.load, "load", "", "a `command` for the shell that uses the GPUs until it is stopped: it is run for up to a minute, and stopped and continued meanwhile, to see what the counter makes of it; it writes to the standard error")
	f.BoolVar(&o.json, "json", false, "write JSON")
	f.Usage = func() {
		fmt.Fprint(std.err, doctorUsage)
		f.PrintDefaults()
	}
	if err := f.Parse(args); err != nil {
		return nil, errUsage
	}
	if err := o.check(f, source, devices); err != nil {
		fmt.Fprintf(std.err, "powertest doctor: %v\n", err)
		return nil, errUsage
	}
	return o, nil
}

func (o *doctorOptions) check(f *flag.FlagSet, source, devices string) error {
	given := false
	f.Visit(func(g *flag.Flag) {
		given = given || g.Name == "for"
		o.flag = o.flag || g.Name == "source"
	})
	switch {
	case f.NArg() > 0:
		return fmt.Errorf("%q is not a flag: a command that uses the GPUs is one argument, -load 'COMMAND ARGS'", f.Arg(0))
	case given && o.watch <= 0:
		return fmt.Errorf("-for=%v: it must be more than 0, such as 5s", o.watch)
	}
	o.name, o.arg, _ = strings.Cut(source, "=")
	switch {
	case source == "":
		o.name = "nvml"
	case o.name == "":
		return fmt.Errorf("%s: no name stands before the equals sign: name a source, such as %s", o.setting(source), o.setting("smi=FILE"))
	}
	if devices == "" {
		return nil
	}
	for d := range strings.SplitSeq(devices, ",") {
		if d = strings.TrimSpace(d); d == "" {
			return fmt.Errorf("-devices=%s: an element is empty: write indices or UUIDs between commas, such as 0,1", devices)
		}
		o.devices = append(o.devices, d)
	}
	return nil
}

// setting is how a source is chosen here: by the flag, or by the environment.
func (o *doctorOptions) setting(source string) string {
	if o.flag {
		return "-source " + source
	}
	return "POWERTEST_SOURCE=" + source
}

// A diagnosis is one run of doctor.
type diagnosis struct {
	*doctorOptions
	std stdio
	// start starts the command of -load; tests replace it.
	start starter
	src   energy.Source
	checkup
}

// doctor is the subcommand.
func doctor(ctx context.Context, args []string, std stdio) int {
	o, err := parseDoctor(args, std)
	if err != nil {
		return exitUsage
	}
	d := &diagnosis{doctorOptions: o, std: std, start: startLoad}
	return d.run(ctx)
}

// run finds out and tells. If ctx ends it tells what it has found until then.
func (d *diagnosis) run(ctx context.Context) int {
	d.SchemaVersion, d.Version = 1, version()
	src, err := d.open()
	if err != nil && (misuse(err) != nil || d.name == "sim") {
		if errors.Is(err, energy.ErrUnknownSource) {
			err = fmt.Errorf("%w; and off, which measures nothing", err)
		}
		fmt.Fprintf(d.std.err, "powertest doctor: %s: %v\n", d.setting(d.name), err)
		return exitUsage
	}
	d.Sources = listSources(d.name, src, err)
	if err == nil {
		d.src = src
		defer src.Close()
		d.examine(ctx)
	}
	d.conclude(err)
	if err := d.publish(); err != nil {
		fmt.Fprintf(d.std.err, "powertest doctor: write the result: %v\n", err)
		return exitFailed
	}
	if !d.Measurable {
		return exitFailed
	}
	return exitOK
}

var errOff = errors.New("measuring is switched off")

// open opens the source that was asked for.
func (d *diagnosis) open() (energy.Source, error) {
	if d.name == "off" {
		if d.flag {
			return nil, fmt.Errorf("%w by -source off: name a source, or leave the flag out", errOff)
		}
		return nil, fmt.Errorf("%w by POWERTEST_SOURCE=off: name a source, or unset it", errOff)
	}
	src, err := energy.Open(d.name, d.arg, d.devices)
	if err == nil && len(src.Devices()) == 0 {
		_ = src.Close()
		return nil, fmt.Errorf("source %s: %w: it has none", d.name, energy.ErrNoDevice)
	}
	return src, err
}

// examine watches the source.
func (d *diagnosis) examine(ctx context.Context) {
	d.Simulated = d.src.Info().Simulated
	states := inspect(d.src)
	var w *watch
	if h, ok := d.src.(energy.HistorySource); ok {
		w = lookBack(ctx, h, d.watch)
	} else {
		w = newWatch(d.src)
		w.look(ctx, d.watch)
	}
	d.Watch = w.summary()
	d.Server = serverOf(d.src)
	for i, s := range w.sights {
		var modes nvmlsource.Modes
		if !w.stalled { // a driver that hangs would do so again
			modes = modesOf(d.src, i)
		}
		d.GPUs = append(d.GPUs, describe(w, s, states[i], modes))
	}
	var peak []float64
	if d.load != "" {
		d.Load = d.underLoad(ctx, w)
		peak = d.Load.watts()
	}
	d.Windows, d.Benchtime = expect(w, peak)
}

// inspect asks for the state of the devices, in their order. What is unknown is
// zero.
func inspect(src energy.Source) []energy.State {
	states := make([]energy.State, len(src.Devices()))
	for i := range states {
		states[i].Device = i
	}
	ins, ok := src.(energy.Inspector)
	if !ok {
		return states
	}
	answer := slices.Clone(states)
	done := make(chan struct{})
	go func() { // given up if the driver hangs
		defer close(done)
		ins.Inspect(answer)
	}()
	timer := time.NewTimer(stallTime)
	defer timer.Stop()
	select {
	case <-done:
		return answer
	case <-timer.C:
		return states
	}
}
