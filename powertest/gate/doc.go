// Package gate decides whether the results of Go benchmarks became worse: pass,
// regression, or not to be judged. It reads two files in the Go benchmark format,
// with any units, and is for programs and tests; the command powertest gate is made
// of it, and [Flags] gives its flags to other commands.
//
// It is not for finding out by how much something changed: benchstat shows that
// better, with the same numbers. It is for a build that has to stop.
//
//	report, err := gate.Judge(gate.Config{}, gate.ParseSide("old.txt"), gate.ParseSide("new.txt"))
//	if err != nil {
//		return err
//	}
//	report.WriteText(os.Stdout, false)
//	os.Exit(report.Outcome.ExitCode())
//
// # Verdicts
//
// Results are grouped as benchstat does: by configuration, and by name. For each
// benchmark and unit that both sides have, there is a verdict:
//
//   - regression: the median is worse, by at least the threshold, and the adjusted
//     p-value is below alpha. An improvement, likewise.
//   - inconclusive: the samples could not have shown a change, however large,
//     because there are too few for so many comparisons; or the change is one for
//     the worse that is within the instrument's error; or the numbers do not allow
//     a verdict, and Why has the reason. It is not a pass.
//   - same: everything else. It has what it does not exclude: see below.
//   - over-budget, within-budget: of a budget, Config.Max and Config.Min, whether
//     the median of the new side keeps it.
//
// The outcome, and with it the exit code of a command, is the first of these that
// holds:
//
//   - [CannotJudge], 2: a file is corrupt, empty, of a failed run or not comparable.
//     Regressions in such files are named in the reasons, and count for nothing: the
//     numbers may be those of half a run.
//   - [Regression], 1: a row is a regression that is not waived, or over its budget.
//   - [CannotJudge], 2: something is missing, or a row is inconclusive.
//   - [Pass], 0.
//
// An outcome other than [Pass] always has a reason, which says what to do.
//
// # Statistics
//
// Medians, their intervals (95 %) and P are those of golang.org/x/perf/benchmath,
// and so the same as benchstat's on the same files. The test is the two-sided
// Mann-Whitney U test (Mann and Whitney, "On a Test of Whether one of Two Random
// Variables is Stochastically Larger than the Other", Annals of Mathematical
// Statistics 18, 1947), exact for small samples.
//
// All rows that are tested are one family, and p-values are adjusted by Holm's
// step-down procedure ("A Simple Sequentially Rejective Multiple Test Procedure",
// Scandinavian Journal of Statistics 6, 1979): the probability that any row of
// identical builds is called different is at most alpha, however many rows there
// are. Of 1,463 benchmarks that are each judged at 0.05, 73 would be.
//
// One correction is made. Where the sides have unequal numbers of samples and some
// values are equal, benchmath takes the wrong tail of U's distribution for values that
// went down: P, which is shown as benchstat shows it, may be 0, or more than 1.
// PAdjusted, by which rows are judged, is made of the right one.
//
// The least p-value that n against n samples can give is 2/C(2n, n). If even that
// is not below alpha divided by the number of rows, at which Holm's procedure
// begins, the row is inconclusive, and the reason says which -count would do:
//
//	samples on each side                      3     4      5       6        7        8        10
//	least p                                   0.1   0.029  0.0079  0.0022   0.00058  0.00016  1.1e-5
//	most rows of which one can be significant 0     1      6       23       85       321      4618
//
// # Pairs
//
// Samples that powertest ab has taken in turn are judged by their pairs, whose ratios a
// drift does not touch: by Wilcoxon's signed-rank test of the logarithms ("Individual
// Comparisons by Ranking Methods", Biometrics Bulletin 1, 1945), two-sided, and exact up
// to 64 pairs. The marks that ab writes before each sample say which are pairs, so that
// its files have the same verdict from powertest gate. Two samples of one number and
// session are a pair, and those of the numbers 1 and 2, 3 and 4 and so on a block, base
// head head base. Only whole blocks are pairs: a drift that is linear adds to one of them
// what it takes from the other. A block is not whole if a sample of it lacks the value, or
// if ab was interrupted in it and resumed. Samples of more than one benchmark that -row
// pools are no pairs.
//
// The change is then the Hodges-Lehmann estimate of the ratios, the median of the means of
// any two. The p-value of all samples is shown beside that of the pairs, but does not count.
//
// The least p-value of n pairs is 2/2^n. If that is not below alpha divided by the number
// of rows, the row is judged by all samples, and a warning says how many pairs it takes.
// This depends on numbers only, never on values, and so the probability of a false alarm
// stays what it is:
//
//	pairs                                     6      8       10      12      14
//	least p                                   0.031  0.0078  0.0020  0.0005  0.0001
//	most rows of which one can be significant 1      6       25      102     409
//
// The signs of the differences must be as likely one way as the other if the builds are the
// same. A drift in steps, or one that saturates, keeps that; what does not is a
// disturbance that comes back with every fourth run.
//
// # The interval of a change
//
// It has all changes that the test does not rule out, at the level at which the row was
// judged: each c for which the new side, divided by 1+c, would not be different from the
// old one. No change is one of them if and only if the row is not significant (where values
// are equal, it may also be in the interval of one that is). The level is that of Holm's
// step: alpha divided by the number of rows that were left.
//
// # What a pass does not exclude
//
// Unseen of a row that is the same is the end of that interval on the side of the worse, as
// a share of which both directions agree (1/0.95-1 for 5 % fewer tokens/J), times 1 plus the
// instrument's error. That a row has become worse by more happens in at most alpha of all
// comparisons, for any of their rows, and in half of alpha for one row. It says what these
// samples exclude, which is not how often a change is called a regression: of normal
// noise, a change as large as the typical Unseen of ten samples is one in about half of the
// trials (in the others Unseen is larger than it), one 1.7 times as large in 9 of 10, and
// one half as large in about 1 of 5. The largest of a pass is in its headline.
//
// It is unbounded where a value is 0 or less, unless all are the same. Of a unit that is
// exact, it is the largest change that its values allow.
//
// Config.MaxUnseen is what it may be. A row with more is inconclusive, and the reason
// says which -count would do, or why none does. That is a test of non-inferiority: a
// change as large as MaxUnseen passes in at most half of alpha of the trials.
//
// # Plans
//
// PlanSamples says from one file how many samples of each side a change needs, so that it
// is significant in 9 of 10 trials, among as many rows as the file has; with as many, Unseen
// is no more than that change in 9 of 10 comparisons of what is the same. The noise is taken
// from the length of intervals of 80 % (Lehmann, 1963), and that of pairs from successive
// samples, with the drift between them. In brackets is an interval, of about 80 % for normal
// noise: of so many plans the number that is right is in it. Noise with heavy tails is
// underestimated: where it is Student's t with two degrees of freedom, what is planned finds
// a change in 0.55 to 0.95 of the trials, and a large one least often.
//
// # What can be found
//
// With so many samples on each side, a change of so many standard deviations of
// normal noise is significant in 9 of 10 simulations, as the only one among so many rows:
//
//	samples   1 row   6 rows   20 rows   100 rows
//	5         2.7     3.6      never     never
//	6         2.2     3.2      3.7       never
//	8         1.8     2.4      2.8       3.6
//	10        1.6     2.05     2.3       2.7
//	20        1.1     1.3      1.5       1.7
//
// # Thresholds
//
// A median has moved by a threshold of 0.03 if the larger one is at least 1.03
// times the smaller one. So what is a regression is an improvement with the files
// swapped, and J/token and tokens/J agree.
//
// A unit that is exact, as a line assume=exact or the configuration says, is not
// tested: any change for the worse is a regression, unless a threshold is asked for.
// If its values vary on a side, the row is inconclusive where the ranges overlap, or
// only some of the changes that they allow are as large as the threshold.
//
// # Direction
//
// Which direction is better is what the files say (Unit J/op better=lower); else
// it is known for the standard units and those of package powertest; else it is
// what Config.Better says. A unit of which nothing is known, and contradictions between
// these, are not judged; but files may reverse the direction of a known unit if
// Config.Better says the same.
//
// # Units
//
// Judged are ns/op, J/op and J/token, as far as the files have them, or
// Config.Units; and besides, the units that a threshold, a budget or the filter
// (.unit:W) names. A unit that any of them names, or Config.Better or Config.Exact,
// must be there on both sides. W, tokens/J and J/req are the same joules under
// other names: to judge them, too, makes every comparison weaker.
//
// # The instrument
//
// err-% is half the width of the interval of the joules of one sample, in percent,
// as package powertest reports it; of a phase, it is PHASE-err-%. The error of a
// comparison is the root of the sum of the squares of both sides' medians: the errors
// of the sides are taken to be independent, and that of one the same in all of its
// samples, so that more of them do not help. A change of energy or power that is
// smaller is never called significant: for the worse it is inconclusive, for the
// better it is the same. What a pass does not exclude has it as well.
//
// # Comparability
//
// Benchmarks are compared if all their configuration lines are equal, but for
// those in Config.Ignore; else the files are not judged. Simulated joules and measured
// ones are never compared.
//
// A benchmark is known by its name. If there are several of one name on a side, as in
// two packages, reports, annotations and JUnit cases name the package as well
// (example.com/p.Chat-8), or whatever else tells them apart (Chat-8 (gpu: NVIDIA L4)).
//
// Benchmarks with different names that Config.Row or Config.Ignore takes for one
// are pooled, and the headline says of how many rows that is so. A key of
// Config.Row that no result has is one for which the files cannot be judged.
//
// # What is missing
//
// A benchmark that only the new side has is new, and is named. What follows is
// missing, and makes the outcome [CannotJudge], if it is not excused:
//
//	a benchmark that only the old side has              Config.Missing, a waiver of *
//	a benchmark whose samples are all invalid           Config.Missing, a waiver of *
//	of a benchmark on both sides, a unit of the
//	old side only                                       a waiver of *
//	of a benchmark on both sides, a unit of the
//	new side only                                       Config.Missing, a waiver of *
//	the unit of a budget, that another benchmark of
//	the new side has                                    Config.Missing, a waiver of *
//	a unit that is named, from a whole side             nothing
//
// # Samples that are not used
//
// A result that reports a unit "invalid" or "withheld" with a value above 0 is not
// used. One whose joules were withheld is a sample of its other units. Both are
// counted and named in the warnings.
//
// Results that benchfmt cannot parse and lines of failed runs (FAIL, --- FAIL, panic)
// make their file corrupt, and so do, of a unit that is judged or is the error of one,
// values that are not a number, infinite or negative (but for net-J/op), joules or watts
// of 0 (but for what is above idle, net-J/op, or idle, idle-W, and goodput-tokens/J,
// which may be none), a value twice in one result, and lines "Unit ..." that contradict
// each other. What is not judged need not be right.
//
// # Logs
//
// A file may be the log of a CI system. A time stamp, a name with a bar (as docker
// compose writes) or in brackets, and the job and step of "gh run view --log" are left
// out if all lines of the first 64 kB have them, and so are colours; the warnings say
// so. Results that begin elsewhere in their lines are not read, and if there are no
// others, the reason says what precedes them.
//
// # Waivers
//
// A regression that is accepted is waived in a file: see [ReadWaivers]. One that does
// not say the package waives nothing where several have a benchmark of that name. A waiver
// for all units (*), and no other, also lets a benchmark or unit be missing. One
// that has expired, and one that waives nothing, are warned of.
//
// # JSON
//
// WriteJSON writes one object. Its keys may become more without another
// schema_version; numbers that are not finite, or not there, are left out.
//
//	schema_version      1
//	outcome, exit_code  "pass" 0, "regression" 1, "cannot judge" 2
//	headline            the verdict on one line
//	reasons, warnings   sentences
//	old, new            {name, results}; old is null without a baseline
//	alpha, family       probability of a false alarm, and number of rows tested; alpha
//	                    is left out if no file was looked at
//	rows                [{benchmark, package, unit, config, verdict, why, better ("lower", "higher"), exact,
//	                      old, new: {center, low, high, n}, delta (a share), p, p_adjusted, threshold,
//	                      instrument_error (a share), bound ("max", "min"), limit, pooled, waived}]
//	missing_benchmarks  [{benchmark, package, unit, config, side ("old", "new": which lacks it), waived}]
//	new_benchmarks      the same, of benchmarks in the new file only
//	rejected_samples    [{side, benchmark, package, config, count, of, why}]
//	faults              [{side, line, message, text}]: the first 20 of each side
//	differences         [{key, old, new, benchmarks}] of configuration lines
//	waived              {benchmark, unit, until, reason, line}
//
// WriteJSON of a plan writes schema_version, file {name, results}, alpha, power, family,
// changes, reasons, warnings, and rows: [{benchmark, package, unit, config, exact, n, noise,
// pair_noise, instrument_error (shares), unpaired, paired: [{change, samples, low, high}]}].
// Without samples no number would do, or it is not known; without high it has no end.
package gate
