package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/joulebench/joulebench/powertest/gate"
)

// gateFlags are the flags that say how two sides are judged and where the verdict
// goes. Subcommands that end with a verdict have them too.
type gateFlags struct {
	subcommand string // whose flags they are, for messages

	filter, row, ignore string
	units               unitList
	thresholds          unitValues
	max, min            unitValues
	facts               unitFacts
	alpha               float64
	missing             string
	waivers             string

	markdown, json, junit string
	quiet                 bool
}

// register defines the flags.
func (g *gateFlags) register(f *flag.FlagSet) {
	g.subcommand = f.Name()
	g.thresholds = unitValues{parse: parseShare, alone: true}
	g.max, g.min = unitValues{parse: parseLimit}, unitValues{parse: parseLimit}
	f.StringVar(&g.filter, "filter", "*", "which benchmarks and units are judged, as a `query` of benchproc, for instance '.name:Chat'")
	f.StringVar(&g.row, "row", ".fullname", "what makes two results the same benchmark: `keys` of benchproc, such as .name or /users")
	f.StringVar(&g.ignore, "ignore", "", "`keys` that may differ between the sides, with commas, for instance power-limit")
	f.Var(&g.units, "units", "the `units` that are judged, with commas, instead of J/op and ns/op, and J/token where there is one")
	f.Var(&g.thresholds, "threshold", "how far the median must move, as `UNIT=SHARE`, with commas: 'J/op=3%,ns/op=5%'; a share alone, '5%', is that of all others")
	f.Var(&g.max, "max", "budgets that the new side must not exceed, as `UNIT=NUMBER`, with commas: 'J/token=0.9'; with them one file is enough")
	f.Var(&g.min, "min", "budgets that the new side must reach, as `UNIT=NUMBER`, with commas: 'tokens/J=1.1'")
	f.Var(&g.facts, "unit", "what is known of a unit, as in the line Unit of a benchmark file: '`UNIT better=higher`', 'UNIT assume=exact'; may be repeated")
	f.Float64Var(&g.alpha, "alpha", gate.DefaultAlpha, "`probability` of a false alarm, for all that is judged together")
	f.StringVar(&g.missing, "missing", "fail", "what follows if a benchmark is on the old side only, or a unit of it on the new side only: `fail or warn`")
	f.StringVar(&g.waivers, "waivers", "", "`file` of regressions that are accepted for a while: in each line a benchmark, a unit, a date and a reason")
	f.StringVar(&g.markdown, "markdown", "", "`file` that the verdict is appended to as Markdown, such as $GITHUB_STEP_SUMMARY")
	f.StringVar(&g.json, "json", "", "`file` for the verdict as JSON; - is the standard output, instead of the table")
	f.StringVar(&g.junit, "junit", "", "`file` for the verdict as JUnit's XML")
	f.BoolVar(&g.quiet, "q", false, "write the verdict and what to do only, without the table")
}

// check checks the flags against each other. files are what is read.
func (g *gateFlags) check(files ...string) error {
	switch {
	case !(g.alpha > 0 && g.alpha < 1):
		return fmt.Errorf("-alpha=%v: it must be more than 0 and less than 1, such as 0.05", g.alpha)
	case !slices.Contains([]string{"fail", "warn"}, g.missing):
		return fmt.Errorf("-missing=%s: it is fail or warn", g.missing)
	case g.markdown == "-":
		return errors.New("-markdown is appended to a file: - is none; the standard output has the table, or JSON with -json -")
	case g.junit == "-":
		return errors.New("-junit is written to a file: - is none; the standard output has the table, or JSON with -json -")
	case g.json == "-" && g.quiet:
		return errors.New("-q and -json - are two things on the standard output: give one of them")
	}
	if same := twice(append(files, g.waivers, g.markdown, g.json, g.junit), len(files)); same != "" {
		return fmt.Errorf("%s would be read and overwritten, or written twice: give another file", same)
	}
	return nil
}

// twice returns a path that is among the others, empty if there is none. The
// first read paths may be the same, since they are not written.
func twice(paths []string, read int) string {
	seen := map[string]bool{}
	for i, path := range paths {
		if path == "" || path == "-" {
			continue
		}
		abs, err := filepath.Abs(path)
		if err != nil {
			abs = path
		}
		if seen[abs] && i >= read {
			return path
		}
		seen[abs] = true
	}
	return ""
}

// config is what the judge is told. The error is one of the file of waivers.
func (g *gateFlags) config() (gate.Config, error) {
	c := gate.Config{
		Filter:     g.filter,
		Row:        g.row,
		Ignore:     g.ignore,
		Units:      g.units,
		Thresholds: g.thresholds.values,
		Alpha:      g.alpha,
		Max:        g.max.values,
		Min:        g.min.values,
		Better:     g.facts.better,
		Exact:      g.facts.exact,
		Missing:    gate.Fail,
	}
	if g.missing == "warn" {
		c.Missing = gate.Warn
	}
	if g.waivers == "" {
		return c, nil
	}
	f, err := os.Open(g.waivers)
	if err != nil {
		return c, fmt.Errorf("-waivers: %w", err)
	}
	defer f.Close()
	c.Waivers, err = gate.ReadWaivers(f, g.waivers)
	return c, err
}
