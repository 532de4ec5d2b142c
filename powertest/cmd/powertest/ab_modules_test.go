package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// checkedOut makes a repository of files, commits them but for those that git is to
// ignore, and checks the commit out as ab does.
func checkedOut(t *testing.T, files map[string]string) (c *checkout, head *toolchain, said *[]string) {
	t.Helper()
	if _, err := exec.LookPath("git"); err != nil {
		t.Skip(err)
	}
	for name, value := range map[string]string{
		"GIT_CONFIG_GLOBAL": os.DevNull, "GOFLAGS": "", "GOWORK": "", "GOPROXY": "off", "GOTOOLCHAIN": "local",
		"GIT_AUTHOR_NAME": "n", "GIT_AUTHOR_EMAIL": "n@example.com", "GIT_COMMITTER_NAME": "n", "GIT_COMMITTER_EMAIL": "n@example.com",
	} {
		t.Setenv(name, value)
	}
	home, err := filepath.EvalSymlinks(t.TempDir())
	require.NoError(t, err)
	top := filepath.Join(home, "repo")
	for name, text := range files {
		path := filepath.Join(top, filepath.FromSlash(name))
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		require.NoError(t, os.WriteFile(path, []byte(strings.ReplaceAll(text, "TOP", filepath.ToSlash(top))), 0o644))
	}
	for _, args := range [][]string{{"init", "-q"}, {"add", "."}, {"commit", "-q", "-m", "all"}} {
		_, err := git(t.Context(), top, args...)
		require.NoError(t, err)
	}
	repo := &repository{top: top}
	tmp := filepath.Join(home, "powertest-ab-test")
	require.NoError(t, os.Mkdir(tmp, 0o755))
	tree := filepath.Join(tmp, "base")
	require.NoError(t, repo.addWorktree(t.Context(), tree, "HEAD"))
	said = &[]string{}
	c = &checkout{toolchain: &toolchain{side: "the base", root: tree, dir: tree}, repo: repo, tmp: tmp}
	c.say = func(format string, args ...any) { *said = append(*said, fmt.Sprintf(format, args...)) }
	head = &toolchain{side: "the head", root: top, dir: top}
	require.NoError(t, c.complete(t.Context(), head, "HEAD"))
	return c, head, said
}

func read(t *testing.T, elem ...string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(elem...))
	require.NoError(t, err)
	return string(b)
}

// TestVendoredPackages that git ignores are copied; those that it knows are the
// revision's.
func TestVendoredPackages(t *testing.T) {
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

// TestAbsoluteReplacements that lead into the work tree would make the base be built
// from the head.
func TestAbsoluteReplacements(t *testing.T) {
	c, head, said := checkedOut(t, map[string]string{
		"go.mod":     "module example.com/x\n\ngo 1.24\n\nreplace example.com/in v1.2.3 => TOP/in\n",
		"in/go.mod":  "module example.com/in\n\ngo 1.24\n",
		"out/go.mod": "module example.com/out\n\ngo 1.24\n",
	})
	assert.Empty(t, *said)
	assert.Contains(t, read(t, c.root, "go.mod"), "replace example.com/in v1.2.3 => "+filepath.Join(c.root, "in"))
	assert.Contains(t, read(t, head.root, "go.mod"), "=> "+filepath.ToSlash(head.root)+"/in", "the user's is as it was")
}

// TestTrackedWorkspace is the revision's own, and is not the user's.
func TestTrackedWorkspace(t *testing.T) {
	c, _, said := checkedOut(t, map[string]string{
		"go.work":  "go 1.24\n\nuse ./a\n",
		"a/go.mod": "module example.com/a\n\ngo 1.24\n",
	})
	assert.Empty(t, *said)
	assert.Contains(t, c.env, "GOWORK="+filepath.Join(c.root, "go.work"))
}

// TestNoWorkspace: go does not look for one above the checkout.
func TestNoWorkspace(t *testing.T) {
	c, _, _ := checkedOut(t, map[string]string{"go.mod": "module example.com/x\n\ngo 1.24\n"})
	assert.Contains(t, c.env, "GOWORK=off")
}

// TestHooksEnvironment: what git sets for its hooks does not reach it.
func TestHooksEnvironment(t *testing.T) {
	assert.Equal(t, []string{"HOME=/h", "GIT_SSH=s"}, gitEnvironment([]string{"GIT_DIR=.git", "HOME=/h", "GIT_INDEX_FILE=i", "GIT_SSH=s", "GIT_WORK_TREE="}))
}

// TestRemovedWorktree: one that is gone already, or was never there, is no error,
// and those of the user stay.
func TestRemovedWorktree(t *testing.T) {
	c, _, _ := checkedOut(t, map[string]string{"go.mod": "module example.com/x\n\ngo 1.24\n"})
	users := filepath.Join(t.TempDir(), "mine")
	require.NoError(t, c.repo.addWorktree(t.Context(), users, "HEAD"))
	require.NoError(t, os.RemoveAll(users)) // as if its disk were not mounted
	require.NoError(t, os.RemoveAll(c.root))
	require.NoError(t, c.repo.removeWorktree(t.Context(), c.root))
	require.NoError(t, c.repo.removeWorktree(t.Context(), c.root))
	list, err := git(t.Context(), c.repo.top, "worktree", "list")
	require.NoError(t, err)
	assert.Contains(t, list, "mine")
	assert.NotContains(t, list, "powertest-ab-test")
}
