package annotate

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/joulebench/joulebench/internal/atomicfile"
)

// eachFlags are the flags that annotate all runs below a folder.
type eachFlags struct {
	root   string
	dryRun bool
}

func (e *eachFlags) register(f *flag.FlagSet) {
	f.StringVar(&e.root, "each", "", "`directory` below which every result is joined with the log beside it, or in the nearest folder above; -log and -agg are names of files there, by default the only log and agg_RESULT")
	f.BoolVar(&e.dryRun, "n", false, "with -each, change nothing, and say what would be found")
}

// Backfill returns the folder of -each, if it was given, and what is asked for of the runs
// below it, in place of Options. The error says which flags contradict one another.
func (a *Flags) Backfill(rest []string, given map[string]bool) (root string, o EachOptions, err error) {
	sources := slices.Sorted(maps.Keys(a.sources))
	switch {
	case len(rest) > 0:
		err = fmt.Errorf("%q: the runs of -each have ended, and no command is run", rest[0])
	case len(a.results) > 0:
		err = fmt.Errorf("-each and %s: the results are those below the folder", slices.Sorted(maps.Keys(a.results))[0])
	case a.past.Given():
		err = errors.New("-start, -end and -last are of one window, and the runs of -each have their own\n-end-file takes the time of the file of a result that does not say it")
	case given["plot"]:
		err = errors.New("-plot draws one run, and -each has many\nannotate the one to be drawn by itself")
	case a.sidecar != "":
		err = errors.New("-sidecar is one file, and of -each each run has its own, beside its result")
	case len(sources) > 1:
		err = fmt.Errorf("%s: the energy comes from one of them", strings.Join(sources, " and "))
	case a.record == "-" && a.report == "-":
		err = errors.New("-benchfmt and -json would both be the standard output\ngive a file for one of them")
	case len(sources) > 0:
		err = a.checkSource(sources[0])
	}
	if err == nil {
		err = a.log.Check(given, len(sources) == 0 || sources[0] == "-log")
	}
	if same := atomicfile.Twice([]string{a.sources["-log"], a.sources["-trace"], a.record, a.report}, 2); err == nil && same != "" {
		err = fmt.Errorf("%s would be read and overwritten, or written twice\ngive another file", same)
	}
	if err != nil {
		return "", o, err
	}
	source := ""
	if len(sources) > 0 {
		source = sources[0]
	}
	a.options.Profile = profileOfEnvironment()
	a.name(source)
	if name := a.options.Source.forgets(); name != "" {
		return "", o, fmt.Errorf("%s: the source does not know the past\nleave it out for the log beside each result, or give -prometheus or -trace", name)
	}
	err = a.run.apply(&a.options, "")
	return a.each.root, EachOptions{Options: a.options, DryRun: a.each.dryRun}, err
}

// Backfills reports whether -each was given.
func (a *Flags) Backfills() bool { return a.each.root != "" }

// WriteBatch writes the files, and the table unless one of them is out.
func (a *Flags) WriteBatch(b Batch, out io.Writer) error {
	if same := atomicfile.Twice(append(b.files(), a.record, a.report), len(b.files())); same != "" {
		return fmt.Errorf("%s is a file of a run, or would be written twice\ngive another file for -benchfmt or -json", same)
	}
	err := writeTo("-benchfmt", a.record, out, b.WriteBenchmark)
	err = errors.Join(err, writeTo("-json", a.report, out, b.WriteJSON))
	if a.record != "-" && a.report != "-" {
		err = errors.Join(err, b.WriteTable(out))
	}
	return err
}
