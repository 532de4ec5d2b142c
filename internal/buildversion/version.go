// Package buildversion knows which version of this module is running.
package buildversion

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"
)

// Main returns the version of the main module of this binary, and "(devel)" where that
// is not known.
func Main() string {
	info, _ := debug.ReadBuildInfo()
	return version(info)
}

// Text returns the version, the revision that it was built from, if that is known, and
// whether the work tree was changed then, and the version of Go.
func Text() string {
	info, _ := debug.ReadBuildInfo()
	return text(info)
}

func version(info *debug.BuildInfo) string {
	if info != nil && info.Main.Version != "" {
		return info.Main.Version
	}
	return "(devel)"
}

func text(info *debug.BuildInfo) string {
	parts := []string{version(info)}
	if info != nil {
		set := map[string]string{}
		for _, s := range info.Settings {
			set[s.Key] = s.Value
		}
		if revision := set["vcs.revision"]; revision != "" {
			if set["vcs.modified"] == "true" {
				revision += " (modified)"
			}
			parts = append(parts, "revision "+revision)
		}
		if set["vcs.time"] != "" {
			parts = append(parts, "of "+set["vcs.time"])
		}
	}
	parts = append(parts, fmt.Sprintf("%s %s/%s", runtime.Version(), runtime.GOOS, runtime.GOARCH))
	return strings.Join(parts, ", ")
}
