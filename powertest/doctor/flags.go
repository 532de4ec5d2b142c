package doctor

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/joulebench/joulebench/internal/atomicfile"
	"github.com/joulebench/joulebench/internal/auto"
	"github.com/joulebench/joulebench/internal/buildversion"
	"github.com/joulebench/joulebench/internal/known"
	"github.com/joulebench/joulebench/internal/smilog"
	"github.com/joulebench/joulebench/internal/web"
	"github.com/joulebench/joulebench/powertest/energy"
	"github.com/joulebench/joulebench/powertest/profile"
)

// Flags are the flags of "powertest doctor": which source is examined, how, and where the
// report goes. Register them, parse the arguments, and then:
//
//	err := flags.Check(flagSet.Args(), given)
//	source, err := flags.Open(ctx)
//	report, err := flags.Examine(ctx, source, err)
//	err = flags.Write(report, os.Stdout)
type Flags struct {
	options         Options
	source, devices string // as they were given
	arg             string // of the source, after its name
	given           bool   // the source is that of -source, not of POWERTEST_SOURCE
	selectors       []string
	json            bool
	profile         string // the file to be written
	besides         string // a file that the command writes as well
	log             smilog.Flags
}

// Register defines the flags in a set.
func (d *Flags) Register(f *flag.FlagSet) {
	o := &d.options
	f.StringVar(&d.source, "source", "", "the `source`, spelled as in POWERTEST_SOURCE; by default what that says, or else auto")
	f.StringVar(&d.log.File, "log", "", "a `file` that nvidia-smi or amd-smi logs the power to, instead of -source")
	f.IntVar(&d.log.GPUs, "gpus", 0, "how many GPUs a log is of that names none: the `number` of its rows that have one time stamp")
	d.log.Register(f)
	f.StringVar(&d.devices, "devices", "", "which GPUs, as in POWERTEST_DEVICES: a `list` of indices, ranges such as 0-3, UUIDs or hosts; by default what that says, or else all")
	f.DurationVar(&o.Watch, "for", 0, "how long to watch, a `time` such as 5s; by default until the counters have ticked 25 times, from 5s to 2m")
	f.StringVar(&o.Load, "load", "", "a `command` for the shell that uses the GPUs until it is stopped: it is run for up to a minute, and stopped and continued meanwhile, to see what the counter makes of it; it writes to the standard error")
	f.StringVar(&d.profile, "profile", "", "`file` for what was measured of the GPUs, for POWERTEST_PROFILE")
	f.StringVar(&o.Meter, "meter", "", "`file` in which an external meter has written, or writes, times with watts or with joules that add up; of one GPU")
	f.BoolVar(&d.json, "json", false, "write JSON")
}

// AlsoWrites says that the command writes a file besides those of these flags, or none if it
// is empty.
func (d *Flags) AlsoWrites(path string) { d.besides = path }

// Check checks the flags, and reads what they leave open from the environment. rest are the
// arguments after the flags, and given the names of the flags that were given. The error
// says which of them contradict one another, and what to give.
func (d *Flags) Check(rest []string, given map[string]bool) error {
	if err := d.checkLog(given); err != nil {
		return err
	}
	switch {
	case given["log"]:
		d.given, d.source = true, "smi="+d.log.Argument()
	case given["source"]:
		d.given = true
	default:
		d.source = os.Getenv("POWERTEST_SOURCE")
	}
	if !given["devices"] {
		d.devices = os.Getenv("POWERTEST_DEVICES")
	}
	o := &d.options
	o.Name, d.arg, _ = energy.CutSource(cmp.Or(d.source, auto.Name))
	switch {
	case len(rest) > 0:
		return fmt.Errorf("%q is not a flag\na command that uses the GPUs is one argument, -load 'COMMAND ARGS'", rest[0])
	case given["for"] && o.Watch <= 0:
		return fmt.Errorf("-for=%v: it must be more than 0, such as 5s", o.Watch)
	case !known.IsName(o.Name):
		return fmt.Errorf("%s: no name stands before the equals sign\nname a source, such as %s", d.setting(d.source), d.setting("smi=FILE"))
	}
	var err error
	if d.selectors, err = energy.Selectors(d.devices); err != nil {
		return fmt.Errorf("-devices=%s is %w", d.devices, err)
	}
	return d.checkProfile()
}

// checkLog checks the flags that are about a log.
func (d *Flags) checkLog(given map[string]bool) error {
	switch {
	case given["log"] && given["source"]:
		return errors.New("-log and -source: the energy comes from one of them")
	case given["gpus"] && !given["log"]:
		return errors.New("-gpus is about a log: the other sources name their GPUs")
	case given["gpus"] && d.log.GPUs <= 0:
		return fmt.Errorf("-gpus=%d: it must be more than 0", d.log.GPUs)
	}
	return d.log.Check(given, given["log"])
}

// checkProfile checks the file that is to be written, and says which one is used.
func (d *Flags) checkProfile() error {
	log, _, _ := strings.Cut(d.arg, "?")
	if same := atomicfile.Twice([]string{d.options.Meter, log, d.profile, d.besides}, 2); same != "" {
		return fmt.Errorf("%s would be read and overwritten, or written twice\ngive another file", same)
	}
	if d.options.Profile = os.Getenv("POWERTEST_PROFILE"); d.profile != "" {
		d.options.Profile = profile.Off // to make one anew the old one is of no use
	}
	return nil
}

// names are the names of the source, or of several.
func (d *Flags) names() string {
	var list []string
	for _, source := range energy.SplitSource(d.options.Name + "=" + d.arg) {
		name, _, _ := energy.CutSource(source)
		list = append(list, name)
	}
	return strings.Join(list, "+")
}

// setting is how a source is chosen here: by the flag, or by the environment.
func (d *Flags) setting(source string) string {
	source = web.RedactSource(source)
	switch {
	case d.log.File != "":
		return "-log " + d.log.File
	case d.given:
		return "-source " + source
	}
	return "POWERTEST_SOURCE=" + source
}

// Open opens the source. The error wraps [ErrOff] if measuring is switched off.
func (d *Flags) Open(ctx context.Context) (energy.Source, error) {
	switch {
	case d.options.Name != known.Off:
		return energy.OpenContext(ctx, d.options.Name, d.arg, d.selectors)
	case d.given:
		return nil, fmt.Errorf("%w by -source off\nname a source, or leave the flag out", ErrOff)
	}
	return nil, fmt.Errorf("%w by POWERTEST_SOURCE=off\nname a source, or unset it", ErrOff)
}

// Examine examines what was opened, and closes it, or reports why it was not. A load writes
// to output. The error is of what was asked for, rather than of what was found.
func (d *Flags) Examine(ctx context.Context, src energy.Source, opened error, output io.Writer) (Report, error) {
	unknown := errors.Is(opened, energy.ErrUnknownSource)
	if unknown || errors.Is(opened, energy.ErrMalformed) || opened != nil && d.options.Name == "sim" {
		if unknown {
			opened = fmt.Errorf("%w; and off, which measures nothing", opened)
		}
		return Report{}, fmt.Errorf("%s: %w", d.setting(d.options.Name), opened)
	}
	var r Report
	err := opened
	if err == nil {
		defer src.Close()
		d.options.Output = output
		r, err = Examine(ctx, src, d.options)
	}
	if errors.Is(err, energy.ErrMalformed) {
		return Report{}, err
	}
	if err != nil {
		r = Unavailable(err)
	}
	r.Sources, r.Version = Survey(d.names(), src, err), buildversion.Main()
	return r, nil
}

// Write writes the report, and the profile if there is to be one.
func (d *Flags) Write(r Report, out io.Writer) (err error) {
	if d.json {
		e := json.NewEncoder(out)
		e.SetIndent("", "  ")
		err = e.Encode(r)
	} else {
		err = r.WriteText(out)
	}
	if err != nil {
		return fmt.Errorf("write the result: %w", err)
	}
	if d.profile != "" {
		if err := r.Profile().WriteFile(d.profile); err != nil {
			return fmt.Errorf("-profile: %w", err)
		}
	}
	if r.Meter != nil && r.Meter.Comparison == nil {
		return fmt.Errorf("-meter: gain and offset were not measured: %s", r.Meter.Reason)
	}
	return nil
}

// Answered reports whether the report has what was asked for: that joules can be measured,
// or a profile of a log.
func (d *Flags) Answered(r Report) bool {
	profiled := d.profile != "" && r.Watch != nil && r.Watch.Past
	return r.Measurable || profiled
}
