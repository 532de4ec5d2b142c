package sysfs

import (
	"fmt"
	"strings"

	"github.com/joulebench/joulebench/powertest/energy"
)

// ParseRoot parses what follows the name of a source in POWERTEST_SOURCE: nothing, or
// root=DIR. The error wraps [energy.ErrMalformed].
func ParseRoot(source, arg string) (root string, err error) {
	if arg == "" {
		return "", nil
	}
	key, root, _ := strings.Cut(arg, "=")
	if key != "root" || root == "" {
		return "", fmt.Errorf("%s: %w: %q is not root=DIR\nwrite %s, or %s=root=DIR with the folder below which the host's sys is", source, energy.ErrMalformed, arg, source, source)
	}
	return root, nil
}

// Register makes a source of files below a root known by its name. What follows the name in
// POWERTEST_SOURCE is as in [ParseRoot].
func Register[S energy.Source](source string, open func(root string, devices []string) (S, error)) {
	energy.Register(source, func(arg string, devices []string) (energy.Source, error) {
		root, err := ParseRoot(source, arg)
		if err != nil {
			return nil, err
		}
		s, err := open(root, devices)
		if err != nil {
			return nil, err // not s: a nil pointer in it is a non-nil energy.Source
		}
		return s, nil
	})
}
