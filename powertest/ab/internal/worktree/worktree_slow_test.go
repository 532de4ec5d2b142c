//go:build slow

package worktree

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// checkedOut is a commit of files that is checked out and completed as Build does, and
// the go commands for it and for the work tree.
func checkedOut(t *testing.T, files map[string]string) (base, head tool, said *[]string) {
	t.Helper()
	repo := repositoryOf(t, files)
	tmp := filepath.Join(filepath.Dir(repo.top), "powertest-ab-test")
	require.NoError(t, os.Mkdir(tmp, 0o755))
	tree := filepath.Join(tmp, "base")
	require.NoError(t, repo.addWorktree(t.Context(), tree, "HEAD"))
	said = &[]string{}
	c := checkout{tool: tool{name: "the base", root: tree, dir: tree}, repo: repo, tmp: tmp}
	c.report = func(format string, args ...any) { *said = append(*said, fmt.Sprintf(format, args...)) }
	head = tool{name: "the head", root: repo.top, dir: repo.top}
	base, err := c.complete(t.Context(), head, "HEAD")
	require.NoError(t, err)
	return base, head, said
}

// TestSlowVendoredPackages that git ignores are copied; those that it knows are the
// revision's.
func TestSlowVendoredPackages(t *testing.T) {
	files := map[string]string{
		"go.mod":             "module example.com/x\n\ngo 1.24\n",
		"vendor/modules.txt": "# nothing\n",
	}
	_, _, said := checkedOut(t, files)
	assert.Empty(t, *said)
	files[".gitignore"] = "vendor\n"
	c, _, said := checkedOut(t, files)
	require.Len(t, *said, 1)
	assert.Contains(t, (*said)[0], "vendor is taken for both sides: git does not know it")
	assert.Equal(t, "# nothing\n", read(t, c.root, "vendor", "modules.txt"))
}

// TestSlowAbsoluteReplacements that lead into the work tree would make the base be built
// from the head.
func TestSlowAbsoluteReplacements(t *testing.T) {
	c, head, said := checkedOut(t, map[string]string{
		"go.mod":     "module example.com/x\n\ngo 1.24\n\nreplace example.com/in v1.2.3 => TOP/in\n",
		"in/go.mod":  "module example.com/in\n\ngo 1.24\n",
		"out/go.mod": "module example.com/out\n\ngo 1.24\n",
	})
	assert.Empty(t, *said)
	assert.Contains(t, read(t, c.root, "go.mod"), "replace example.com/in v1.2.3 => "+filepath.Join(c.root, "in"))
	assert.Contains(t, read(t, head.root, "go.mod"), "=> "+filepath.ToSlash(head.root)+"/in", "the user's is as it was")
}

// TestSlowTrackedWorkspace is the revision's own, and is not the user's.
func TestSlowTrackedWorkspace(t *testing.T) {
	c, _, said := checkedOut(t, map[string]string{
		"go.work":  "go 1.24\n\nuse ./a\n",
		"a/go.mod": "module example.com/a\n\ngo 1.24\n",
	})
	assert.Empty(t, *said)
	assert.Contains(t, c.env, "GOWORK="+filepath.Join(c.root, "go.work"))
}

// TestSlowNoWorkspace: go does not look for one above the checkout.
func TestSlowNoWorkspace(t *testing.T) {
	c, _, _ := checkedOut(t, map[string]string{"go.mod": "module example.com/x\n\ngo 1.24\n"})
	assert.Contains(t, c.env, "GOWORK=off")
}
