package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"strings"

	"github.com/joulebench/joulebench/internal/terminal"
	"github.com/joulebench/joulebench/powertest/energy"
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
		complain(std.err, f.Name(), err)
		fmt.Fprintf(std.err, "powertest %s -h lists the flags.\n", f.Name())
		return exitUsage, false
	}
	return exitOK, true
}

// parseRole parses the value of a -role flag.
func parseRole(s string) (energy.Role, error) {
	selectors, name, found := strings.Cut(s, "=")
	if !found || strings.TrimSpace(selectors) == "" || strings.TrimSpace(name) == "" {
		return energy.Role{}, errors.New("it must be selectors, an equals sign and a role, for instance 0-3=prefill")
	}
	return energy.Role{Name: strings.TrimSpace(name), Devices: []string{selectors}}, nil
}

// complain writes an error of a subcommand: names and addresses in it are only text.
func complain(w io.Writer, name string, err error) {
	fmt.Fprintln(w, terminal.Text(fmt.Sprintf("powertest %s: %v", name, err)))
}

// given are the names of the flags that were given.
func given(f *flag.FlagSet) map[string]bool {
	set := map[string]bool{}
	f.Visit(func(g *flag.Flag) { set[g.Name] = true })
	return set
}
