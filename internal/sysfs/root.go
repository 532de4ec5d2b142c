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
