package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/joulebench/joulebench/powertest/ab"
	"github.com/joulebench/joulebench/powertest/gate"
)

// abCommand is the subcommand ab.
func abCommand(ctx context.Context, args []string, std stdio) int {
	ctx, stop := alone(ctx)
	defer stop()
	o, err := parseAB(args, std)
	if err != nil {
		return exitOf(err)
	}
	p := newProgress(std.err)
	led, err := o.compare(ctx, p)
	p.close()
	if err != nil {
		if ctx.Err() != nil {
			err = errors.New("interrupted")
		}
		o.complain(std.err, err)
		o.tellResume(p, led)
		// Also where there is no verdict, no file of an earlier one is left.
		why, _, _ := strings.Cut(err.Error(), "\n")
		return o.publish(&gate.Report{Outcome: gate.CannotJudge, Reasons: []string{why}, Alpha: o.alpha}, std.out, std.err)
	}
	return o.judge(std.out, std.err, o.side(led, ab.Base), o.side(led, ab.Head))
}

// alone makes ctx end as well when the terminal is gone, unless nohup says that it
// may be. Who reads the progress may go at any time: nothing would be removed if
// writing it ended the process.
func alone(ctx context.Context) (context.Context, func()) {
	pipe := make(chan os.Signal, 1)
	signal.Notify(pipe, syscall.SIGPIPE)
	if signal.Ignored(syscall.SIGHUP) {
		return ctx, func() { signal.Stop(pipe) }
	}
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGHUP)
	return ctx, func() {
		stop()
		signal.Stop(pipe)
	}
}

// tellResume says what became of the samples of a run that has not come to its end.
func (o *abOptions) tellResume(p *progress, led *ledger) {
	if led == nil {
		return
	}
	if n := led.samples(); n > 0 {
		p.say("%d complete samples are in %s and %s; the same command with -resume goes on with them", n, led.files[ab.Base].path, led.files[ab.Head].path)
	}
}

// side is a side of the ledger, for the gate.
func (o *abOptions) side(led *ledger, s ab.Side) gate.Side {
	return gate.Side{Label: s.String(), Path: led.files[s].path}
}

// compare takes the samples. When it returns nothing is left but the ledger, which
// is nil if there was none yet.
func (o *abOptions) compare(ctx context.Context, p *progress) (led *ledger, err error) {
	if path, yes := taken(o.dir); yes && !o.resume && !o.overwrite {
		return nil, fmt.Errorf("%s is there already: give -resume to go on with it, -overwrite to begin anew, or another directory with -o", path)
	}
	if err := os.MkdirAll(o.dir, 0o755); err != nil {
		return nil, err
	}
	s, err := o.sides(ctx, p.say)
	if err != nil {
		return nil, err
	}
	defer s.close()
	if base, head := s.versions(ab.Base), s.versions(ab.Head); base != head {
		p.say("the base is built with %s, and the head with %s: the difference is part of what is compared", base, head)
	}
	params := o.parameters()
	maps.Copy(params, s.ids)
	params["go"] = s.versions(ab.Base) + ", " + s.versions(ab.Head)
	if led, err = openLedger(o.dir, params, o.resume); err != nil {
		return nil, err
	}
	c, err := openCooler(ctx, o.source, o.cooldown, o.seed, p.say)
	if err != nil {
		return led, err
	}
	defer c.close()
	run := &session{packages: s.packages, args: o.binaryArgs(), ledger: led, sample: runBinary, rest: c.rest, progress: p, empty: map[string]bool{}, told: map[string]bool{}, lenient: o.missing == "warn"}
	return led, o.look(ctx, run)
}

// sides are what is compared.
func (o *abOptions) sides(ctx context.Context, say func(string, ...any)) (*sides, error) {
	if o.baseBin != "" {
		return o.readyBinaries()
	}
	return o.buildSides(ctx, say)
}

// look takes samples until those of the last look are there, or the verdict at one
// before is not open. Then -alpha is that of the look. Each is at as many samples as
// was planned, also if more are there already, from a run that was interrupted.
func (o *abOptions) look(ctx context.Context, run *session) error {
	for i, look := range o.looks {
		if err := run.take(ctx, look.Count); err != nil {
			return err
		}
		o.alpha = look.Alpha
		if i == len(o.looks)-1 {
			return o.exactly(run.ledger, look.Count)
		}
		c, err := o.config()
		if err != nil {
			return err
		}
		base, head := run.ledger.files[ab.Base].upTo(look.Count), run.ledger.files[ab.Head].upTo(look.Count)
		report, err := gate.JudgeReaders(c, "base", bytes.NewReader(base), "head", bytes.NewReader(head))
		if err != nil || !open(report) {
			return o.exactly(run.ledger, look.Count) // the verdict says which error
		}
		run.progress.say("at %d samples the verdict is open (alpha of this look: %.2g)", look.Count, look.Alpha)
	}
	return nil
}

// errMore says that there are samples which the verdict must not be about.
var errMore = errors.New("there are more samples than the verdict is about")

// exactly returns an error if there are more samples than those of the look that
// decides. An undisturbed run would not have taken them, and chosen afterwards they
// would change the probability of a false alarm.
func (o *abOptions) exactly(led *ledger, count int) error {
	for _, f := range led.files {
		for name, n := range f.counts {
			if n > count {
				return fmt.Errorf("%w: %s has %d of %s, and with these flags the verdict is at %d; resume with the flags of before, or begin anew", errMore, f.path, n, name, count)
			}
		}
	}
	return nil
}

// open reports whether more samples might change a verdict: there is no regression,
// and a benchmark that is inconclusive, or whose median has moved by as much as
// counts, though not significantly. That samples are no longer taken where there is
// nothing to be seen raises no false alarms.
func open(r *gate.Report) bool {
	if r.Outcome == gate.Regression {
		return false
	}
	for _, row := range r.Rows {
		switch row.Verdict {
		case gate.VerdictInconclusive:
			return true
		case gate.VerdictSame:
			if !row.Exact && row.P > 0 && math.Abs(row.Delta) >= row.Threshold && !(math.Abs(row.Delta) <= row.InstrumentError) {
				return true
			}
		}
	}
	return false
}
