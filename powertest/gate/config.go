package gate

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/perf/benchproc"
	"golang.org/x/perf/benchunit"
)

const (
	// DefaultThreshold is the share by which a median must have moved to be a
	// regression or an improvement, where Config.Thresholds does not say.
	DefaultThreshold = 0.03
	// DefaultAlpha is the probability with which files of one and the same build
	// may be called different in any of their rows.
	DefaultAlpha = 0.05

	// confidence is that of the intervals, as benchstat's.
	confidence = 0.95
)

// Policy says what a benchmark that a side lacks does.
type Policy int

const (
	// Fail: it cannot be judged, and so the files cannot.
	Fail Policy = iota
	// Warn: it is named, and that is all.
	Warn
)

// Config says what is judged, and how. Its zero value is the default.
//
// Units may be written as testing or as benchstat does: ns/op is sec/op, and the
// values of budgets are scaled with them.
type Config struct {
	// Filter, Row and Ignore are those of benchstat, in the syntax of
	// golang.org/x/perf/benchproc/syntax: which results are used, which are
	// samples of the same thing, and which configuration may differ. Their
	// defaults are "*", ".fullname" and "".
	Filter, Row, Ignore string

	// Units are the units to judge. If there are none, these are ns/op, J/op and
	// J/token. The units that a threshold, a budget or .unit: in the filter names
	// are judged as well.
	Units []string
	// Thresholds are the shares by which the median of a unit must have moved to
	// be judged: 0.03 is 3 %. That of "" is for units that are not named.
	Thresholds map[string]float64
	// MaxUnseen is by units what Row.Unseen may be: a row for which it is more is
	// inconclusive. That of "" is for units that are not named.
	MaxUnseen map[string]float64
	// Alpha is the probability of a false alarm in any of the rows; 0 is
	// DefaultAlpha.
	Alpha float64
	// Max and Min are budgets: what the median of the new side may be.
	Max, Min map[string]float64
	// Better says for units of which neither the files nor the gate knows it
	// whether less (-1) or more (+1) is better.
	Better map[string]int
	// Exact names units that are the same in every run, besides those for which
	// the files say assume=exact.
	Exact map[string]bool
	// Missing says what a benchmark that the new file lacks does, and a unit that
	// the old file lacks. A unit that only the new file lacks is always one for
	// which the files cannot be judged.
	Missing Policy
	// Waivers are regressions that are known and accepted.
	Waivers []Waiver
	// Now is the time at which waivers must not have expired; zero is time.Now.
	Now time.Time
}

// Check returns an error that wraps [ErrUsage] if a configuration cannot be right, as
// Judge does before it reads the sides.
func (c Config) Check() error {
	_, err := newPlan(c)
	return err
}

// bound is a budget.
type bound struct {
	unit  string
	kind  string // "max" or "min"
	limit float64
}

// plan is a Config that was checked, with tidy units.
type plan struct {
	alpha      float64
	filter     *benchproc.Filter
	unitFilter bool // the filter selects units
	config     *benchproc.Projection
	row        *benchproc.Projection
	residue    *benchproc.Projection

	judge      []string          // units, in order
	named      map[string]string // unit -> what asks for it, if it must be there
	thresholds map[string]float64
	unseen     map[string]float64
	bounds     []bound
	better     map[string]int
	exact      map[string]bool
	missing    Policy
	waivers    []Waiver
	now        time.Time
	alone      bool // there is no old side
	pools      bool // benchmarks of different names may be taken for one
}

func usage(format string, args ...any) error {
	return fmt.Errorf("%w: "+format, append([]any{ErrUsage}, args...)...)
}

// newPlan checks a configuration.
func newPlan(cfg Config) (*plan, error) {
	p := &plan{
		alpha:      cmp.Or(cfg.Alpha, DefaultAlpha),
		named:      map[string]string{},
		thresholds: map[string]float64{},
		unseen:     map[string]float64{},
		better:     map[string]int{},
		exact:      map[string]bool{},
		missing:    cfg.Missing,
		waivers:    cfg.Waivers,
		now:        cfg.Now,
	}
	if !(p.alpha > 0 && p.alpha < 1) {
		return nil, usage("alpha is %v and must be between 0 and 1", cfg.Alpha)
	}
	if p.now.IsZero() {
		p.now = time.Now()
	}
	if cfg.Missing != Fail && cfg.Missing != Warn {
		return nil, usage("there is no policy %d for missing benchmarks: it is fail or warn", cfg.Missing)
	}
	if err := p.projections(cfg); err != nil {
		return nil, err
	}
	if err := p.unitsOf(cfg); err != nil {
		return nil, err
	}
	return p, nil
}

// projections makes of the results what benchstat does: tables by configuration,
// rows by name.
func (p *plan) projections(cfg Config) (err error) {
	query, row := cmp.Or(cfg.Filter, "*"), cmp.Or(cfg.Row, ".fullname")
	if p.filter, err = benchproc.NewFilter(query); err != nil {
		return usage("filter: %w", err)
	}
	p.unitFilter = strings.Contains(query, ".unit")
	for _, unit := range filterUnits(query) {
		p.name(unit, "the filter")
	}
	p.pools = row != ".fullname" || cfg.Ignore != ""
	var parser benchproc.ProjectionParser
	if p.config, err = parser.Parse(".config", p.filter); err != nil {
		return usage("configuration: %w", err)
	}
	if p.row, err = parser.Parse(row, p.filter); err != nil {
		return usage("row: %w", err)
	}
	if _, err = parser.Parse(cfg.Ignore, p.filter); err != nil {
		return usage("ignore: %w", err)
	}
	p.residue = parser.Residue()
	return nil
}

// unitsOf takes over all that the configuration says of units.
func (p *plan) unitsOf(cfg Config) error {
	for _, u := range cfg.Units {
		if strings.TrimSpace(u) == "" {
			return usage("a unit to judge is empty")
		}
		p.judges(u, "the list of units to judge")
	}
	if len(cfg.Units) == 0 {
		for _, u := range defaultUnits {
			p.judge = append(p.judge, tidy(u))
		}
	}
	for _, s := range []struct {
		who          string
		shares, into map[string]float64
	}{{"threshold", cfg.Thresholds, p.thresholds}, {"limit of what may be unseen", cfg.MaxUnseen, p.unseen}} {
		for _, u := range slices.Sorted(maps.Keys(s.shares)) {
			share := s.shares[u]
			if !(share >= 0) || math.IsInf(share, 0) {
				return usage("the %s of %s is %v and must be a share, as 0.03 for 3 %%", s.who, unitName(u), share)
			}
			s.into[tidy(u)] = share
			if u != "" {
				p.judges(u, "a "+s.who)
			}
		}
	}
	for _, b := range []struct {
		kind   string
		limits map[string]float64
	}{{"max", cfg.Max}, {"min", cfg.Min}} {
		for _, u := range slices.Sorted(maps.Keys(b.limits)) {
			limit, t := benchunit.Tidy(b.limits[u], u)
			if math.IsNaN(limit) || math.IsInf(limit, 0) || u == "" {
				return usage("the budget %s of %s is %v and must be a number", b.kind, unitName(u), limit)
			}
			p.bounds = append(p.bounds, bound{t, b.kind, limit})
			p.judges(u, "a budget")
		}
	}
	for u, dir := range cfg.Better {
		if dir != -1 && dir != 1 {
			return usage("the better direction of %s is %d: it is -1 (lower) or +1 (higher)", u, dir)
		}
		p.better[tidy(u)] = dir
		p.name(u, "-unit")
	}
	for u, exact := range cfg.Exact {
		p.exact[tidy(u)] = exact
		p.name(u, "-unit")
	}
	return nil
}

// name records what asks for a unit, such as a flag: it must be there then.
func (p *plan) name(unit, who string) {
	if t := tidy(unit); p.named[t] == "" {
		p.named[t] = who
	}
}

// unitName is the unit of a threshold, for a sentence.
func unitName(u string) string {
	if u == "" {
		return "all other units"
	}
	return u
}

// judges adds a unit that is asked for to those that are judged.
func (p *plan) judges(unit, who string) {
	if t := tidy(unit); !slices.Contains(p.judge, t) {
		p.judge = append(p.judge, t)
	}
	p.name(unit, who)
}

// threshold returns the share by which the median of a unit must have moved. Of a
// unit that is exact, any change counts unless a threshold was asked for.
func (p *plan) threshold(unit string, exact bool) float64 {
	if share, ok := shareOf(p.thresholds, unit); ok {
		return share
	}
	if exact {
		return 0
	}
	return DefaultThreshold
}

// maxUnseen is what of a unit may be unseen; not a number if that is not asked.
func (p *plan) maxUnseen(unit string) float64 {
	if share, ok := shareOf(p.unseen, unit); ok {
		return share
	}
	return nan
}

// shareOf is the share of a unit, or else that of all others.
func shareOf(shares map[string]float64, unit string) (share float64, ok bool) {
	if share, ok = shares[unit]; !ok {
		share, ok = shares[""]
	}
	return share, ok
}

// The parts of a filter, of which only those are told apart that a unit may be in: an
// operator, or a key with what is after its colon. A value is a regular expression, a
// word, or a list of them in parentheses with OR in between; a word may be quoted.
var (
	filterQuoted = `"(?:\\.|[^"\\])*"`
	filterKey    = filterQuoted + `|[^\s():@,"*-][^\s():@,]*`
	filterWord   = `/(?:\\.|[^/\\])*/|` + filterQuoted + `|[^\s():@,"*/-][^\s():@,]*`

	filterList = `\((?:\s|` + filterWord + `)*\)`

	filterToken = regexp.MustCompile(`[-*()]|(` + filterKey + `)(?:\s*:\s*(` + filterWord + `|` + filterList + `))?`)
	filterValue = regexp.MustCompile(filterWord)
)

// filterUnits are the units that a filter names by .unit, and does not exclude: W
// and J/op of ".name:Chat .unit:(W OR J/op) -.unit:B/op". A regular expression
// names none. The filter must be one that benchproc takes.
func filterUnits(query string) (units []string) {
	excluded, minus := []bool{false}, false // excluded is by parenthesis
	for _, token := range filterToken.FindAllStringSubmatch(query, -1) {
		inside := excluded[len(excluded)-1]
		switch values := token[2]; {
		case token[0] == "-":
			minus = !minus
			continue
		case token[0] == "(":
			excluded = append(excluded, inside != minus)
		case token[0] == ")":
			excluded = excluded[:max(1, len(excluded)-1)]
		case values == "": // AND, OR, *
			continue
		case unquoted(token[1]) == ".unit" && inside == minus:
			for _, value := range filterValue.FindAllString(values, -1) {
				if value != "OR" && value[0] != '/' {
					units = append(units, unquoted(value))
				}
			}
		}
		minus = false
	}
	return units
}

// unquoted is a word without its quotes, if it has some.
func unquoted(word string) string {
	if s, err := strconv.Unquote(word); err == nil {
		return s
	}
	return word
}
