package energy

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
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

// ErrMalformed says that what was asked of a source cannot be understood.
var ErrMalformed = errors.New("malformed")

// ErrUnknownSource says that no source of the name is linked in.
var ErrUnknownSource = errors.New("unknown source")

// Open opens the linked-in source of the name. The error wraps
// [ErrUnknownSource] if there is none.
func Open(name, arg string, devices []string) (Source, error) {
	registry.Lock()
	open := registry.open[name]
	registry.Unlock()
	if open == nil {
		return nil, fmt.Errorf("%w %q: linked into this binary are %s", ErrUnknownSource, name, strings.Join(Registered(), ", "))
	}
	return open(arg, devices)
}
