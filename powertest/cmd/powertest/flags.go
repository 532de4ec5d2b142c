package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"strings"
)

// parseFlags parses the arguments of the subcommand that f is named for, and reports
// whether it goes on. If not, code is the exit code: with -h the usage and the flags
// are on the standard output, and else what is wrong on the standard error.
func parseFlags(f *flag.FlagSet, usage string, args []string, std stdio) (code int, ok bool) {
	f.SetOutput(io.Discard)
	f.Usage = func() {}
	switch err := f.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		fmt.Fprint(std.out, usage)
		f.SetOutput(std.out)
		f.PrintDefaults()
		return exitOK, false
	case err != nil:
		// The flag package says of a time without a unit only that it is wrong.
		if what, found := strings.CutSuffix(err.Error(), ": parse error"); found {
			err = errors.New(what + ": it must be a number, and of a time with its unit, such as 1.5s")
		}
		fmt.Fprintf(std.err, "powertest %s: %v\npowertest %[1]s -h lists the flags.\n", f.Name(), err)
		return exitUsage, false
	}
	return exitOK, true
}

// given are the names of the flags that were given.
func given(f *flag.FlagSet) map[string]bool {
	set := map[string]bool{}
	f.Visit(func(g *flag.Flag) { set[g.Name] = true })
	return set
}
