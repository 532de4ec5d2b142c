package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/joulebench/joulebench/powertest/energy"
	"github.com/joulebench/joulebench/smisource"
)

// An annotation is one run of annotate.
type annotation struct {
	*annotateOptions
	std stdio
	// exec runs the command; tests replace it.
	exec runner

	// src is the source, nil while it is not open, and recording what is recorded
	// of it if it does not know the past.
	src       energy.Source
	recording *recording
	// failed is why the source could not be opened.
	failed error
	// commandErr is how the command failed, and step a finding if the clock was set
	// while it ran.
	commandErr error
	step       []energy.Finding

	workload *workload // nil if there is no window
	// found are the findings about the result and the files; those about the
	// telemetry are its own.
	found     []energy.Finding
	telemetry telemetry
	metrics   []powerMetric
}

// annotate is the subcommand.
func annotate(ctx context.Context, args []string, std stdio) int {
	o, err := parseAnnotate(args, std)
	if err != nil {
		return exitOf(err)
	}
	a := &annotation{annotateOptions: o, std: std, exec: runCommand}
	code := a.run(ctx)
	if a.src != nil {
		_ = a.src.Close()
	}
	return code
}

// run measures, writes, and tells.
func (a *annotation) run(ctx context.Context) int {
	if err := a.prepare(); err != nil {
		return a.misused(err)
	}
	fresh := true
	if len(a.command) > 0 {
		before, began := stateOf(a.result()), time.Now()
		if a.commandErr = a.exec(ctx, a.command, a.std); a.commandErr != nil {
			a.complain(a.commandErr)
		}
		fresh = before.written(a.result())
		a.step = clockStep(time.Now().Round(0).Sub(began.Round(0)), time.Since(began))
	}
	a.read(fresh)
	if err := a.measure(ctx); err != nil {
		return a.misused(err)
	}
	a.judge()
	return a.publish()
}

// misused tells an error of the arguments that shows only when they are used.
func (a *annotation) misused(err error) int {
	a.complain(err)
	return exitUsage
}

func (a *annotation) complain(err error) {
	fmt.Fprintf(a.std.err, "powertest annotate: %v\n", err)
}

// prepare opens the source and begins to record it, before a command runs. A log
// and a trace are opened afterwards: the command may be what writes them. The
// error says that the arguments are wrong; if the source cannot be opened the
// benchmark is run all the same.
func (a *annotation) prepare() error {
	if a.log != "" || a.trace != "" {
		return nil
	}
	src, err := a.openSource()
	if err != nil {
		a.failed = err
		if a.mischosen(err) {
			return err
		}
		return misuse(err)
	}
	a.src = src
	if err := a.roles.check(src.Devices()); err != nil {
		return err
	}
	if _, ok := src.(energy.HistorySource); ok {
		return nil
	}
	if len(a.command) == 0 {
		return fmt.Errorf("%s tells what the energy is now, not what it was: give the benchmark's command after --, and it is measured while it runs; -log, -prometheus and -trace know the past", a.where(src))
	}
	a.recording = record(src)
	return nil
}

// misuse returns the error if it is about what was asked for, rather than about
// what was found.
func misuse(err error) error {
	if errors.Is(err, energy.ErrMalformed) || errors.Is(err, energy.ErrUnknownSource) {
		return err
	}
	return nil
}

// mischosen reports whether a source could not be opened because of what -devices
// chooses: without it there are GPUs.
func (a *annotation) mischosen(err error) bool {
	if a.devices == "" || !errors.Is(err, energy.ErrNoDevice) {
		return false
	}
	all := *a.annotateOptions
	all.devices = ""
	src, err := all.openSource()
	if err != nil {
		return false
	}
	defer src.Close()
	return len(src.Devices()) > 0
}

// misuseOfFile returns an error of opening a log or a trace if it is not one of
// its contents.
func (a *annotation) misuseOfFile(err error) error {
	if _, ok := errors.AsType[*smisource.Error](err); ok || a.trace != "" {
		return nil
	}
	return misuse(err)
}

// read reads the result of the benchmark. A result that the command has not
// written is that of another run.
func (a *annotation) read(fresh bool) {
	if a.aiperf != "" {
		a.workload, a.found = readProfile(a.aiperf, a.loc)
	} else {
		a.workload, a.found = readBenchmark(a.bench)
	}
	if !fresh && a.workload != nil {
		a.workload = nil
		a.found = []energy.Finding{{Reason: invalidBenchmarkResult, Detail: a.result() + " was there before the command began, which has not written it: it tells of another run"}}
	}
}

// measure measures the window, if there is one. The error says that the arguments
// are wrong.
func (a *annotation) measure(ctx context.Context) error {
	switch {
	case a.failed != nil:
		a.telemetry = a.unopened(a.failed)
		return nil
	case a.workload == nil:
		a.telemetry = telemetry{where: a.asked()}
		if a.recording != nil {
			a.recording.window.Cancel()
		}
		return nil
	case a.recording != nil:
		a.telemetry = a.recording.measure(ctx, a.annotateOptions, a.workload.span())
		return a.roles.assign(&a.telemetry.measurement)
	case a.src == nil:
		src, err := a.openSource()
		if err != nil {
			a.telemetry = a.unopened(err)
			if a.mischosen(err) {
				return err
			}
			return a.misuseOfFile(err)
		}
		a.src = src
	}
	a.telemetry = a.past(ctx, a.src.(energy.HistorySource), a.workload.span())
	return a.roles.assign(&a.telemetry.measurement)
}

// judge decides whether the numbers can be published, and computes them.
func (a *annotation) judge() {
	if a.workload != nil {
		a.expect(&a.telemetry)
		a.found = append(a.found, a.step...)
	}
	if info := a.telemetry.measurement.Source; info.Simulated {
		a.found = append(a.found, energy.Finding{Reason: simulatedSource, Detail: "the joules of " + info.Name + " are simulated, and an aggregate has no way to say so"})
	}
	reasons, _ := verdict(a.allFindings())
	if len(reasons) > 0 {
		return
	}
	metrics := powerMetrics(a.workload, a.telemetry)
	if f := checkMetrics(metrics); f != nil {
		a.found = append(a.found, *f)
		return
	}
	a.metrics = metrics
}

// allFindings are all findings so far: about the result, the telemetry and the
// files.
func (a *annotation) allFindings() []energy.Finding {
	return append(a.found[:len(a.found):len(a.found)], a.telemetry.findings()...)
}

// publish writes the files and tells, and returns the exit code.
func (a *annotation) publish() int {
	if a.agg != "" {
		if f := annotateAggregate(a.agg, a.metrics); f != nil {
			a.found, a.metrics = append(a.found, *f), nil
		}
	}
	failed := a.commandErr != nil
	if err := a.writeSidecar(); err != nil {
		a.complain(err)
		failed = failed || a.require
	}
	table := a.std.out
	if a.benchfmt != "" {
		if err := a.writeBenchfmt(); err != nil {
			a.complain(err)
			failed = true
		}
		if a.benchfmt == "-" {
			table = io.Discard
		}
	}
	a.writeTable(table)
	if reasons, _ := verdict(a.allFindings()); len(reasons) > 0 {
		a.complain(fmt.Errorf("the power is not valid: %s (see %s)", joinReasons(reasons), a.sidecarPath()))
		failed = failed || a.require
	}
	if failed {
		return exitFailed
	}
	return exitOK
}
