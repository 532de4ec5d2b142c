package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"syscall"

	"github.com/joulebench/joulebench/internal/terminal"
	"github.com/joulebench/joulebench/powertest/ab"
	"github.com/joulebench/joulebench/powertest/gate"
)

const abUsage = `Usage:
  powertest ab [-base REVISION] -bench REGEXP [FLAGS] [PACKAGES] [-- ARGS]
  powertest ab -base-bin FILE -head-bin FILE -bench REGEXP [FLAGS] [DIRECTORY] [-- ARGS]

Ab compares the work tree, as it is, with another revision of it. It builds the
test binaries of both, the base in a temporary worktree, and runs them in turn,
one sample at a time: base head, head base, base head ... The samples are written
to base.txt and head.txt, and are judged as powertest gate does. ARGS are passed on
to the binaries, for instance -test.benchmem.

It exits with 0 if there is no regression, with 1 if there is one, and with 2 if it
can't judge: wrong arguments, a revision that does not build, a benchmark that
fails, too few samples, an interrupt. Samples that are complete are kept, and
-resume goes on.

`

// untilResolved is the only value of -until.
const untilResolved = "inconclusive-resolved"

// abCommand is the subcommand ab.
func abCommand(ctx context.Context, args []string, std stdio) int {
	ctx, stop := withoutTerminal(ctx)
	defer stop()
	var g gate.Flags
	s := ab.Session{Progress: std.err}
	f := flag.NewFlagSet("ab", flag.ContinueOnError)
	g.Register(f)
	until := defineAB(f, &s)
	if code, ok := parseFlags(f, abUsage, args, std); !ok {
		return code
	}
	s.Packages, s.Args = cutArgs(args, f.Args())
	if err := checkAB(f, &s, &g, *until); err != nil {
		g.PrintError(std.err, err)
		return exitUsage
	}
	var err error
	if s.Gate, err = g.Config(); err != nil {
		return g.Publish(g.Unjudged(err), std.out, std.err)
	}
	if err := s.Check(); err != nil {
		g.PrintError(std.err, err)
		return exitUsage
	}
	result, err := s.Run(ctx)
	if err == nil {
		return g.Publish(result.Report, std.out, std.err)
	}
	if ctx.Err() != nil {
		err = errInterrupted
	}
	// Also where there is no verdict, no file of an earlier one is left. The verdict names
	// the cause, and the standard error has what there is to say of it.
	report, advice := unjudged(err)
	report.Alpha = s.Gate.Alpha
	code := g.Publish(report, std.out, std.err)
	if advice != "" {
		fmt.Fprintln(std.err, terminal.Text(advice))
	}
	if l := result.Ledger; l != nil && l.Samples() > 0 {
		fmt.Fprintf(std.err, "%d complete samples are in %s and %s; the same command with -resume goes on with them\n", l.Samples(), l.Path(ab.Base), l.Path(ab.Head))
	}
	return code
}

// defineAB defines the flags of a session, but for those of the gate.
func defineAB(f *flag.FlagSet, s *ab.Session) (until *string) {
	f.StringVar(&s.Base, "base", "", "`revision` that is compared with: a branch, a tag, a commit; by default where HEAD left origin/HEAD, or else main or master")
	f.StringVar(&s.BaseBinary, "base-bin", "", "test binary `file` to compare with, such as go test -c makes, instead of a revision")
	f.StringVar(&s.HeadBinary, "head-bin", "", "test binary `file` that is judged, with -base-bin")
	f.StringVar(&s.Bench, "bench", ab.DefaultBench, "which benchmarks are run, as a `regexp` of go test -bench")
	f.StringVar(&s.Benchtime, "benchtime", "", "how long each is run: a `duration` or count, as of go test -benchtime")
	f.StringVar(&s.CPU, "cpu", "", "`list` of GOMAXPROCS values, as of go test -cpu")
	f.IntVar(&s.Count, "count", ab.DefaultCount, "`number` of samples of each side")
	until = f.String("until", "", "a `rule`: "+untilResolved+" takes as many samples again, and again, while the verdict is open, up to -max-count; -alpha holds for all looks together")
	f.IntVar(&s.MaxCount, "max-count", 30, "greatest `number` of samples of each side, with -until")
	f.StringVar(&s.Dir, "o", ".", "`directory` for base.txt, head.txt, and ab.json, which says what they are samples of")
	f.BoolVar(&s.Resume, "resume", false, "go on with the samples that are there; all other flags must be as they were")
	f.BoolVar(&s.Overwrite, "overwrite", false, "begin anew if there are samples")
	f.DurationVar(&s.Cooldown, "cooldown", ab.DefaultCooldown, "longest `time` to wait before a sample until the GPUs are at the temperature, or the power, of the start; 0: none")
	f.StringVar(&s.Source, "source", "", "the `source` that reports the temperature or the power, spelled as in POWERTEST_SOURCE; by default what that names")
	f.Uint64Var(&s.Seed, "seed", 1, "`number` that the random part of a refresh period before each sample follows from")
	return until
}

// checkAB checks what a session cannot know: which flags were given.
func checkAB(f *flag.FlagSet, s *ab.Session, g *gate.Flags, until string) error {
	set := given(f)
	switch {
	case set["base"] && s.Base == "":
		return errors.New("-base is empty: give a revision, or leave it out")
	case s.Bench == "":
		return errors.New("-bench is empty: give a regular expression; . is all benchmarks")
	case s.Count < 1:
		return fmt.Errorf("-count=%d: it must be at least 1", s.Count)
	case s.MaxCount < 1:
		return fmt.Errorf("-max-count=%d: it must be at least 1", s.MaxCount)
	case until != "" && until != untilResolved:
		return fmt.Errorf("-until=%s: it is %s", until, untilResolved)
	case until == "" && set["max-count"]:
		return errors.New("-max-count needs -until " + untilResolved)
	case until == "":
		s.MaxCount = 0
	}
	return g.Check(s.Files()...)
}

// cutArgs divides the arguments after the flags at "--", which the flag package
// leaves out if it comes first.
func cutArgs(args, rest []string) (patterns, extra []string) {
	if i := slices.Index(rest, "--"); i >= 0 {
		return rest[:i], rest[i+1:]
	}
	if n := len(args) - len(rest); n > 0 && args[n-1] == "--" {
		return nil, rest
	}
	return rest, nil
}

// withoutTerminal makes ctx end as well when the terminal is gone, unless nohup says
// that it may be. Writing the progress to a pipe that is closed must not end the
// process, which would leave the worktree behind.
func withoutTerminal(ctx context.Context) (context.Context, func()) {
	pipe := make(chan os.Signal, 1)
	signal.Notify(pipe, syscall.SIGPIPE)
	stop := func() {}
	if !signal.Ignored(syscall.SIGHUP) {
		ctx, stop = interruptible(ctx, syscall.SIGHUP)
	}
	return ctx, func() {
		stop()
		signal.Stop(pipe)
	}
}
