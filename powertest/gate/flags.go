package gate

import (
	"errors"
	"flag"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/joulebench/joulebench/internal/atomicfile"
	"github.com/joulebench/joulebench/internal/command"
	"github.com/joulebench/joulebench/internal/inputfile"
)

// Flags are the flags of a command that ends with a verdict: how two sides are judged
// ("-threshold J/op=3%") and where the verdict is written ("-junit FILE"). Register
// them, parse the arguments, and then:
//
//	config, err := flags.Config()
//	report, err := gate.Judge(config, old, new)
//	os.Exit(flags.Publish(report, os.Stdout, os.Stderr))
type Flags struct {
	command string // whose flags they are, for messages

	config                Config // but for what the next three lines have
	units                 unitList
	thresholds, unseen    unitValues
	max, min              unitValues
	facts                 unitFacts
	missing, waivers      string
	markdown, json, junit string
	quiet                 bool
	plan                  bool
	besides               []string
}

// Register defines the flags in a set, whose name is that of the subcommand.
func (g *Flags) Register(f *flag.FlagSet) {
	g.command = f.Name()
	g.thresholds = unitValues{parse: parseShare, alone: true}
	g.unseen = g.thresholds
	g.max, g.min = unitValues{parse: parseLimit}, unitValues{parse: parseLimit}
	f.StringVar(&g.config.Filter, "filter", "*", "which benchmarks and units are judged, as a `query` of benchproc, for instance '.name:Chat'")
	f.StringVar(&g.config.Row, "row", ".fullname", "what makes two results the same benchmark: `keys` of benchproc, such as .name or /users")
	f.StringVar(&g.config.Ignore, "ignore", "", "`keys` that may differ between the sides, with commas, for instance power-limit")
	f.Var(&g.units, "units", "the `units` that are judged, with commas, instead of J/op and ns/op, and J/token where there is one")
	f.Var(&g.thresholds, "threshold", "how far the median must move, as `UNIT=SHARE`, with commas: 'J/op=3%,ns/op=5%'; a share alone, '5%', is that of all others")
	f.Var(&g.unseen, "max-unseen", "how large a change for the worse may be that the samples do not exclude, as `UNIT=SHARE` or a share alone, as of -threshold; if it is more, there is no verdict")
	f.Var(&g.max, "max", "budgets that the new side must not exceed, as `UNIT=NUMBER`, with commas: 'J/token=0.9'; with them one file is enough")
	f.Var(&g.min, "min", "budgets that the new side must reach, as `UNIT=NUMBER`, with commas: 'tokens/J=1.1'")
	f.Var(&g.facts, "unit", "what is known of a unit, as in the line Unit of a benchmark file: '`UNIT better=higher`', 'UNIT assume=exact'; may be repeated")
	f.Float64Var(&g.config.Alpha, "alpha", DefaultAlpha, "`probability` of a false alarm, for all that is judged together")
	command.OneOf(f, &g.missing, "missing", "fail", "what follows if a benchmark is on the old side only, or a unit of it on the new side only", "fail", "warn")
	f.StringVar(&g.waivers, "waivers", "", "`file` of regressions that are accepted for a while: in each line a benchmark, a unit, a date and a reason")
	f.StringVar(&g.markdown, "markdown", "", "`file` that the verdict is appended to as Markdown, such as $GITHUB_STEP_SUMMARY")
	f.StringVar(&g.json, "json", "", "`file` for the verdict as JSON; - is the standard output, instead of the table")
	f.StringVar(&g.junit, "junit", "", "`file` for the verdict as JUnit's XML")
	f.BoolVar(&g.quiet, "q", false, "write the verdict and what to do only, without the table")
}

// RegisterPlan defines the flag that asks for a plan instead of a verdict.
func (g *Flags) RegisterPlan(f *flag.FlagSet) {
	f.BoolVar(&g.plan, "plan", false, "say from one file how many samples changes of 1, 3, 5 and 10 % need; there is no verdict")
}

// AlsoWrites says that the command writes a file besides those of these flags, or none if it
// is empty: it must be another than they, and than those that are read.
func (g *Flags) AlsoWrites(path string) { g.besides = append(g.besides, path) }

// Check returns an error if flags contradict each other, or if a file of the verdict
// is one of those that are read or written besides.
func (g *Flags) Check(files ...string) error {
	switch {
	case !(g.config.Alpha > 0 && g.config.Alpha < 1):
		return fmt.Errorf("-alpha=%v: it must be more than 0 and less than 1, such as 0.05", g.config.Alpha)
	case g.markdown == "-":
		return errors.New("-markdown is appended to a file: - is none; the standard output has the table, or JSON with -json -")
	case g.junit == "-":
		return errors.New("-junit is written to a file: - is none; the standard output has the table, or JSON with -json -")
	case g.plan && (g.markdown != "" || g.junit != "" || g.waivers != "" || len(g.max.values)+len(g.min.values) > 0):
		return errors.New("-plan gives no verdict: leave out -markdown, -junit, -waivers, -max and -min")
	case g.json == "-" && g.quiet:
		return errors.New("-q and -json - are two things on the standard output: give one of them")
	}
	if same := atomicfile.Twice(slices.Concat(files, []string{g.waivers, g.markdown, g.json, g.junit}, g.besides), len(files)); same != "" {
		return fmt.Errorf("%s would be read and overwritten, or written twice\ngive another file", same)
	}
	return nil
}

// Config is what the flags say, with the waivers that are read from their file. The
// error is one of that file.
func (g *Flags) Config() (Config, error) {
	c := g.config
	c.Units, c.Thresholds, c.MaxUnseen = g.units, g.thresholds.values, g.unseen.values
	c.Max, c.Min = g.max.values, g.min.values
	c.Better, c.Exact = g.facts.better, g.facts.exact
	if g.missing == "warn" {
		c.Missing = Warn
	}
	if g.waivers == "" {
		return c, nil
	}
	f, err := inputfile.OpenStream(g.waivers)
	if err != nil {
		return c, fmt.Errorf("-waivers: %w", err)
	}
	defer f.Close()
	c.Waivers, err = ReadWaivers(f, g.waivers)
	return c, err
}

// unitList is the value of -units: units with commas.
type unitList []string

func (l *unitList) String() string { return strings.Join(*l, ",") }

func (l *unitList) Set(s string) error {
	for unit := range strings.SplitSeq(s, ",") {
		unit = strings.TrimSpace(unit)
		if unit == "" {
			return fmt.Errorf("it must be units with commas, for instance J/op,ns/op")
		}
		*l = append(*l, unit)
	}
	return nil
}

// A unitValues is the value of a flag that has a number for some units, as
// "J/op=3%,ns/op=5%". The flag may be repeated.
type unitValues struct {
	values map[string]float64
	// parse parses what is after the equals sign.
	parse func(string) (float64, error)
	// alone says that a number without a unit is one for all other units, which
	// has the key "".
	alone bool
}

func (v *unitValues) String() string {
	var list []string
	for unit, value := range v.values {
		list = append(list, fmt.Sprintf("%s=%v", unit, value))
	}
	slices.Sort(list)
	return strings.Join(list, ",")
}

func (v *unitValues) Set(s string) error {
	for part := range strings.SplitSeq(s, ",") {
		i := strings.LastIndex(part, "=") // a unit may have one
		unit, number := strings.TrimSpace(part[:max(0, i)]), strings.TrimSpace(part[i+1:])
		if unit == "" && (i >= 0 || !v.alone) {
			return fmt.Errorf("%q is no unit with an equals sign and a number", part)
		}
		value, err := v.parse(number)
		if err != nil {
			return err
		}
		if _, twice := v.values[unit]; twice {
			return fmt.Errorf("%s is there twice", part)
		}
		if v.values == nil {
			v.values = map[string]float64{}
		}
		v.values[unit] = value
	}
	return nil
}

// parseShare parses a share of the old value, such as "3%". Without the sign it
// is an error: 3 could mean 3 % or 300 %, and 0.03 as well.
func parseShare(s string) (float64, error) {
	digits, percent := strings.CutSuffix(s, "%")
	x, err := strconv.ParseFloat(strings.TrimSpace(digits), 64)
	if !percent || err != nil || !(x >= 0) || math.IsInf(x, 0) {
		return 0, fmt.Errorf("%q is no share in per cent, such as 3%%", s)
	}
	return x / 100, nil
}

// parseLimit parses a budget.
func parseLimit(s string) (float64, error) {
	x, err := strconv.ParseFloat(s, 64)
	if err != nil || math.IsNaN(x) || math.IsInf(x, 0) {
		return 0, fmt.Errorf("%q is no number for a budget, such as 0.9", s)
	}
	return x, nil
}

// unitFacts is the value of -unit, which says of a unit what a line "Unit ..." of
// a benchmark file says. The flag may be repeated.
type unitFacts struct {
	better map[string]int // -1 lower, +1 higher
	exact  map[string]bool
}

func (f *unitFacts) String() string { return "" }

func (f *unitFacts) Set(s string) error {
	words := strings.Fields(s)
	if len(words) < 2 {
		return fmt.Errorf("it must be a unit and what is known of it, for instance 'goodput-tokens/J better=higher'")
	}
	if f.better == nil {
		f.better, f.exact = map[string]int{}, map[string]bool{}
	}
	unit := words[0]
	for _, word := range words[1:] {
		direction := map[string]int{"better=lower": -1, "better=higher": 1}[word]
		switch {
		case f.better[unit]*direction < 0:
			return fmt.Errorf("%s is better both ways", unit)
		case direction != 0:
			f.better[unit] = direction
		case word == "assume=exact", word == "assume=nothing":
			f.exact[unit] = word == "assume=exact"
		default:
			return fmt.Errorf("%q is neither better=lower, better=higher, assume=exact nor assume=nothing", word)
		}
	}
	return nil
}
