package energy

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
)

// OpenFunc opens a source. arg is what follows the name and an equals sign in
// POWERTEST_SOURCE, such as a URL, and empty if nothing does. devices selects
// devices as the source documents; empty means its default choice. The error
// wraps [ErrMalformed] if arg cannot be right, whatever there is to open.
type OpenFunc func(arg string, devices []string) (Source, error)

var registry = struct {
	sync.Mutex
	open map[string]OpenFunc
}{open: map[string]OpenFunc{}}

// Register makes a source available by name. A source's package calls it from
// init, as a database/sql driver does, so that importing the package links the
// source in. Register panics if the name is taken.
func Register(name string, open OpenFunc) {
	registry.Lock()
	defer registry.Unlock()
	if _, dup := registry.open[name]; dup {
		panic("energy: source " + name + " registered twice")
	}
	registry.open[name] = open
}

// Registered returns the names of the linked-in sources, sorted.
func Registered() []string {
	registry.Lock()
	defer registry.Unlock()
	names := make([]string, 0, len(registry.open))
	for name := range registry.open {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// ErrMalformed means that what was asked of a source cannot be understood.
var ErrMalformed = errors.New("malformed")

// ErrUnknownSource means that no source of the name is linked in.
var ErrUnknownSource = errors.New("unknown source")

// Open opens the linked-in source of the name. The error wraps
// [ErrUnknownSource] if there is none.
//
// Several sources with plus signs between them, as [SplitSource] takes them, are opened and
// joined; devices are selectors of [Select] then, and selectors of a source's own, such as
// those of MIG instances, are not known. One that cannot be opened is [Unavailable] in the
// join, unless what was asked of it cannot be right or none could be opened.
func Open(name, arg string, devices []string) (Source, error) {
	value := name
	if arg != "" {
		value += "=" + arg
	}
	if parts := SplitSource(value); len(parts) > 1 {
		return openAll(parts, devices)
	}
	registry.Lock()
	open := registry.open[name]
	registry.Unlock()
	if open == nil {
		return nil, fmt.Errorf("%w%s: linked into this binary are %s", ErrUnknownSource, quotedName(name), strings.Join(Registered(), ", "))
	}
	return open(arg, devices)
}

// openAll opens several sources, each with all of its devices if some are to be selected,
// and joins them.
func openAll(parts, devices []string) (joined Source, err error) {
	var opened []Source
	defer func() {
		for _, src := range opened {
			if err != nil {
				_ = src.Close()
			}
		}
	}()
	var every []string
	if devices, err = Selectors(devices...); err != nil {
		return nil, err
	}
	if len(devices) > 0 {
		every = []string{"all"}
	}
	var failures []error
	for _, value := range parts {
		name, arg, _ := CutSource(value)
		src, err := Open(name, arg, every)
		switch {
		case errors.Is(err, ErrMalformed) || errors.Is(err, ErrUnknownSource):
			return nil, named(name, err)
		case err != nil:
			src = Unavailable(name, err)
			failures = append(failures, named(name, err))
		}
		opened = append(opened, src)
	}
	if len(failures) == len(parts) {
		return nil, errors.Join(failures...)
	}
	if joined, err = join(devices, opened); err != nil {
		return nil, errors.Join(append([]error{err}, failures...)...)
	}
	return joined, nil
}

// named returns an error with the name of its source before it, unless it has that already.
func named(name string, err error) error {
	if strings.HasPrefix(err.Error(), name+":") {
		return err
	}
	return fmt.Errorf("%s: %w", name, err)
}

// openGrace is how long a source that is being opened is waited for when its context has
// ended: one that is quick can still be measured after an interrupt.
const openGrace = 500 * time.Millisecond

// OpenContext is [Open], but for sources that take long, such as a large log: it ends
// half a second after ctx, whose error it returns then. What is opened later is closed.
func OpenContext(ctx context.Context, name, arg string, devices []string) (Source, error) {
	type opened struct {
		src Source
		err error
	}
	done := make(chan opened, 1)
	go func() {
		src, err := Open(name, arg, devices)
		done <- opened{src, err}
	}()
	select {
	case o := <-done:
		return o.src, o.err
	case <-ctx.Done():
	}
	select {
	case o := <-done:
		return o.src, o.err
	case <-time.After(openGrace):
	}
	go func() {
		if o := <-done; o.src != nil {
			_ = o.src.Close()
		}
	}()
	return nil, fmt.Errorf("%s: not opened: %w", name, ctx.Err())
}

// CutSource cuts a source as people name it, NAME or NAME=ARG, into what [Open] takes.
// Several in one, as in nvml+rapl, stay together, and [Open] splits them.
func CutSource(value string) (name, arg string, hasArg bool) { return strings.Cut(value, "=") }

// SplitSource splits sources as people name them, with plus signs between them:
// nvml+dcgm=http://host:9400+rapl. A plus sign can be a part of an address or of the name of
// a file, so that after an equals sign only one separates that stands before the name of a
// source and is followed by the end, an equals sign, or another that separates. Names are
// those of sources that are linked in, and others that are given.
func SplitSource(value string, others ...string) []string {
	names := append(Registered(), others...)
	var begins func(rest string) bool
	begins = func(rest string) bool {
		end := strings.IndexAny(rest, "=+")
		if end < 0 {
			return slices.Contains(names, rest)
		}
		return slices.Contains(names, rest[:end]) && (rest[end] == '=' || begins(rest[end+1:]))
	}
	var parts []string
	from, hasArg := 0, false
	for i := range len(value) {
		switch {
		case value[i] == '=':
			hasArg = true
		case value[i] == '+' && (!hasArg || begins(value[i+1:])):
			parts = append(parts, value[from:i])
			from, hasArg = i+1, false
		}
	}
	return append(parts, value[from:])
}

// quotedName is a name for an error: not if it is an address that was given instead of
// one, which can hold a password.
func quotedName(name string) string {
	if strings.ContainsAny(name, ":/@?#") {
		return ""
	}
	return fmt.Sprintf(" %q", name)
}
