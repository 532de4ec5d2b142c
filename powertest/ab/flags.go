package ab

import (
	"errors"
	"flag"
	"fmt"
	"slices"

	"github.com/joulebench/joulebench/internal/command"
	"github.com/joulebench/joulebench/powertest/gate"
)

// Flags are the flags of "powertest ab": those of a session, and those of the gate that
// judges it. Register them, parse the arguments, and then:
//
//	session, err := flags.Session(args, flagSet.Args(), given)
//	session.Gate, err = flags.Config()
//	result, err := session.Run(ctx)
//	os.Exit(flags.Publish(result.Report, os.Stdout, os.Stderr))
type Flags struct {
	gate.Flags
	session Session
	until   string
}

// untilResolved is the only value of -until.
const untilResolved = "inconclusive-resolved"

// Register defines the flags in a set, whose name is that of the subcommand.
func (a *Flags) Register(f *flag.FlagSet) {
	a.Flags.Register(f)
	s := &a.session
	f.StringVar(&s.Base, "base", "", "`revision` that is compared with: a branch, a tag, a commit; by default where HEAD left origin/HEAD, or else main or master")
	f.StringVar(&s.BaseBinary, "base-bin", "", "test binary `file` to compare with, such as go test -c makes, instead of a revision")
	f.StringVar(&s.HeadBinary, "head-bin", "", "test binary `file` that is judged, with -base-bin")
	f.StringVar(&s.Bench, "bench", DefaultBench, "which benchmarks are run, as a `regexp` of go test -bench")
	f.StringVar(&s.Benchtime, "benchtime", "", "how long each is run: a `duration` or count, as of go test -benchtime")
	f.StringVar(&s.CPU, "cpu", "", "`list` of GOMAXPROCS values, as of go test -cpu")
	f.IntVar(&s.Count, "count", DefaultCount, "`number` of samples of each side")
	command.OneOf(f, &a.until, "until", "", "take as many samples again, and again, while the verdict is open, up to -max-count; -alpha holds for all looks together", untilResolved)
	f.IntVar(&s.MaxCount, "max-count", 30, "greatest `number` of samples of each side, with -until")
	f.StringVar(&s.Dir, "o", ".", "`directory` for base.txt, head.txt, and ab.json, which says what they are samples of")
	f.BoolVar(&s.Resume, "resume", false, "go on with the samples that are there; all other flags must be as they were")
	f.BoolVar(&s.Overwrite, "overwrite", false, "begin anew if there are samples")
	f.DurationVar(&s.Cooldown, "cooldown", DefaultCooldown, "longest `time` to wait before a sample until the GPUs are at the temperature, or the power, of the start; 0: none")
	f.StringVar(&s.Source, "source", "", "the `source` that reports the temperature or the power, spelled as in POWERTEST_SOURCE; by default what that names")
	f.Uint64Var(&s.Seed, "seed", 1, "`number` that the random part of a refresh period before each sample follows from")
}

// Session returns what is to be compared. args are all arguments, rest those after the
// flags, and given the names of the flags that were given. The error says which of them
// contradict one another, and what to give.
func (a *Flags) Session(args, rest []string, given map[string]bool) (Session, error) {
	s := a.session
	s.Packages, s.Args = cutArgs(args, rest)
	switch {
	case given["base"] && s.Base == "":
		return s, errors.New("-base is empty: give a revision, or leave it out")
	case s.Bench == "":
		return s, errors.New("-bench is empty: give a regular expression; . is all benchmarks")
	case s.Count < 1:
		return s, fmt.Errorf("-count=%d: it must be at least 1", s.Count)
	case s.MaxCount < 1:
		return s, fmt.Errorf("-max-count=%d: it must be at least 1", s.MaxCount)
	case a.until == "" && given["max-count"]:
		return s, errors.New("-max-count needs -until " + untilResolved)
	case a.until == "":
		s.MaxCount = 0
	}
	return s, a.Check(s.Files()...)
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
