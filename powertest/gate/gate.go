package gate

import (
	"cmp"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/joulebench/joulebench/internal/inputfile"
)

// Side is one side of a comparison: a file in the Go benchmark format.
type Side struct {
	Label string // what reports call it; empty: the path
	Path  string // "-" is standard input
}

// ParseSide reads what benchstat takes as a file: a path, "-", or label=path.
func ParseSide(s string) Side {
	if label, path, ok := strings.Cut(s, "="); ok {
		return Side{Label: label, Path: path}
	}
	return Side{Label: s, Path: s}
}

// Judge compares two files of results of the same benchmarks. The error is about
// the use of the gate (ErrUsage) or about files that cannot be read (ErrInput);
// files with contents that cannot be judged give a report that says so.
func Judge(cfg Config, older, newer Side) (*Report, error) {
	if older.Path == "-" && newer.Path == "-" {
		return nil, fmt.Errorf("%w: only one side can be standard input", ErrUsage)
	}
	report, err := judgeSides(cfg, older, newer)
	if err != nil {
		return nil, err
	}
	before, err := os.Stat(older.Path)
	after, errAfter := os.Stat(newer.Path)
	if err == nil && errAfter == nil && os.SameFile(before, after) {
		report.warn("both sides are the same file: it was compared with itself")
	}
	return report, nil
}

// JudgeReaders is Judge on what two readers give. The names are those that the
// report calls the sides by.
func JudgeReaders(cfg Config, oldName string, oldText io.Reader, newName string, newText io.Reader) (*Report, error) {
	p, err := newPlan(cfg)
	if err != nil {
		return nil, err
	}
	return p.run(input{oldName, oldText}, input{newName, newText})
}

// Budget judges one file by the budgets Config.Max and Config.Min alone, without
// a baseline. Errors are as those of Judge.
func Budget(cfg Config, side Side) (*Report, error) { return judgeSides(cfg, side) }

// BudgetReader is Budget on what a reader gives.
func BudgetReader(cfg Config, name string, text io.Reader) (*Report, error) {
	p, err := newPlan(cfg)
	if err != nil {
		return nil, err
	}
	return p.run(input{name, text})
}

// input is what is read of a side, and what reports call it.
type input struct {
	name string
	io.Reader
}

// judgeSides judges the old side and the new one, or the new one alone.
func judgeSides(cfg Config, sides ...Side) (*Report, error) {
	p, err := newPlan(cfg)
	if err != nil {
		return nil, err
	}
	var report *Report
	err = withInputs(sides, func(list ...input) (err error) {
		report, err = p.run(list...)
		return err
	})
	return report, err
}

// withInputs opens the files of sides while something is done with them.
func withInputs(sides []Side, do func(list ...input) error) (err error) {
	var list []input
	for _, s := range sides {
		f := os.Stdin
		if s.Path != "-" {
			if f, err = inputfile.OpenStream(s.Path); err != nil {
				return fmt.Errorf("%w: %w", ErrInput, err)
			}
			defer f.Close()
		}
		list = append(list, input{cmp.Or(s.Label, s.Path), f})
	}
	return do(list...)
}

// run reads the sides and judges them; the new one by the budgets, if it is alone.
func (p *plan) run(sides ...input) (*Report, error) {
	p.alone = len(sides) == 1
	if p.alone && len(p.bounds) == 0 {
		return nil, fmt.Errorf("%w: without a baseline there must be a budget, as -max 'J/op=1.2'", ErrUsage)
	}
	t := newTable(p)
	for i, side := range sides {
		if err := t.read(i+2-len(sides), side.name, side); err != nil {
			return nil, err
		}
	}
	return judge(t), nil
}

// judge makes a report of a table.
func judge(t *table) *Report {
	t.sort()
	t.identify()
	r := &Report{Alpha: t.alpha, NewFile: File{t.sides[newSide].name, t.sides[newSide].used}}
	if !t.alone {
		r.OldFile = File{t.sides[oldSide].name, t.sides[oldSide].used}
	}
	j := &judging{table: t, report: r, waived: make([]bool, len(t.waivers))}
	j.inputs()
	j.rowKeys()
	j.directions()
	j.match()
	candidates := j.candidates()
	j.rejected()
	j.named()
	r.Family = statistics(candidates, t.alpha)
	judgeRows(candidates, t.alpha)
	j.unpaired(candidates)
	r.Rows = make([]Row, len(candidates))
	for i, c := range candidates {
		if r.Rows[i] = c.row; c.row.failed() {
			r.Rows[i].Waived = j.waiver(identity{c.row.Benchmark, c.row.Package, c.row.label}, c.row.Unit)
		}
	}
	j.outcome()
	return r
}
