package gate

import "io"

// Samples are the values that a benchmark file has of one benchmark in one unit.
type Samples struct {
	// Benchmark, Package, Unit and Config are as those of a [Row].
	Benchmark, Package, Unit, Config string
	Better                           int // -1: less is better, +1: more is, 0: that is not known
	// Values are in the order of the file, and Runs are as those of a [Summary].
	Values []float64
	Runs   []int
	// Errors are the half-widths of the instrument's intervals, in percent, one for each
	// value; nil if it is not said of all.
	Errors  []float64
	Summary Summary

	label string
}

// Name is as that of a [Row].
func (s *Samples) Name() string { return (&Row{Benchmark: s.Benchmark, label: s.label}).Name() }

// ReadSamples reads the results of a benchmark file as [JudgeReaders] does, in all units,
// in the order of reports. Of cfg count Filter, Row, Ignore and Better. The name is what the
// file is called. Warnings say how it was read, and what of it cannot be used. The error
// wraps [ErrUsage] or [ErrInput].
func ReadSamples(cfg Config, name string, text io.Reader) (list []Samples, warnings []string, err error) {
	p, err := newPlan(cfg)
	if err != nil {
		return nil, nil, err
	}
	j, err := p.readAlone(input{name, text}, true)
	if err != nil {
		return nil, nil, err
	}
	warnings = append(j.report.Reasons, j.report.Warnings...)
	for _, u := range j.units {
		u.better = j.sides[newSide].better(p, u.name)
	}
	for _, k := range j.order {
		c, id, config := j.cells[k][newSide], j.identity(k), configString(k.config)
		for _, col := range c.columns {
			sum := col.summary(p.exact[col.unit.name])
			s := Samples{
				Benchmark: id.benchmark, Package: id.pkg, label: id.label, Unit: col.unit.name, Config: config,
				Better: col.unit.better, Values: sum.Values, Runs: sum.Runs, Summary: sum,
			}
			if errors := j.errors(col.unit, c); len(errors) == len(col.values) {
				s.Errors = errors
			}
			list = append(list, s)
		}
	}
	return list, warnings, nil
}

// readAlone reads one side, alone, and reports what is wrong with it. All units are kept, or
// those that are judged.
func (p *plan) readAlone(in input, all bool) (*judging, error) {
	p.alone = true
	t := newTable(p)
	t.all = all
	if err := t.read(newSide, in.name, in); err != nil {
		return nil, err
	}
	t.sort()
	t.identify()
	j := &judging{table: t, report: &Report{}}
	j.inputs()
	return j, nil
}

// better is the direction of a unit: as the user says, else the file, else as the gate knows.
func (s *side) better(p *plan, unit string) int {
	if dir := p.better[unit]; dir != 0 {
		return dir
	}
	if meta := s.units.Get(unit, "better"); meta != nil {
		return map[string]int{"lower": -1, "higher": +1}[meta.Value]
	}
	return builtinBetter(unit)
}

// LooksLikeBenchmarks reports whether text has a result, whatever is before it on its line.
func LooksLikeBenchmarks(text []byte) bool { return result.Match(colours.ReplaceAll(text, nil)) }
