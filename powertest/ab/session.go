package ab

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/joulebench/joulebench/internal/progress"
	"github.com/joulebench/joulebench/internal/web"
	"github.com/joulebench/joulebench/powertest/gate"
)

const (
	// DefaultCount and DefaultBench are what a Session does where its fields do not
	// say.
	DefaultCount = 10
	DefaultBench = "."
	// DefaultCooldown is the Cooldown of the command.
	DefaultCooldown = 30 * time.Second
)

// A Session is a comparison of two builds. Its zero value compares the work tree
// around the working directory with the commit where it has left the main branch: all
// benchmarks of the package there, ten samples of each side, without a cool-down,
// judged as the zero [gate.Config] says. Its samples are written to the working
// directory.
//
// Errors name fields by the flags of "powertest ab": Count is -count.
type Session struct {
	// Base is the revision that is compared with; empty: where HEAD has left
	// origin/HEAD, or else main or master. The head is the work tree.
	Base string
	// BaseBinary and HeadBinary are test binaries, as go test -c makes them, which
	// are compared instead of revisions.
	BaseBinary, HeadBinary string
	// Packages are the packages whose benchmarks are run, as patterns of the go
	// command; none: the one of the working directory. For ready binaries it is the
	// directory to run them in.
	Packages []string

	// Bench says which benchmarks are run, Benchtime how long, and CPU with which
	// values of GOMAXPROCS, all as flags of go test; Bench is DefaultBench if empty.
	Bench, Benchtime, CPU string
	// Args are more arguments of the binaries, such as -test.benchmem.
	Args []string
	// Count is the number of samples of each side; 0 is DefaultCount.
	Count int
	// MaxCount, if it is not 0, has samples added while the verdict is undecided, as
	// many again each time, up to so many of each side. See [Looks].
	MaxCount int

	// Dir is the directory for the samples; empty: the working directory.
	Dir string
	// Resume goes on with the samples in Dir, and Overwrite begins anew. Without
	// either, samples that are there already are an error.
	Resume, Overwrite bool

	// Cooldown is the longest time to wait before a sample until the GPUs are at the
	// temperature, or the power, of the start; 0: none.
	Cooldown time.Duration
	// Source is what reports the temperature or the power, spelled as in
	// POWERTEST_SOURCE; empty: what that says.
	Source string
	// Seed decides the random part of a refresh period before each sample.
	Seed uint64

	// Gate says how the samples are judged. Its Missing also decides on a benchmark
	// that the base has and did not run.
	Gate gate.Config
	// Progress is where progress is written; nil: nowhere.
	Progress io.Writer

	sample sampler // nil: runBinary
}

// A Result is what became of a Session.
type Result struct {
	// Report is the verdict; nil after an error.
	Report *gate.Report
	// Ledger has the samples that are complete; nil if it could not be opened.
	Ledger *Ledger
}

// ErrMore says that there are samples which the verdict must not be about.
var ErrMore = errors.New("there are more samples than the verdict is about")

// Check returns an error if the fields contradict each other, or cannot be right.
// Run begins with it.
func (s Session) Check() error {
	ready := s.BaseBinary != ""
	switch {
	case ready != (s.HeadBinary != ""):
		return errors.New("-base-bin and -head-bin belong together\ngive both")
	case ready && s.Base != "":
		return errors.New("-base and -base-bin: the base is one of them")
	case ready && len(s.Packages) > 1:
		return fmt.Errorf("ready binaries are run in one directory, not in %d", len(s.Packages))
	case s.Resume && s.Overwrite:
		return errors.New("-resume goes on with the samples that -overwrite removes: give one of them")
	case s.Cooldown < 0:
		return fmt.Errorf("-cooldown=%v: it must be 0 or more", s.Cooldown)
	}
	for _, p := range s.Packages {
		if strings.HasPrefix(p, "-") {
			return fmt.Errorf("%s is after a package\nflags stand before the packages, and what is for the binaries after --", p)
		}
	}
	if err := checkRun(s.Bench, s.Benchtime, s.CPU); err != nil {
		return err
	}
	if _, err := s.looks(); err != nil {
		return err
	}
	return s.Gate.Check()
}

// checkRun checks what is passed on to the binaries, which would fail with it only
// after they are built.
func checkRun(bench, benchtime, cpu string) error {
	for part := range strings.SplitSeq(bench, "/") {
		if _, err := regexp.Compile(part); err != nil && !strings.ContainsAny(bench, "[(") {
			return fmt.Errorf("-bench %s: %w", bench, err)
		}
	}
	if benchtime != "" {
		times, isCount := strings.CutSuffix(benchtime, "x")
		n, err := strconv.ParseInt(times, 10, 0)
		d, failed := time.ParseDuration(benchtime)
		if isCount && (err != nil || n < 1) || !isCount && (failed != nil || d <= 0) {
			return fmt.Errorf("-benchtime %s is neither a time such as 2s nor a count such as 100x", benchtime)
		}
	}
	for n := range strings.SplitSeq(cpu, ",") {
		if i, err := strconv.Atoi(strings.TrimSpace(n)); cpu != "" && (err != nil || i < 1) {
			return fmt.Errorf("-cpu %s is no list of numbers such as 1,2,4", cpu)
		}
	}
	return nil
}

// looks are when the samples are judged, and at which level.
func (s Session) looks() ([]Look, error) {
	count := s.count()
	most := cmp.Or(s.MaxCount, count)
	looks, err := Looks(cmp.Or(s.Gate.Alpha, gate.DefaultAlpha), count, most)
	if err != nil {
		return nil, fmt.Errorf("-count=%d -max-count=%d: %w", count, most, err)
	}
	return looks, nil
}

func (s Session) count() int    { return cmp.Or(s.Count, DefaultCount) }
func (s Session) bench() string { return cmp.Or(s.Bench, DefaultBench) }

// Files are the paths of the files that Run writes.
func (s Session) Files() []string {
	return []string{samplePath(s.Dir, Base), samplePath(s.Dir, Head), statePath(s.Dir)}
}

// Run takes the samples and judges them. After an error, the result has the samples
// that are complete, with which Resume goes on. Dir is locked meanwhile. When it returns,
// nothing is left but the files in Dir.
//
// Errors are ErrBusy, ErrSame, ErrOther, ErrNoMatch, ErrUnpaired, ErrSample, ErrMore, ErrLooks, those
// of git, of the go command and of files, and that of ctx.
func (s Session) Run(ctx context.Context) (Result, error) {
	if err := s.Check(); err != nil {
		return Result{}, err
	}
	if s.Progress == nil {
		s.Progress = io.Discard
	}
	j := newJournal(s.Progress, progress.Of(ctx))
	defer j.close()
	if err := os.MkdirAll(filepath.Clean(s.Dir), 0o755); err != nil {
		return Result{}, err
	}
	release, err := lockDir(s.Dir, j.say)
	if err != nil {
		return Result{}, err
	}
	defer release()
	if path := taken(s.Dir); path != "" && !s.Resume && !s.Overwrite {
		return Result{}, fmt.Errorf("%s is there already\ngive -resume to go on with it, -overwrite to begin anew, or another directory with -o", path)
	}
	j.line.Step("building the base and the head", 0)
	b, err := s.build(ctx, j.say)
	if err != nil {
		return Result{}, err
	}
	defer b.close()
	base, head := goVersions(b.packages, Base), goVersions(b.packages, Head)
	if base != head {
		j.say("the base is built with %s, and the head with %s: the difference is part of what is compared", base, head)
	}
	params := s.parameters()
	maps.Copy(params, b.ids)
	params["go"] = base + ", " + head
	ledger, err := openLedger(s.Dir, params, s.Resume)
	if err != nil {
		return Result{}, err
	}
	c, err := openCooler(ctx, s.Source, s.Cooldown, s.Seed, j.say)
	if err != nil {
		return Result{Ledger: ledger}, err
	}
	defer c.close()
	t := newTaker(b.packages, ledger, j)
	t.args, t.rest, t.gate, t.lenient = s.binaryArgs(), c.rest, s.Gate, s.Gate.Missing == gate.Warn
	if s.sample != nil {
		t.sample = s.sample
	}
	report, err := s.judge(ctx, t)
	return Result{report, ledger}, err
}

// build makes the binaries.
func (s Session) build(ctx context.Context, report func(string, ...any)) (*builds, error) {
	if s.BaseBinary == "" {
		return buildRevisions(ctx, s.Base, s.Packages, report)
	}
	dir := "."
	if len(s.Packages) == 1 {
		dir = s.Packages[0]
	}
	return readyBinaries([2]string{s.BaseBinary, s.HeadBinary}, dir)
}

// judge takes samples until those of the last look are there, or the verdict at one
// before is decided, and returns that verdict. Each look is at as many samples as was
// planned, also if more are there already, from a run that was interrupted.
func (s Session) judge(ctx context.Context, t *taker) (*gate.Report, error) {
	looks, err := s.looks()
	if err != nil {
		return nil, err
	}
	files := t.ledger.sides
	for i := 0; ; i++ {
		look := looks[i]
		if err := t.take(ctx, look.Count); err != nil {
			return nil, err
		}
		s.Gate.Alpha = look.Alpha
		report, err := gate.JudgeReaders(s.Gate, "base", files[Base].upTo(look.Count), "head", files[Head].upTo(look.Count))
		if err != nil {
			return nil, err
		}
		if i == len(looks)-1 || !undecided(report) {
			return report, t.ledger.exactly(look.Count)
		}
		t.journal.say("at %d samples the verdict is open (alpha of this look: %.2g)", look.Count, look.Alpha)
	}
}

// exactly returns an error if there are more samples than those of the look that
// decides. An undisturbed run would not have taken them, and chosen afterwards they
// would change the probability of a false alarm.
func (l *Ledger) exactly(count int) error {
	for _, f := range l.sides {
		for name, n := range f.counts {
			if n > count {
				return fmt.Errorf("%w: %s has %d of %s, and with these flags the verdict is at %d\nresume with the flags of before, or begin anew", ErrMore, f.path, n, name, count)
			}
		}
	}
	return nil
}

// binaryArgs are the arguments of the binaries: those with which go test runs one
// sample of benchmarks.
func (s Session) binaryArgs() []string {
	args := []string{"-test.run=^$", "-test.bench=" + s.bench(), "-test.count=1", "-test.timeout=0"}
	if s.Benchtime != "" {
		args = append(args, "-test.benchtime="+s.Benchtime)
	}
	if s.CPU != "" {
		args = append(args, "-test.cpu="+s.CPU)
	}
	return append(args, s.Args...)
}

// parameters are what the samples depend on, but for what is compared.
func (s Session) parameters() parameters {
	host, _ := os.Hostname() // it may have no name
	p := parameters{
		"POWERTEST_SOURCE":  web.RedactSource(os.Getenv("POWERTEST_SOURCE")),
		"POWERTEST_DEVICES": os.Getenv("POWERTEST_DEVICES"),

		"-bench":     s.bench(),
		"-benchtime": s.Benchtime,
		"-cpu":       s.CPU,
		"-count":     strconv.Itoa(s.count()),
		"-seed":      strconv.FormatUint(s.Seed, 10),
		"arguments":  strings.Join(s.Args, " "),
		"machine":    host + " " + runtime.GOOS + "/" + runtime.GOARCH,
	}
	if profile := os.Getenv("POWERTEST_PROFILE"); profile != "" {
		p["POWERTEST_PROFILE"] = profile
	}
	if s.MaxCount != 0 {
		p["-max-count"] = strconv.Itoa(s.MaxCount)
		p["-alpha"] = strconv.FormatFloat(s.Gate.Alpha, 'g', -1, 64)
	}
	return p
}
