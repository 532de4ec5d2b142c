package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
)

// errUsage says that the arguments cannot be followed; what is wrong has been
// reported.
var errUsage = errors.New("usage")

// parseFlags parses the arguments of the subcommand that f is named for. With -h
// it writes the usage and the flags to the standard output, and returns
// flag.ErrHelp; what is wrong with the arguments it writes to the standard error,
// and returns errUsage. exitOf has the exit code of either.
func parseFlags(f *flag.FlagSet, usage string, args []string, std stdio) error {
	f.SetOutput(io.Discard)
	f.Usage = func() {}
	switch err := f.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		fmt.Fprint(std.out, usage)
		f.SetOutput(std.out)
		f.PrintDefaults()
		return err
	case err != nil:
		fmt.Fprintf(std.err, "powertest %s: %v\npowertest %[1]s -h lists the flags.\n", f.Name(), err)
		return errUsage
	}
	return nil
}

// exitOf is the exit code after parseFlags has returned an error.
func exitOf(err error) int {
	if errors.Is(err, flag.ErrHelp) {
		return exitOK
	}
	return exitUsage
}

// given are the names of the flags that were given.
func given(f *flag.FlagSet) map[string]bool {
	set := map[string]bool{}
	f.Visit(func(g *flag.Flag) { set[g.Name] = true })
	return set
}
