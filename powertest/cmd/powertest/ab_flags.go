package main

import (
	"crypto/sha256"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/joulebench/joulebench/powertest/ab"
)

// abOptions are the flags of ab.
type abOptions struct {
	gateFlags

	// What is compared: revisions, or ready binaries.
	base             string
	baseBin, headBin string
	patterns         []string // packages, or the directory to run ready binaries in
	// What is run.
	bench, benchtime, cpu string
	extra                 []string // arguments of the binaries, after --
	count                 int
	until                 string
	maxCount              int
	looks                 []ab.Look
	// How.
	dir               string
	resume, overwrite bool
	cooldown          time.Duration
	source            string
	seed              uint64
}

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

// parseAB parses the arguments after "ab".
func parseAB(args []string, std stdio) (*abOptions, error) {
	o := &abOptions{}
	f := flag.NewFlagSet("ab", flag.ContinueOnError)
	o.define(f)
	o.register(f)
	if err := parseFlags(f, abUsage, args, std); err != nil {
		return nil, err
	}
	set := map[string]bool{}
	f.Visit(func(g *flag.Flag) { set[g.Name] = true })
	o.patterns, o.extra = cutArgs(args, f.Args())
	if err := o.checkAll(set); err != nil {
		o.complain(std.err, err)
		return nil, errUsage
	}
	return o, nil
}

// define defines the flags, but for those of the gate.
func (o *abOptions) define(f *flag.FlagSet) {
	f.StringVar(&o.base, "base", "", "`revision` that is compared with: a branch, a tag, a commit; by default where HEAD left origin/HEAD, or else main or master")
	f.StringVar(&o.baseBin, "base-bin", "", "test binary `file` to compare with, such as go test -c makes, instead of a revision")
	f.StringVar(&o.headBin, "head-bin", "", "test binary `file` that is judged, with -base-bin")
	f.StringVar(&o.bench, "bench", ".", "which benchmarks are run, as a `regexp` of go test -bench")
	f.StringVar(&o.benchtime, "benchtime", "", "how long each is run: a `duration` or count, as of go test -benchtime")
	f.StringVar(&o.cpu, "cpu", "", "`list` of GOMAXPROCS values, as of go test -cpu")
	f.IntVar(&o.count, "count", 10, "`number` of samples of each side")
	f.StringVar(&o.until, "until", "", "a `rule`: "+untilResolved+" takes as many samples again, and again, while the verdict is open, up to -max-count; -alpha holds for all looks together")
	f.IntVar(&o.maxCount, "max-count", 30, "greatest `number` of samples of each side, with -until")
	f.StringVar(&o.dir, "o", ".", "`directory` for base.txt, head.txt, and ab.json, which says what they are samples of")
	f.BoolVar(&o.resume, "resume", false, "go on with the samples that are there; all other flags must be as they were")
	f.BoolVar(&o.overwrite, "overwrite", false, "begin anew if there are samples")
	f.DurationVar(&o.cooldown, "cooldown", 30*time.Second, "longest `time` to wait before a sample until the GPUs are at the temperature, or the power, of the start; 0: none")
	f.StringVar(&o.source, "source", "", "what tells the temperature or the power, spelled as in POWERTEST_SOURCE; by default what that names")
	f.Uint64Var(&o.seed, "seed", 1, "`number` that the random part of a refresh period before each sample follows from")
}

// cutArgs divides the arguments after the flags at "--", which the flag package
// leaves out if it comes first.
func cutArgs(args, rest []string) (patterns, extra []string) {
	for i, a := range rest {
		if a == "--" {
			return rest[:i], rest[i+1:]
		}
	}
	if n := len(args) - len(rest); n > 0 && args[n-1] == "--" {
		return nil, rest
	}
	return rest, nil
}

// checkAll checks the flags against each other; set are those that were given.
func (o *abOptions) checkAll(set map[string]bool) error {
	var err error
	switch {
	case (o.baseBin == "") != (o.headBin == ""):
		return errors.New("-base-bin and -head-bin belong together: give both")
	case o.baseBin != "" && set["base"]:
		return errors.New("-base and -base-bin: the base is one of them")
	case o.baseBin != "" && len(o.patterns) > 1:
		return fmt.Errorf("ready binaries are run in one directory, not in %d", len(o.patterns))
	case set["base"] && o.base == "":
		return errors.New("-base is empty: give a revision, or leave it out")
	case o.resume && o.overwrite:
		return errors.New("-resume goes on with the samples that -overwrite removes: give one of them")
	case o.count < 1:
		return fmt.Errorf("-count=%d: it must be at least 1", o.count)
	case o.until != "" && o.until != untilResolved:
		return fmt.Errorf("-until=%s: it is %s", o.until, untilResolved)
	case o.until == "" && set["max-count"]:
		return errors.New("-max-count needs -until " + untilResolved)
	case o.cooldown < 0:
		return fmt.Errorf("-cooldown=%v: it must be 0 or more", o.cooldown)
	}
	for _, p := range o.patterns {
		if strings.HasPrefix(p, "-") {
			return fmt.Errorf("%s is after a package: flags stand before the packages, and what is for the binaries after --", p)
		}
	}
	if err := checkRun(o.bench, o.benchtime, o.cpu); err != nil {
		return err
	}
	most := o.count
	if o.until != "" {
		most = o.maxCount
	}
	if err = o.check(o.sampleFiles()...); err != nil {
		return err
	}
	if o.looks, err = ab.Looks(o.alpha, o.count, most); err != nil {
		return fmt.Errorf("-count=%d -max-count=%d: %w", o.count, most, err)
	}
	return nil
}

// checkRun checks what is passed on to the binaries, which would fail with it only
// after they are built.
func checkRun(bench, benchtime, cpu string) error {
	if bench == "" {
		return errors.New("-bench is empty: give a regular expression; . is all benchmarks")
	}
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

// sampleFiles are the files that ab writes.
func (o *abOptions) sampleFiles() []string {
	return []string{filepath.Join(o.dir, "base.txt"), filepath.Join(o.dir, "head.txt"), filepath.Join(o.dir, "ab.json")}
}

// binaryArgs are the arguments of the binaries: those with which go test runs one
// sample of benchmarks.
func (o *abOptions) binaryArgs() []string {
	args := []string{"-test.run=^$", "-test.bench=" + o.bench, "-test.count=1", "-test.timeout=0"}
	if o.benchtime != "" {
		args = append(args, "-test.benchtime="+o.benchtime)
	}
	if o.cpu != "" {
		args = append(args, "-test.cpu="+o.cpu)
	}
	return append(args, o.extra...)
}

// parameters are what the samples depend on, but for what is compared.
func (o *abOptions) parameters() parameters {
	p := parameters{
		"POWERTEST_SOURCE":  unsecret(os.Getenv("POWERTEST_SOURCE")),
		"POWERTEST_DEVICES": unsecret(os.Getenv("POWERTEST_DEVICES")),

		"-bench":     o.bench,
		"-benchtime": o.benchtime,
		"-cpu":       o.cpu,
		"-count":     strconv.Itoa(o.count),
		"-seed":      strconv.FormatUint(o.seed, 10),
		"arguments":  strings.Join(o.extra, " "),
		"machine":    hostname() + " " + runtime.GOOS + "/" + runtime.GOARCH,
	}
	if o.until != "" {
		p["-until"] = o.until
		p["-max-count"] = strconv.Itoa(o.maxCount)
		p["-alpha"] = strconv.FormatFloat(o.alpha, 'g', -1, 64)
	}
	return p
}

// unsecret is a value that may be kept in a file. One with an @ may be an address
// with a password, and its hash is kept.
func unsecret(value string) string {
	if !strings.Contains(value, "@") {
		return value
	}
	return fmt.Sprintf("sha256:%x", sha256.Sum256([]byte(value)))
}

// hostname is the name of this machine; empty if it has none.
func hostname() string {
	name, err := os.Hostname()
	if err != nil {
		return ""
	}
	return name
}
