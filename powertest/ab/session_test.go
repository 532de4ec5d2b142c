package ab

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/joulebench/joulebench/powertest/ab/internal/worktree"
	"github.com/joulebench/joulebench/powertest/gate"
)

// A build is what a fake binary costs, and what it was run with.
type build struct {
	joules float64
	runs   int
}

// fake is a session of two binaries that are not run: each sample costs the joules
// of its side, and a little more each time.
func fake(t *testing.T, base, head float64) (Session, map[string]*build) {
	t.Helper()
	dir := t.TempDir()
	builds := map[string]*build{}
	path := func(name string, joules float64) string {
		p := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(p, []byte(name), 0o755))
		builds[p] = &build{joules: joules}
		return p
	}
	s := Session{
		BaseBinary: path("base.test", base), HeadBinary: path("head.test", head),
		Packages: []string{dir}, Dir: filepath.Join(dir, "out"), Count: 4,
		Gate: gate.Config{Units: []string{"J/op"}},
	}
	s.sample = func(_ context.Context, b worktree.Binary, args []string) (out, errs []byte, err error) {
		f := builds[b.Path]
		f.runs++
		return fmt.Appendf(nil, "goos: linux\nBenchmarkChat 1 %.3f J/op\nPASS\n", f.joules+0.001*float64(f.runs)), nil, nil
	}
	return s, builds
}

// TestRun: what a session writes, and the verdict about it.
func TestRun(t *testing.T) {
	s, builds := fake(t, 12, 13)
	var progress bytes.Buffer
	s.Progress = &progress
	result, err := s.Run(t.Context())
	require.NoError(t, err)
	assert.Equal(t, gate.Regression, result.Report.Outcome)
	assert.Equal(t, 8, result.Ledger.Samples())
	assert.Equal(t, s.Files()[:2], []string{result.Ledger.Path(Base), result.Ledger.Path(Head)})
	for _, file := range s.Files() {
		assert.FileExists(t, file)
	}
	name := filepath.Base(s.Packages[0])
	assert.Regexp(t, `^# powertest ab: sample 1 of `+name+`, \S+, run 1 of [0-9a-f]{16}\ngoos: linux\nBenchmarkChat 1 12.001 J/op\nPASS\n# powertest ab: sample 2 `, read(t, s.Files()[0]))
	assert.Regexp(t, "^there is no cool-down between samples, since none is asked for\n1 of 8: base, "+name+"\n2 of 8: head, "+name+", about .* to go\n3 of 8: head, ", progress.String())

	// What is there is not lost by mistake, and resuming what is complete runs nothing.
	_, err = s.Run(t.Context())
	require.ErrorContains(t, err, "base.txt is there already\ngive -resume to go on with it, -overwrite to begin anew")
	s.Resume = true
	result, err = s.Run(t.Context())
	require.NoError(t, err)
	assert.Equal(t, gate.Regression, result.Report.Outcome)
	assert.Equal(t, 4, builds[s.HeadBinary].runs)

	// Another comparison is not resumed, and beginning anew is asked for.
	s.Count, s.Benchtime = 5, "3x"
	result, err = s.Run(t.Context())
	require.ErrorIs(t, err, ErrOther)
	require.ErrorContains(t, err, `-benchtime was "" and is "3x"; -count was "4" and is "5"`)
	assert.Nil(t, result.Ledger)
	require.NoError(t, os.WriteFile(s.HeadBinary, []byte("built anew"), 0o755))
	_, err = s.Run(t.Context())
	require.ErrorContains(t, err, `; head was "`)
	s.Resume, s.Overwrite = false, true
	result, err = s.Run(t.Context())
	require.NoError(t, err)
	assert.Equal(t, 10, result.Ledger.Samples())
}

// TestRunPairs: a session is judged by its pairs, and the gate comes to the same from its
// files; what was interrupted in a block and resumed has a block less.
func TestRunPairs(t *testing.T) {
	s, builds := fake(t, 12, 12.01)
	s.Count = 10
	s.Gate.Thresholds = map[string]float64{"": 0.0001}
	again := func(r *gate.Report) *gate.Report {
		files, err := gate.Judge(s.Gate, gate.Side{Label: "base", Path: s.Files()[0]}, gate.Side{Label: "head", Path: s.Files()[1]})
		require.NoError(t, err)
		var session, judged bytes.Buffer
		require.NoError(t, r.WriteJSON(&session))
		require.NoError(t, files.WriteJSON(&judged))
		assert.Equal(t, session.String(), judged.String())
		return files
	}
	result, err := s.Run(t.Context())
	require.NoError(t, err)
	row := again(result.Report).Rows[0]
	assert.Equal(t, gate.TestPaired, row.Test)
	assert.Equal(t, 10, row.Pairs)
	assert.Equal(t, gate.VerdictRegression, row.Verdict)
	assert.Equal(t, []int{1, 4, 5, 8, 9, 12, 13, 16, 17, 20}, row.Old.Runs)

	s, builds = fake(t, 12, 12.01)
	s.Count = 10
	s.Gate.Thresholds = map[string]float64{"": 0.0001}
	whole := s.sample
	s.sample = func(ctx context.Context, b worktree.Binary, args []string) (out, errs []byte, err error) {
		if builds[s.BaseBinary].runs+builds[s.HeadBinary].runs == 9 {
			return nil, nil, errors.New("it broke")
		}
		return whole(ctx, b, args)
	}
	_, err = s.Run(t.Context())
	require.ErrorIs(t, err, ErrSample)
	s.sample, s.Resume = whole, true
	result, err = s.Run(t.Context())
	require.NoError(t, err)
	row = again(result.Report).Rows[0]
	assert.Equal(t, 8, row.Pairs)
	assert.Equal(t, gate.TestPaired, row.Test)
	assert.Equal(t, 10, row.New.N)
}

// TestRunOfOneBinary: two copies of one binary are nothing to compare, and nothing
// is run.
func TestRunOfOneBinary(t *testing.T) {
	s, builds := fake(t, 12, 12)
	require.NoError(t, os.WriteFile(s.HeadBinary, []byte("base.test"), 0o755))
	_, err := s.Run(t.Context())
	require.ErrorIs(t, err, ErrSame)
	assert.ErrorContains(t, err, "are the same binary, byte for byte")
	assert.Zero(t, builds[s.BaseBinary].runs)
	assert.NoFileExists(t, s.Files()[0])
	s.HeadBinary = filepath.Join(s.Dir, "no.test")
	_, err = s.Run(t.Context())
	require.ErrorIs(t, err, os.ErrNotExist)
	s.Packages = []string{s.HeadBinary}
	_, err = s.Run(t.Context())
	require.ErrorContains(t, err, "no.test is no directory to run the binaries in")
}

// TestRunInterrupted: the error is that of the context, and the ledger has what is
// complete.
func TestRunInterrupted(t *testing.T) {
	s, builds := fake(t, 12, 12)
	ctx, cancel := context.WithCancel(t.Context())
	sample := s.sample
	s.sample = func(c context.Context, b worktree.Binary, args []string) (out, errs []byte, err error) {
		if builds[s.HeadBinary].runs == 2 {
			cancel()
		}
		return sample(c, b, args)
	}
	result, err := s.Run(ctx)
	require.ErrorIs(t, err, context.Canceled)
	assert.Nil(t, result.Report)
	assert.Equal(t, 3, result.Ledger.Samples())
	s.Resume, s.sample = true, sample
	result, err = s.Run(t.Context())
	require.NoError(t, err)
	assert.Equal(t, 8, result.Ledger.Samples())
}

// TestRunWithoutSource: a source that cannot exist is known before anything is run.
func TestRunWithoutSource(t *testing.T) {
	s, builds := fake(t, 12, 12)
	s.Source, s.Cooldown = "steam", time.Second
	_, err := s.Run(t.Context())
	require.ErrorContains(t, err, `the source of the cool-down: unknown source "steam"`)
	assert.Zero(t, builds[s.BaseBinary].runs)
}

// TestRunArguments: what the binaries are run with.
func TestRunArguments(t *testing.T) {
	assert.Equal(t, []string{"-test.run=^$", "-test.bench=.", "-test.count=1", "-test.timeout=0"}, Session{}.binaryArgs())
	s := Session{Bench: "Chat", Benchtime: "5x", CPU: "1,2", Args: []string{"-more"}}
	assert.Equal(t, "-test.run=^$ -test.bench=Chat -test.count=1 -test.timeout=0 -test.benchtime=5x -test.cpu=1,2 -more", strings.Join(s.binaryArgs(), " "))
	list := goVersions([]worktree.Package{{Binaries: [2]worktree.Binary{{Path: os.Args[0]}, {Path: os.DevNull}}}}, Base)
	assert.Regexp(t, `^\S+$`, list, "the test binary is built with one version of Go")
}

func TestCheck(t *testing.T) {
	require.NoError(t, Session{}.Check())
	for want, s := range map[string]Session{
		"-base-bin and -head-bin belong together":             {BaseBinary: "a"},
		"-base and -base-bin":                                 {Base: "main", BaseBinary: "a", HeadBinary: "b"},
		"in one directory, not in 2":                          {BaseBinary: "a", HeadBinary: "b", Packages: []string{"x", "y"}},
		"-resume goes on with the samples":                    {Resume: true, Overwrite: true},
		"-cooldown=-1s: it must be 0 or more":                 {Cooldown: -time.Second},
		"-count is after a package":                           {Packages: []string{"./client", "-count"}},
		"-bench Chat): ":                                      {Bench: "Chat)"},
		"-benchtime soon is neither":                          {Benchtime: "soon"},
		"-benchtime 0x is neither":                            {Benchtime: "0x"},
		"-benchtime 0s is neither":                            {Benchtime: "0s"},
		"-cpu 1,many is no list":                              {CPU: "1,many"},
		"-cpu 0 is no list":                                   {CPU: "0"},
		"-count=-1 -max-count=-1: no such looks":              {Count: -1},
		"the last, at 10 samples, would be before the first,": {Count: 20, MaxCount: 10},
		"the level is 2":                                      {Gate: gate.Config{Alpha: 2}},
		"filter: ":                                            {Gate: gate.Config{Filter: "("}},
	} {
		require.ErrorContains(t, s.Check(), want)
		_, err := s.Run(t.Context())
		require.ErrorContains(t, err, want)
	}
}

// twoLooks is a session with looks at 4 and at 8 samples.
var twoLooks = Session{Count: 4, MaxCount: 8, Gate: gate.Config{Units: []string{"J/op"}}}

// drifting is a taker to which the head's median has moved at the first look, and
// has not in the samples after it.
func drifting(t *testing.T, dir string, resume bool) *scripted {
	t.Helper()
	s := script(t, dir, resume, "x")
	s.answer = func(_ int, b worktree.Binary) (string, error) {
		side := Base
		if b.Path == "head x" {
			side = Head
		}
		joules := 115
		if n := s.ledger.sides[side].counts["x"]; n < 4 {
			joules = 100 + 10*n + 4*int(side)
		}
		return fmt.Sprintf("goos: linux\nBenchmarkChat 1 %d J/op\nPASS\n", joules), nil
	}
	return s
}

// TestUntilResumed: wherever a comparison with more than one look was interrupted,
// the looks are those of an undisturbed one.
func TestUntilResumed(t *testing.T) {
	t.Parallel()
	whole := drifting(t, t.TempDir(), false)
	want, err := twoLooks.judge(t.Context(), whole.taker)
	require.NoError(t, err)
	require.Equal(t, 16, whole.ledger.Samples())
	for stop := 1; stop <= 16; stop++ {
		synctest.Test(t, func(t *testing.T) {
			dir := t.TempDir()
			first := drifting(t, dir, false)
			answer := first.answer
			first.answer = func(n int, b worktree.Binary) (string, error) {
				if n == stop {
					return "", errors.New("exit status 2")
				}
				return answer(n, b)
			}
			_, err := twoLooks.judge(t.Context(), first.taker)
			require.ErrorIs(t, err, ErrSample)
			second := drifting(t, dir, true)
			got, err := twoLooks.judge(t.Context(), second.taker)
			require.NoError(t, err)
			assert.Equal(t, 16, second.ledger.Samples(), "stopped at %d", stop)
			assert.InDelta(t, want.Alpha, got.Alpha, 0)
			assert.Equal(t, want.Rows[0].Verdict, got.Rows[0].Verdict)
			assert.Equal(t, 1, strings.Count(second.said.String(), "at 4 samples the verdict is open"), "stopped at %d", stop)
		})
	}
}

// TestUntilResumedOtherwise: with flags by which the first look would have been the
// last, there is no verdict about the samples that came after it.
func TestUntilResumedOtherwise(t *testing.T) {
	dir := t.TempDir()
	_, err := twoLooks.judge(t.Context(), drifting(t, dir, false).taker)
	require.NoError(t, err)
	other := twoLooks
	other.Gate.Filter = ".name:Other"
	_, err = other.judge(t.Context(), drifting(t, dir, true).taker)
	require.ErrorIs(t, err, ErrMore)
	assert.ErrorContains(t, err, "8 of x, and with these flags the verdict is at 4")
}

// TestParametersOfSource: what measures is part of what is compared, and a password
// is not kept.
func TestParametersOfSource(t *testing.T) {
	t.Setenv("POWERTEST_SOURCE", "smi")
	t.Setenv("POWERTEST_DEVICES", "0,1")
	smi := twoLooks.parameters()
	assert.Equal(t, "smi", smi["POWERTEST_SOURCE"])
	assert.Equal(t, "0,1", smi["POWERTEST_DEVICES"])
	t.Setenv("POWERTEST_SOURCE", "http=https://me:secret@example.com")
	one := twoLooks.parameters()
	assert.NotContains(t, one["POWERTEST_SOURCE"], "secret")
	assert.Equal(t, "http=…@example.com", one["POWERTEST_SOURCE"])
	t.Setenv("POWERTEST_SOURCE", "http=https://me:other@example.com")
	assert.Empty(t, one.differences(twoLooks.parameters()), "a password may change")
	t.Setenv("POWERTEST_SOURCE", "http=https://me:secret@example.org")
	assert.Len(t, one.differences(twoLooks.parameters()), 1)
	assert.Len(t, one.differences(smi), 1)
}

// TestTwoRuns: a directory belongs to one run at a time, and the other one learns whose
// it is. Twice out of three a regression passed by the samples of the other.
func TestTwoRuns(t *testing.T) {
	s, _ := fake(t, 12, 13)
	other, builds := fake(t, 12, 12)
	other.Dir, other.Overwrite = s.Dir, true
	sample, tried := s.sample, false
	s.sample = func(ctx context.Context, b worktree.Binary, args []string) (out, errs []byte, err error) {
		if !tried {
			tried = true
			_, err := other.Run(t.Context())
			require.ErrorIs(t, err, ErrBusy)
			assert.ErrorContains(t, err, fmt.Sprintf("%s: another ab takes samples there: process %d on ", s.Dir, os.Getpid()))
			assert.ErrorContains(t, err, "give another directory with -o")
		}
		return sample(ctx, b, args)
	}
	result, err := s.Run(t.Context())
	require.NoError(t, err)
	assert.True(t, tried)
	assert.Equal(t, gate.Regression, result.Report.Outcome)
	assert.Zero(t, builds[other.HeadBinary].runs)

	// It is free afterwards, also of a run that was killed.
	require.NoError(t, os.WriteFile(filepath.Join(s.Dir, "ab.lock"), []byte("process 1 on another host"), 0o600))
	result, err = other.Run(t.Context())
	require.NoError(t, err)
	assert.Equal(t, gate.Pass, result.Report.Outcome)
	assert.NoFileExists(t, filepath.Join(s.Dir, "ab.lock"))
}

// TestOwnSamples: the verdict is about what this run has taken, whatever others write
// to its files meanwhile.
func TestOwnSamples(t *testing.T) {
	s, _ := fake(t, 12, 13)
	sample := s.sample
	s.sample = func(ctx context.Context, b worktree.Binary, args []string) (out, errs []byte, err error) {
		for _, path := range s.Files()[:2] {
			require.NoError(t, os.WriteFile(path, []byte("BenchmarkChat 1 1 J/op\n"), 0o600))
		}
		return sample(ctx, b, args)
	}
	result, err := s.Run(t.Context())
	require.NoError(t, err)
	assert.Equal(t, gate.Regression, result.Report.Outcome)
	assert.Equal(t, 4, result.Report.Rows[0].Old.N)
}

// FuzzResume: whatever is in the files of a run that was interrupted, going on ends with
// an error or with as many samples as were asked for.
func FuzzResume(f *testing.F) {
	good := gate.MarkBegin + "1 of x, 1s\nBenchmarkChat 1 12.001 J/op\nPASS\n"
	for _, s := range []string{"", good, good + good, gate.MarkBegin + "2 of x\n", gate.MarkBegin + "-1 of x\n", gate.MarkBegin + "1 of \n", "x\n" + good, gate.MarkBegin, good + "BenchmarkChat 1 NaN J/op\n", gate.MarkBegin + "99999999999999999999 of x\n"} {
		f.Add(`{"schema_version": 1}`, s, s)
	}
	f.Add("{", "", "")
	f.Add("[]", good, "")
	f.Fuzz(func(t *testing.T, state, base, head string) {
		dir := t.TempDir()
		for path, text := range map[string]string{statePath(dir): state, samplePath(dir, Base): base, samplePath(dir, Head): head} {
			require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		}
		l, err := openLedger(dir, nil, true)
		if err != nil {
			return
		}
		tk := newTaker([]worktree.Package{{Name: "x", Binaries: [2]worktree.Binary{{Path: "b"}, {Path: "h"}}}}, l, newJournal(io.Discard, nil))
		tk.sample = func(context.Context, worktree.Binary, []string) (out, errs []byte, err error) {
			return []byte("BenchmarkChat 1 12 J/op\nPASS\n"), nil, nil
		}
		if err := tk.take(t.Context(), 2); err != nil {
			return
		}
		for _, side := range l.sides {
			require.GreaterOrEqual(t, side.counts["x"], 2)
		}
	})
}
