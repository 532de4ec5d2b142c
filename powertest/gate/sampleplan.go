package gate

import (
	"io"
	"math"
	"slices"
)

// A SamplePlan says how many samples of each side changes need, from the samples of one
// file: so many that the change is significant with a probability of [Power], and that
// with the same probability Row.Unseen is no more than it where nothing has changed. The
// threshold is not part of it: it must be less than the change.
type SamplePlan struct {
	File  File
	Alpha float64
	// Family is how many comparisons there will be: the rows that are not exact.
	Family   int
	Changes  []float64 // as shares
	Rows     []PlanRow
	Reasons  []string // why the file cannot be used
	Warnings []string
}

// A PlanRow is a benchmark in one unit.
type PlanRow struct {
	Benchmark, Package, Unit, Config string // as those of a [Row]

	Exact bool // one sample is enough
	N     int  // samples that the plan is made of
	// Noise is that of one sample, as a share, and PairNoise that of the ratio of two
	// that ran one after the other; not numbers if the samples are too few.
	Noise, PairNoise float64
	// InstrumentError is that of a comparison, as of a Row: smaller changes are not
	// found with any number of samples. Not a number if there is none.
	InstrumentError float64
	// Unpaired and Paired are what the Mann-Whitney test of gate and the signed-rank
	// test of powertest ab need for each of Changes.
	Unpaired, Paired []Needed

	label string
}

// Name is as that of a Row.
func (r *PlanRow) Name() string { return (&Row{Benchmark: r.Benchmark, label: r.label}).Name() }

// Needed is a number of samples of each side.
type Needed struct {
	// Samples is 0 if it is not known, because too few samples say how large the noise
	// is, or if no number is enough, for the instrument's error or more than 10,000.
	Samples int
	// Low and High are what it may be as well: an interval with a confidence of about 80
	// % for noise that is normal. High is 0 if it has no end.
	Low, High int
}

// PlannedChanges are the shares that a plan is for.
var PlannedChanges = []float64{0.01, 0.03, 0.05, 0.10}

// PlanSamples makes a plan from a file of results, of which the configuration says what is
// judged. Errors are as those of [Judge]; where the file cannot be used, the plan has
// Reasons and no rows.
func PlanSamples(cfg Config, side Side) (*SamplePlan, error) {
	p, err := newPlan(cfg)
	if err != nil {
		return nil, err
	}
	var plan *SamplePlan
	err = withInputs([]Side{side}, func(in ...input) (err error) {
		plan, err = p.samples(in[0])
		return err
	})
	return plan, err
}

// PlanReader is PlanSamples on what a reader gives.
func PlanReader(cfg Config, name string, text io.Reader) (*SamplePlan, error) {
	p, err := newPlan(cfg)
	if err != nil {
		return nil, err
	}
	return p.samples(input{name, text})
}

// samples makes a plan from one side.
func (p *plan) samples(in input) (*SamplePlan, error) {
	j, err := p.readAlone(in, false)
	if err != nil {
		return nil, err
	}
	j.rowKeys()
	j.directions()
	j.rejected()
	j.named()
	s := &SamplePlan{File: File{j.sides[newSide].name, j.sides[newSide].used}, Alpha: j.alpha, Changes: PlannedChanges}
	for _, k := range j.order {
		s.Rows = append(s.Rows, j.planRows(k)...)
	}
	if len(s.Rows) == 0 && !j.broken {
		j.blameInput("nothing is planned: %s has none of the units that are judged; say which with -units", s.File.Name)
	}
	for _, x := range j.report.Rejected[:min(maxFaults, len(j.report.Rejected))] {
		j.report.warn("%s", x)
	}
	s.Reasons, s.Warnings = j.report.Reasons, j.report.Warnings
	if j.broken {
		s.Rows = nil
	}
	for i := range s.Rows {
		if !s.Rows[i].Exact {
			s.Family++
		}
	}
	for i := range s.Rows {
		s.Rows[i].plan(s)
	}
	return s, nil
}

// planRows are the rows of a benchmark, with their noise.
func (j *judging) planRows(k cellKey) (rows []PlanRow) {
	c, id, config := j.cells[k][newSide], j.identity(k), configString(k.config)
	for _, u := range j.judged {
		values := c.values(u)
		if len(values) == 0 {
			continue
		}
		r := PlanRow{
			Benchmark: id.benchmark, Package: id.pkg, label: id.label, Unit: u.name, Config: config, Exact: u.exact,
			N: len(values), Noise: nan, PairNoise: nan, InstrumentError: j.instrument(u, &pair{c, c}),
		}
		if logs, ok := logarithms(values); ok && !u.exact {
			r.Noise = symmetricScale(logs)
			r.PairNoise = symmetricScale(successive(values))
		}
		rows = append(rows, r)
	}
	return rows
}

// successive are the differences of the logarithms of values that follow one another, as
// if they were pairs of identical builds whose order is turned round each time: with what
// drifts in between.
func successive(values []float64) []float64 {
	var d []float64
	for i := range len(values) - 1 {
		sign := float64(1 - 2*(i%2))
		d = append(d, sign*(math.Log(values[i+1])-math.Log(values[i])))
	}
	slices.Sort(d)
	return d
}

// plan fills in how many samples each change needs.
func (r *PlanRow) plan(s *SamplePlan) {
	level := s.Alpha / float64(max(1, s.Family))
	instrument := (&Row{InstrumentError: r.InstrumentError}).instrument()
	for _, change := range s.Changes {
		if r.Exact {
			r.Unpaired, r.Paired = append(r.Unpaired, Needed{1, 1, 1}), append(r.Paired, Needed{1, 1, 1})
			continue
		}
		beyond := margin(change, instrument)
		r.Unpaired = append(r.Unpaired, neededFor(r.Noise, TestUnpaired, beyond, level, 0.7*float64(r.N-1)))
		r.Paired = append(r.Paired, neededFor(r.PairNoise, TestPaired, beyond, level, 0.45*float64(r.N-1)))
	}
}

// neededFor is how many samples a noise needs that is known with so many degrees of
// freedom: as many as the variance of its estimate has for normal noise, in simulations.
func neededFor(noise float64, test Test, margin, level, freedom float64) Needed {
	if math.IsNaN(noise) {
		return Needed{}
	}
	lower, upper := chiSquared(freedom, +1), chiSquared(freedom, -1)
	n := Needed{
		Samples: samplesNeeded(noise, test, margin, level),
		Low:     samplesNeeded(noise*math.Sqrt(freedom/lower), test, margin, level),
	}
	if n.Samples > 0 && upper > 0 {
		n.High = samplesNeeded(noise*math.Sqrt(freedom/upper), test, margin, level)
	}
	return n
}

// chiSquared is the ninth decile of the chi-squared distribution, or with -1 the first,
// by the formula of Wilson and Hilferty (PNAS 17, 1931).
func chiSquared(freedom, sign float64) float64 {
	v := 2 / (9 * freedom)
	root := 1 - v + sign*normalQuantile(scaleLevel)*math.Sqrt(v)
	return freedom * math.Max(0, root*root*root)
}
