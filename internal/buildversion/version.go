// Package buildversion knows which version of this module is running.
package buildversion

import "runtime/debug"

// Main returns the version of the main module of this binary, and "(devel)" where that
// is not known.
func Main() string {
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "(devel)"
}
