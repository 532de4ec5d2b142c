package annotate

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/joulebench/joulebench/internal/progress"
	"github.com/joulebench/joulebench/powertest/energy"
)

// EachOptions say how the runs below a folder are annotated.
type EachOptions struct {
	// Options are those of all runs. Its Result, Command and Window are empty. Without a
	// source the log of a run is the one beside its result; a Log without a folder in its
	// name is the one of that name there, and an Aggregate, too. By default an aggregate is
	// the file agg_RESULT beside a result, if that is there.
	Options
	// DryRun changes nothing.
	DryRun bool
}

// A BatchRun is a result below a folder, and what was found.
type BatchRun struct {
	// Path is the result, or what could not be read, and Log where its energy is from.
	Path, Log string
	// Note says which file was chosen of several.
	Note string
	// Result is what was found, unless Err says why nothing was.
	Result Result
	Err    error

	aggregate string
}

// Valid reports whether the run has its energy.
func (r BatchRun) Valid() bool { return r.Err == nil && r.Result.Valid() }

// A Batch is what was found of all runs below a folder, sorted by their paths.
type Batch struct {
	Root string
	Runs []BatchRun
	// DryRun says that nothing was changed.
	DryRun bool
}

// Failed is how many runs have no energy.
func (b Batch) Failed() (n int) {
	for _, r := range b.Runs {
		if !r.Valid() {
			n++
		}
	}
	return n
}

// files are those of the runs.
func (b Batch) files() (list []string) {
	for _, r := range b.Runs {
		list = append(list, r.Path, r.Log, r.aggregate, ValidationPath(r.Path))
	}
	return list
}

// Each annotates every result below a folder with the log beside it. Where the energy of a
// run is valid it is added to the run's aggregate, if there is one, and what was found is
// written beside the result, as [Result.WriteValidation] does; where it is not, nothing is
// changed. A run that fails does not keep the others from being annotated. The error says
// that the folder can't be read, or is that of ctx.
func Each(ctx context.Context, root string, o EachOptions) (Batch, error) {
	root, err := filepath.EvalSymlinks(root)
	if err != nil {
		return Batch{}, fmt.Errorf("-each: %w", err)
	}
	t, err := readTree(ctx, root)
	if err != nil {
		return Batch{}, err
	}
	runs := o.recognise(ctx, t)
	o.join(t, runs)
	o.annotate(ctx, runs)
	runs = append(runs, t.broken...)
	slices.SortFunc(runs, func(a, b BatchRun) int { return strings.Compare(a.Path, b.Path) })
	return Batch{Root: root, Runs: runs, DryRun: o.DryRun}, ctx.Err()
}

// inParallel calls f with each number below n, on all processors, until ctx ends.
func inParallel(ctx context.Context, n int, f func(i int)) {
	var next atomic.Int64
	var wg sync.WaitGroup
	for range min(n, runtime.GOMAXPROCS(0)) {
		wg.Go(func() {
			for i := int(next.Add(1)) - 1; i < n && ctx.Err() == nil; i = int(next.Add(1)) - 1 {
				f(i)
			}
		})
	}
	wg.Wait()
}

// recognise returns the files that are results, by what is in them. One that can't be read is
// a run that fails if there is a log beside it. Lines of requests count only where there is
// no summary.
func (o EachOptions) recognise(ctx context.Context, t *tree) []BatchRun {
	var all []BatchRun
	for dir, f := range t.folders {
		for _, name := range f.results {
			all = append(all, BatchRun{Path: filepath.Join(dir, name)})
		}
	}
	is := make([]bool, len(all))
	inParallel(ctx, len(all), func(i int) {
		is[i], all[i].Err = isResult(all[i].Path)
		is[i] = is[i] || all[i].Err != nil && len(t.folders[filepath.Dir(all[i].Path)].logs) > 0
	})
	summary := map[string]bool{}
	var runs []BatchRun
	for i, r := range all {
		if is[i] {
			runs = append(runs, r)
			summary[filepath.Dir(r.Path)] = summary[filepath.Dir(r.Path)] || !isLines(r.Path)
		}
	}
	return slices.DeleteFunc(runs, func(r BatchRun) bool { return isLines(r.Path) && summary[filepath.Dir(r.Path)] })
}

func isLines(path string) bool { return strings.EqualFold(filepath.Ext(path), ".jsonl") }

// join finds the log and the aggregate of each run.
func (o EachOptions) join(t *tree, runs []BatchRun) {
	named := map[string]int{}
	for _, r := range runs {
		named[filepath.Dir(r.Path)]++
	}
	for i := range runs {
		r := &runs[i]
		dir, name := filepath.Split(r.Path)
		dir = filepath.Clean(dir)
		switch log := o.Source.Log; {
		case r.Err != nil:
			continue
		case log != "" && filepath.Base(log) == log:
			r.Log, r.Err = t.named(dir, log)
		case o.Source.given() == 0:
			r.Log, r.Note, r.Err = t.logOf(dir, name)
		}
		stem := strings.TrimSuffix(name, filepath.Ext(name))
		switch own := aggregatePrefix + stem + ".json"; {
		case o.Aggregate != "" && named[dir] > 1:
			r.Err = fmt.Errorf("%s would be of %d results in its folder\nwithout -agg it is %s that a result is added to", o.Aggregate, named[dir], own)
		case o.Aggregate != "":
			r.aggregate = filepath.Join(dir, o.Aggregate)
		case t.folders[dir].aggregates[own]:
			r.aggregate = filepath.Join(dir, own)
		}
	}
}

// named is the log of a name, in a folder or the nearest one above it.
func (t *tree) named(dir, name string) (string, error) {
	for at := dir; ; at = filepath.Dir(at) {
		path := filepath.Join(at, name)
		if info, err := os.Lstat(path); err == nil && info.Mode().IsRegular() {
			return path, nil
		}
		if at == t.root {
			return "", fmt.Errorf("there is no %s beside it, nor in a folder above", name)
		}
	}
}

// annotate annotates the runs. Those of one log share it, and are done one after the other.
func (o EachOptions) annotate(ctx context.Context, runs []BatchRun) {
	groups := map[string][]*BatchRun{}
	var order []string
	for i := range runs {
		r := &runs[i]
		key := cmp.Or(r.Log, r.Path)
		if groups[key] == nil {
			order = append(order, key)
		}
		groups[key] = append(groups[key], r)
	}
	slices.Sort(order)
	var done atomic.Int64
	line := progress.Of(ctx)
	defer line.Rest()
	ctx = progress.With(ctx, nil) // it shows how many runs are done, and not what each does
	inParallel(ctx, len(order), func(i int) {
		group := groups[order[i]]
		of := o.Options
		if log := group[0].Log; log != "" {
			of.Source.Log = log
		}
		if len(group) > 1 && of.Source.Log != "" {
			if src, err := of.openSource(ctx, of.Devices); err == nil {
				of.Source.shared = src
				defer src.Close()
			}
		}
		for _, r := range group {
			o.one(ctx, of, r)
			line.Part("annotating the runs", float64(done.Add(1))/float64(len(runs)))
		}
	})
	for i := range runs {
		if r := &runs[i]; r.Err == nil && r.Result.options.Result == "" {
			r.Err = cmp.Or(ctx.Err(), errors.New("it was not annotated"))
		}
	}
}

// one annotates a run.
func (o EachOptions) one(ctx context.Context, of Options, r *BatchRun) {
	if r.Err != nil || ctx.Err() != nil {
		return
	}
	of.Result, of.Aggregate, of.keepsInvalid = r.Path, r.aggregate, true
	if o.DryRun {
		of.Aggregate = ""
	}
	if r.Result, r.Err = Annotate(ctx, of); r.Err == nil && r.Valid() && !o.DryRun {
		r.Result.Measurement.Waited = 0 // the only thing that differs where it is done twice
		r.Err = r.Result.WriteValidation(ValidationPath(r.Path))
	}
}

// findings are why a run has no energy, in words.
func (r BatchRun) findings() []energy.Cause {
	var why []energy.Finding
	reasons := r.Result.Reasons()
	for _, f := range r.Result.Findings {
		if r.Result.spoils(f) && slices.Contains(reasons, f.Reason) {
			why = append(why, f)
		}
	}
	return energy.Causes(why)
}
