// Package ab compares two builds by their benchmarks: it runs the test binaries of
// both in turn on one machine, keeps the samples in the Go benchmark format, and has
// package gate judge them. The command "powertest ab" is made of it.
//
// A [Session] says what is compared, and how:
//
//	s := ab.Session{Base: "main", Bench: "Chat", Progress: os.Stderr}
//	result, err := s.Run(ctx)
//
// The builds are two revisions of a git repository, which it builds, the base in a
// temporary worktree; or two test binaries that are there. The samples that are
// complete are in a [Ledger], also after an error, and Session.Resume goes on with
// them. It is not for files of samples that exist already: gate.Judge compares those.
//
// # Builds
//
// The base is built in a temporary worktree; the work tree and the index are not
// touched, and no hook is run. Both sides are built from the same modules: a replace
// directive that leads out of the repository or to what is untracked, untracked vendored
// packages and an untracked go.work mean in the worktree what they mean to the user.
// Submodules are those that the base records, from what is here: nothing is fetched.
// Sides that would be built alike are ErrSame.
//
// # Order
//
// A GPU gets warmer while it works, and a warmer one leaks more: the same work
// costs more joules from run to run. All samples of one build, and then all of the
// other, compare a cool GPU with a warm one. [Order] interleaves them:
//
//	base head  head base  base head  head base ...
//
// In each block of four a linear drift adds the same to both sides, and cancels
// exactly. Plain alternation (base head base head) does not do that: head is one
// step later in every pair.
//
// The samples are then judged by their pairs, as package gate says under "Pairs": a drift
// that is in both samples of a pair is no noise. Where the same work costs 0.2 % more from
// run to run, 1 % more at 0.5 % noise is found in 97 of 100 comparisons of ten samples,
// and in 11 by all samples of both sides. The line before each sample in the files names
// the run and the session, so that powertest gate comes to the same verdict from them.
//
// # Files
//
// A session locks its directory, and another one there is ErrBusy: each would be judged by
// the samples of the other. The system unlocks it however a run ends, so what a killed
// run has left is taken over. Its worktree, and what git has noted of it, is removed by
// the next session in the repository.
//
// The benchmark of a session that is killed is killed with it on Linux, and what that has
// started is ended by the next session in the same directory or repository, which finds it
// by the variable POWERTEST_STARTED_BY. On Windows all of it ends with the session. On
// macOS nothing does: end the benchmark by hand.
//
// Of what a benchmark writes, 256 kB are kept in its sample, and beyond that only lines of
// the benchmark format, up to 16 MB. A process that a benchmark leaves behind, and that
// keeps its output open, makes the sample fail: it would disturb the next ones.
//
// # Looks
//
// To look at the samples again and again, and to stop when the difference is
// significant, finds one sooner or later whether there is any or not. [Looks] plans
// beforehand at which sample sizes to look, and at which level each time, such that
// the probability of a false alarm at any of them is at most alpha.
//
// The levels follow Lan and DeMets, "Discrete sequential boundaries for clinical
// trials", Biometrika 70 (1983): a function of the share of samples taken says how
// much of alpha may have been spent. It is the one by which they approximate
// O'Brien and Fleming, "A multiple testing procedure for clinical trials",
// Biometrics 35 (1979):
//
//	spent(t) = 2 - 2Φ(z/√t), Φ(z) = 1 - alpha/2
//
// Little is spent early, when few samples have been seen, and most is left for the
// end. The level of a look is what may be spent between it and the one before. The
// levels add up to alpha, and so, by Bonferroni's inequality, does the probability
// of a false alarm: whatever the test, however small the samples, and however many
// benchmarks it is about, as long as it keeps the level that it is given. Lan and
// DeMets get slightly higher levels for the later looks by integrating over the
// joint distribution of the looks. That needs it to be normal, which rank tests of
// ten samples are not; the difference is small (at three looks and alpha 0.05, the
// last level is 0.034 instead of 0.046).
//
// Where a level is below what so many pairs can show, as that of the first look at ten
// samples is, the look is by all samples. With gate.Config.MaxUnseen samples are added until
// no more than that can have gone unseen, unless no number of samples would do; what a pass
// excludes holds for all looks together, too.
//
// # Cool-down
//
// Before each sample a session waits until each GPU is at most 1 °C warmer than at
// the start, or, where the source reports no temperature, until the power is within
// 5 % of what it was; at most for Session.Cooldown. Then it waits for a random part of
// the refresh period of the counter, so that samples begin at all times between two
// ticks.
package ab
