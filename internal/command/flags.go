package command

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
)

// flags returns the flags of the command, and what runs with them.
func (c Command) flags() (*flag.FlagSet, Action) {
	f := flag.NewFlagSet(c.Name, flag.ContinueOnError)
	return f, c.Define(f)
}

// Parse parses arguments, of which "help" alone asks for help. It writes nothing: the error
// wraps [flag.ErrHelp] if help is asked for, and otherwise says what helps.
func Parse(f *flag.FlagSet, args []string) error {
	f.SetOutput(io.Discard)
	f.Usage = func() {}
	if len(args) == 1 && args[0] == "help" {
		args = []string{"-help"}
	}
	err := f.Parse(args)
	if err == nil || errors.Is(err, flag.ErrHelp) {
		return err
	}
	return advised(f, err)
}

// given are the names of the flags that were given.
func given(f *flag.FlagSet) map[string]bool {
	set := map[string]bool{}
	f.Visit(func(g *flag.Flag) { set[g.Name] = true })
	return set
}

// advised is an error of parsing flags, with what helps.
func advised(f *flag.FlagSet, err error) error {
	if name, ok := strings.CutPrefix(err.Error(), "flag provided but not defined: "); ok {
		var names []string
		f.VisitAll(func(g *flag.Flag) { names = append(names, "-"+g.Name) })
		return unknown("flag", name, names)
	}
	// The flag package says of a time without a unit only that it is wrong.
	if what, ok := strings.CutSuffix(err.Error(), ": parse error"); ok {
		return errors.New(what + ": it must be a number, and of a time with its unit, such as 1.5s")
	}
	return err
}

// OneOf defines a flag whose value is one of some words, and by default value, which may be
// empty. usage says what it is for, and has no need to list them.
func OneOf(f *flag.FlagSet, to *string, name, value, usage string, words ...string) {
	*to = value
	f.Var(&choice{to, words}, name, usage)
}

// Time defines a flag whose value is a time of RFC 3339.
func Time(f *flag.FlagSet, to *time.Time, name, usage string) {
	f.Func(name, usage, func(s string) (err error) {
		if *to, err = time.Parse(time.RFC3339, s); err != nil {
			err = errors.New("it must be a time of RFC 3339, such as 2026-11-25T10:00:00Z")
		}
		return err
	})
}

// A choice is a flag whose value is one of some words.
type choice struct {
	to    *string
	words []string
}

func (c *choice) String() string {
	if c.to == nil {
		return ""
	}
	return *c.to
}

func (c *choice) Set(s string) error {
	if !slices.Contains(c.words, s) {
		return fmt.Errorf("it is %s%s", either(c.words), suggestion(s, c.words))
	}
	*c.to = s
	return nil
}

// Get makes the value that of a text, as package flag does for its own.
func (c *choice) Get() any { return c.String() }

// either lists words: "a, b or c".
func either(words []string) string {
	last := len(words) - 1
	if last == 0 {
		return words[0]
	}
	return strings.Join(words[:last], ", ") + " or " + words[last]
}

// Check returns an error if a flag of the command is in no group or in two, or a group has
// one that there is not.
func (c Command) Check() error {
	var list []error
	f, _ := c.flags()
	placed := map[string]bool{}
	for _, g := range c.Groups {
		for _, name := range g.Flags {
			switch {
			case placed[name]:
				list = append(list, fmt.Errorf("-%s is in two groups", name))
			case f.Lookup(name) == nil:
				list = append(list, fmt.Errorf("-%s is in a group, and is no flag", name))
			}
			placed[name] = true
		}
	}
	f.VisitAll(func(g *flag.Flag) {
		if !placed[g.Name] {
			list = append(list, fmt.Errorf("-%s is in no group", g.Name))
		}
	})
	return errors.Join(list...)
}
