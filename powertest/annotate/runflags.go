package annotate

import (
	"errors"
	"flag"
	"fmt"
	"strconv"
)

// runFlags are the flags that say which run of a result counts, and when it ended if the result
// does not say so.
type runFlags struct {
	number            int
	endNow, endOfFile bool
}

func (r *runFlags) register(f *flag.FlagSet) {
	f.Func("run", "which `run` of a result counts that is of several, from 1; by default the last", func(s string) (err error) {
		if r.number, err = strconv.Atoi(s); err != nil || r.number < 1 {
			return errors.New("it must be a number from 1")
		}
		return nil
	})
	f.BoolVar(&r.endNow, "end-now", false, "the run has just ended, of a result that says only how long it took")
	f.BoolVar(&r.endOfFile, "end-file", false, "the run ended when the file was written, of a result that says only how long it took; the default with a COMMAND")
}

// refuse returns an error if a flag was given, where there is no result.
func (r *runFlags) refuse() error {
	if r.number > 0 || r.endNow || r.endOfFile {
		return errors.New("-run, -end-now and -end-file are about a result\ngive that with -bench")
	}
	return nil
}

// apply adds the flags to the options of a result, with when its run began, if that was given.
// The error says which of them contradict one another.
func (r *runFlags) apply(o *Options, start string) (err error) {
	switch {
	case r.endNow && r.endOfFile, start != "" && (r.endNow || r.endOfFile):
		return errors.New("-start, -end-now and -end-file each say when the run was: give one")
	case r.endNow:
		o.RunEnd = EndNow
	case r.endOfFile:
		o.RunEnd = EndOfFile
	case start != "":
		if o.RunStart, err = ParseTime(start, o.Zone); err != nil {
			return fmt.Errorf("-start: %w", err)
		}
	}
	o.RunNumber = r.number
	return nil
}
