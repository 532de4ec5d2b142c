package gate

import (
	"fmt"
	"io"
	"os"
	"strings"
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

func (s Side) label() string {
	if s.Label != "" {
		return s.Label
	}
	return s.Path
}

// open opens the side's file, or takes standard input.
func (s Side) open() (io.ReadCloser, error) {
	if s.Path == "-" {
		return io.NopCloser(os.Stdin), nil
	}
	f, err := os.Open(s.Path)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrInput, err)
	}
	return f, nil
}

// Judge compares two files of results of the same benchmarks. The error is about
// the use of the gate (ErrUsage) or about files that cannot be read (ErrInput);
// files with contents that cannot be judged give a report that says so.
func Judge(cfg Config, older, newer Side) (*Report, error) {
	if older.Path == "-" && newer.Path == "-" {
		return nil, fmt.Errorf("%w: only one side can be standard input", ErrUsage)
	}
	p, err := newPlan(cfg)
	if err != nil {
		return nil, err
	}
	oldFile, err := older.open()
	if err != nil {
		return nil, err
	}
	defer oldFile.Close()
	newFile, err := newer.open()
	if err != nil {
		return nil, err
	}
	defer newFile.Close()
	report, err := p.compare(older.label(), oldFile, newer.label(), newFile)
	if err != nil {
		return nil, err
	}
	if sameFile(oldFile, newFile) {
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
	return p.compare(oldName, oldText, newName, newText)
}

// Budget judges one file by the budgets Config.Max and Config.Min alone, without
// a baseline. Errors are as those of Judge.
func Budget(cfg Config, side Side) (*Report, error) {
	p, err := newPlan(cfg)
	if err != nil {
		return nil, err
	}
	f, err := side.open()
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return p.budget(side.label(), f)
}

// BudgetReader is Budget on what a reader gives.
func BudgetReader(cfg Config, name string, text io.Reader) (*Report, error) {
	p, err := newPlan(cfg)
	if err != nil {
		return nil, err
	}
	return p.budget(name, text)
}

// compare reads both sides and judges them.
func (p *plan) compare(oldName string, oldText io.Reader, newName string, newText io.Reader) (*Report, error) {
	t := newTable(p)
	for i, side := range []struct {
		name string
		r    io.Reader
	}{{oldName, oldText}, {newName, newText}} {
		if err := t.read(i, side.name, side.r); err != nil {
			return nil, err
		}
	}
	return judge(p, t), nil
}

// budget reads the new side and judges it by the budgets.
func (p *plan) budget(name string, text io.Reader) (*Report, error) {
	if len(p.bounds) == 0 {
		return nil, fmt.Errorf("%w: without a baseline there must be a budget, as -max 'J/op=1.2'", ErrUsage)
	}
	p.alone = true
	t := newTable(p)
	if err := t.read(newSide, name, text); err != nil {
		return nil, err
	}
	return judge(p, t), nil
}

// sameFile reports whether two opened sides are one file.
func sameFile(a, b io.ReadCloser) bool {
	fa, ok := a.(*os.File)
	fb, also := b.(*os.File)
	if !ok || !also {
		return false
	}
	ia, err := fa.Stat()
	if err != nil {
		return false
	}
	ib, err := fb.Stat()
	return err == nil && os.SameFile(ia, ib)
}

// judge makes a report of a table.
func judge(p *plan, t *table) *Report {
	t.sort()
	r := &Report{Alpha: p.alpha, NewFile: File{t.sides[newSide].name, t.sides[newSide].used}}
	if !p.alone {
		r.OldFile = File{t.sides[oldSide].name, t.sides[oldSide].used}
	}
	j := &judging{
		table: t, report: r,
		better: map[string]int{}, exactU: map[string]bool{},
		waived: make([]bool, len(p.waivers)),
	}
	j.inputs()
	j.rowKeys()
	j.metadata()
	j.match()
	candidates := j.candidates()
	j.rejected()
	j.named()
	rows, ps := statistics(candidates, p.alpha)
	r.Family = judgeRows(rows, ps, p.alpha)
	for i := range rows {
		if row := &rows[i]; row.failed() {
			row.Waived = j.waiver(row.Benchmark, row.Unit)
		}
	}
	r.Rows = rows
	j.outcome()
	return r
}
