package main

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
	"github.com/joulebench/joulebench/internal/web"
	_ "github.com/joulebench/joulebench/nvmlsource" // what this machine has, which doctor tries
	"github.com/joulebench/joulebench/powertest/annotate"
	"github.com/joulebench/joulebench/powertest/doctor"
	"github.com/joulebench/joulebench/powertest/energy"
	"github.com/joulebench/joulebench/powertest/profile"
	_ "github.com/joulebench/joulebench/raplsource"
)

const doctorUsage = `Usage:
  powertest doctor [-source NAME=... | -log FILE] [-devices LIST] [-for TIME] [-load COMMAND] [-json]
                   [-profile FILE] [-meter FILE]

Doctor says what would be measured here, and how well: which sources there are
and why others are not, the GPUs, how often their counters are refreshed, how
long a call takes, what error windows of 0.1, 1 and 10 s have, and which
-benchtime to use. It watches for some seconds, and changes nothing.

With -profile it writes what it has measured of the GPUs, as POWERTEST_PROFILE
takes it: with -load by how much their counters are late and what they miss, and
with -meter their gain and offset against an external meter.

It exits with 0 if joules can be measured, or if a profile of a log was written,
which may have ended long ago; with 1 if not, or if -meter or -profile failed;
and with 2 if the arguments are wrong.

`

// doctorFlags are the flags of doctor.
type doctorFlags struct {
	doctor.Options
	arg     string // of the source, after its name
	given   bool   // the source is that of -source, not of POWERTEST_SOURCE
	devices []string
	json    bool
	profile string // the file to be written
	// log is the log of -log, and how it is read.
	log      annotate.Source
	logFlags logFlags
}

// parseDoctor parses the arguments after "doctor", and reports whether it goes on. If
// not, it has written why, and code is the exit code.
func parseDoctor(args []string, std stdio) (o *doctorFlags, code int, ok bool) {
	o = &doctorFlags{Options: doctor.Options{Output: std.err}}
	f := flag.NewFlagSet("doctor", flag.ContinueOnError)
	source := f.String("source", "", "the `source`, spelled as in POWERTEST_SOURCE; by default what that says, or else auto")
	f.StringVar(&o.log.Log, "log", "", "a `file` that nvidia-smi or amd-smi logs the power to, instead of -source")
	f.IntVar(&o.log.GPUs, "gpus", 0, "how many GPUs a log is of that names none: the `number` of its rows that have one time stamp")
	o.logFlags.define(f, &o.log)
	devices := f.String("devices", "", "which GPUs, as in POWERTEST_DEVICES: a `list` of indices, ranges such as 0-3, UUIDs or hosts; by default what that says, or else all")
	f.DurationVar(&o.Watch, "for", 0, "how long to watch, a `time` such as 5s; by default until the counters have ticked 25 times, from 5s to 2m")
	f.StringVar(&o.Load, "load", "", "a `command` for the shell that uses the GPUs until it is stopped: it is run for up to a minute, and stopped and continued meanwhile, to see what the counter makes of it; it writes to the standard error")
	f.StringVar(&o.profile, "profile", "", "`file` for what was measured of the GPUs, for POWERTEST_PROFILE")
	f.StringVar(&o.Meter, "meter", "", "`file` in which an external meter has written, or writes, times with watts or with joules that add up; of one GPU")
	f.BoolVar(&o.json, "json", false, "write JSON")
	if code, ok := parseFlags(f, doctorUsage, args, std); !ok {
		return nil, code, false
	}
	if err := o.check(f, *source, *devices); err != nil {
		complain(std.err, "doctor", err)
		return nil, exitUsage, false
	}
	return o, exitOK, true
}

func (o *doctorFlags) check(f *flag.FlagSet, source, devices string) error {
	set := given(f)
	zone, err := o.logFlags.check(o.log, set, set["log"])
	switch {
	case err != nil:
		return err
	case set["log"] && set["source"]:
		return errors.New("-log and -source: the energy comes from one of them")
	case set["gpus"] && !set["log"]:
		return errors.New("-gpus is about a log: the other sources name their GPUs")
	case set["gpus"] && o.log.GPUs <= 0:
		return fmt.Errorf("-gpus=%d: it must be more than 0", o.log.GPUs)
	case set["log"]:
		set["source"], source = true, "smi="+o.log.LogArgument(zone)
	}
	if o.given = set["source"]; !o.given {
		source = os.Getenv("POWERTEST_SOURCE")
	}
	if !set["devices"] {
		devices = os.Getenv("POWERTEST_DEVICES")
	}
	o.Name, o.arg, _ = energy.CutSource(cmp.Or(source, auto.Name))
	switch {
	case f.NArg() > 0:
		return fmt.Errorf("%q is not a flag\na command that uses the GPUs is one argument, -load 'COMMAND ARGS'", f.Arg(0))
	case set["for"] && o.Watch <= 0:
		return fmt.Errorf("-for=%v: it must be more than 0, such as 5s", o.Watch)
	case o.Name == "" || !isSourceName(o.Name):
		return fmt.Errorf("%s: no name stands before the equals sign\nname a source, such as %s", o.setting(source), o.setting("smi=FILE"))
	}
	if o.devices, err = energy.Selectors(devices); err != nil {
		return fmt.Errorf("-devices=%s is %w", devices, err)
	}
	return o.checkProfile()
}

// names are the names of the source, or of several.
func (o *doctorFlags) names() string {
	var list []string
	for _, source := range energy.SplitSource(o.Name + "=" + o.arg) {
		name, _, _ := energy.CutSource(source)
		list = append(list, name)
	}
	return strings.Join(list, "+")
}

// checkProfile checks the file that is to be written, and says which one is used.
func (o *doctorFlags) checkProfile() error {
	log, _, _ := strings.Cut(o.arg, "?")
	if same := atomicfile.Twice([]string{o.Meter, log, o.profile}, 2); same != "" {
		return fmt.Errorf("%s would be read and overwritten: give another file for -profile", same)
	}
	if o.Options.Profile = os.Getenv("POWERTEST_PROFILE"); o.profile != "" {
		o.Options.Profile = profile.Off // to make one anew the old one is of no use
	}
	return nil
}

// isSourceName reports whether it can be the name of a source, and is not an address
// that was given without one.
func isSourceName(s string) bool { return !strings.ContainsAny(s, ":/@?#,") }

// setting is how a source is chosen here: by the flag, or by the environment.
func (o *doctorFlags) setting(source string) string {
	source = web.RedactSource(source)
	switch {
	case o.log.Log != "":
		return "-log " + o.log.Log
	case o.given:
		return "-source " + source
	}
	return "POWERTEST_SOURCE=" + source
}

// open opens the source.
func (o *doctorFlags) open(ctx context.Context) (energy.Source, error) {
	switch {
	case o.Name != "off":
		return energy.OpenContext(ctx, o.Name, o.arg, o.devices)
	case o.given:
		return nil, fmt.Errorf("%w by -source off\nname a source, or leave the flag out", doctor.ErrOff)
	}
	return nil, fmt.Errorf("%w by POWERTEST_SOURCE=off\nname a source, or unset it", doctor.ErrOff)
}

// doctorCommand is the subcommand.
func doctorCommand(ctx context.Context, args []string, std stdio) int {
	o, code, ok := parseDoctor(args, std)
	if !ok {
		return code
	}
	src, err := o.open(ctx)
	ended := err == nil || ctx.Err() == nil
	if ended {
		grace := childGrace // what was seen is reported, and a load is ended
		if _, past := src.(energy.HistorySource); past {
			grace = readGrace
		}
		code, ended = promptly(ctx, grace, func() int { return o.examine(ctx, src, err, std) })
	}
	if !ended {
		complain(std.err, "doctor", errInterrupted)
		return exitFailed
	}
	return code
}

// examine examines what was opened, or reports why it was not, and returns the exit code.
func (o *doctorFlags) examine(ctx context.Context, src energy.Source, err error, std stdio) int {
	unknown := errors.Is(err, energy.ErrUnknownSource)
	if unknown || errors.Is(err, energy.ErrMalformed) || err != nil && o.Name == "sim" {
		if unknown {
			err = fmt.Errorf("%w; and off, which measures nothing", err)
		}
		complain(std.err, "doctor", fmt.Errorf("%s: %w", o.setting(o.Name), err))
		return exitUsage
	}
	var r doctor.Report
	if err == nil {
		defer src.Close()
		r, err = doctor.Examine(ctx, src, o.Options)
	}
	if errors.Is(err, energy.ErrMalformed) {
		complain(std.err, "doctor", err)
		return exitUsage
	}
	if err != nil {
		r = doctor.Unavailable(err)
	}
	r.Sources, r.Version = doctor.Survey(o.names(), src, err), buildversion.Main()
	if err := o.write(r, std.out); err != nil {
		complain(std.err, "doctor", err)
		return exitFailed
	}
	if profiled := o.profile != "" && r.Watch != nil && r.Watch.Past; !r.Measurable && !profiled {
		return exitFailed
	}
	return exitOK
}

// write writes the report, and the profile if there is to be one.
func (o *doctorFlags) write(r doctor.Report, out io.Writer) (err error) {
	if o.json {
		e := json.NewEncoder(out)
		e.SetIndent("", "  ")
		err = e.Encode(r)
	} else {
		err = r.WriteText(out)
	}
	if err != nil {
		return fmt.Errorf("write the result: %w", err)
	}
	if o.profile != "" {
		if err := r.Profile().WriteFile(o.profile); err != nil {
			return fmt.Errorf("-profile: %w", err)
		}
	}
	if r.Meter != nil && r.Meter.Comparison == nil {
		return fmt.Errorf("-meter: gain and offset were not measured: %s", r.Meter.Reason)
	}
	return nil
}
