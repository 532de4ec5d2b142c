package joulebench_test

import (
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const module = "github.com/joulebench/joulebench/"

// imports returns which packages of this module each of its packages imports, tests
// left out, by their folders.
func imports(t *testing.T) map[string]map[string]bool {
	t.Helper()
	all := map[string]map[string]bool{}
	require.NoError(t, filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		folder := filepath.ToSlash(filepath.Dir(path))
		if all[folder] == nil {
			all[folder] = map[string]bool{}
		}
		for _, spec := range file.Imports {
			name, err := strconv.Unquote(spec.Path.Value)
			if ours, found := strings.CutPrefix(name, module); err == nil && found {
				all[folder][ours] = true
			}
		}
		return nil
	}))
	return all
}

// TestArrows: who may import what, as CONTRIBUTING.md draws it.
func TestArrows(t *testing.T) {
	within := func(folder string, roots ...string) bool {
		for _, root := range roots {
			if folder == root || strings.HasPrefix(folder, root+"/") {
				return true
			}
		}
		return false
	}
	for from, list := range imports(t) {
		for to := range list {
			allowed := true
			switch {
			case within(from, "powertest/energy/internal"):
				allowed = false
			case from == "powertest/energy":
				allowed = within(to, "powertest/energy/internal")
			case within(from, "powertest/gate"):
				allowed = within(to, "internal")
			case strings.HasSuffix(from, "source"):
				allowed = to == "powertest/energy" || within(to, "internal")
			case from == "powertest":
				allowed = to == "powertest/energy" || to == "powertest/profile" || to == "powertest/tokens" || to == "nvmlsource" ||
					to == "raplsource" || within(to, "internal")
			case from == "powertest/profile" || from == "powertest/tokens":
				allowed = to == "powertest/energy" || within(to, "internal")
			case within(from, "internal"):
				allowed = to == "powertest/energy" || to == "simsource" || within(to, "internal")
			case from == "powertest/plot":
				allowed = to == "powertest" || to == "powertest/energy" || to == "powertest/gate" || within(to, "internal")
			case within(to, "powertest/ab", "powertest/annotate", "powertest/doctor", "powertest/plot", "powertest/series"):
				allowed = within(from, "powertest/cmd") || from == "examples/loadgen" && to == "powertest/plot" || within(from, "powertest/ab") && within(to, "powertest/ab") ||
					from == "powertest/doctor" && within(to, "powertest/doctor")
			}
			assert.True(t, allowed, "%s imports %s", from, to)
		}
	}
}
