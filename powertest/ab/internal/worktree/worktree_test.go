package worktree

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

// repositoryOf is a repository with files, all of them committed but for those that
// git is to ignore.
func repositoryOf(t *testing.T, files map[string]string) *repository {
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
	return &repository{top: top}
}

// TestHooksEnvironment: what git sets for its hooks does not reach it.
func TestHooksEnvironment(t *testing.T) {
	assert.Equal(t, []string{"HOME=/h", "GIT_SSH=s"}, gitEnvironment([]string{"GIT_DIR=.git", "HOME=/h", "GIT_INDEX_FILE=i", "GIT_SSH=s", "GIT_WORK_TREE="}))
}

// TestRemovedWorktree: one that is gone already, or was never there, is no error,
// and those of the user stay.
func TestRemovedWorktree(t *testing.T) {
	repo := repositoryOf(t, map[string]string{"go.mod": "module example.com/x\n\ngo 1.24\n"})
	tree := filepath.Join(t.TempDir(), "powertest-ab-test", "base")
	require.NoError(t, repo.addWorktree(t.Context(), tree, "HEAD"))
	users := filepath.Join(t.TempDir(), "mine")
	require.NoError(t, repo.addWorktree(t.Context(), users, "HEAD"))
	require.NoError(t, os.RemoveAll(users)) // as if its disk were not mounted
	require.NoError(t, os.RemoveAll(tree))
	require.NoError(t, repo.removeWorktree(t.Context(), tree))
	require.NoError(t, repo.removeWorktree(t.Context(), tree))
	list, err := git(t.Context(), repo.top, "worktree", "list")
	require.NoError(t, err)
	assert.Contains(t, list, "mine")
	assert.NotContains(t, list, "powertest-ab-test")
}

func read(t *testing.T, elem ...string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(elem...))
	require.NoError(t, err)
	return string(b)
}

// TestBase: where the history has left the main branch, or what is asked for.
func TestBase(t *testing.T) {
	repo := repositoryOf(t, map[string]string{"a": "1"})
	main, err := repo.commit(t.Context(), "HEAD")
	require.NoError(t, err)
	_, _, err = repo.base(t.Context(), "no-such-branch")
	require.ErrorContains(t, err, "-base no-such-branch is no revision of this repository")
	for _, args := range [][]string{{"branch", "-m", "trunk"}, {"checkout", "-q", "-b", "feature"}} {
		_, err := git(t.Context(), repo.top, args...)
		require.NoError(t, err)
	}
	_, _, err = repo.base(t.Context(), "")
	require.ErrorContains(t, err, "there is no branch origin/HEAD, main or master\nsay with -base")
	for _, args := range [][]string{{"branch", "-m", "trunk", "master"}, {"commit", "-q", "--allow-empty", "-m", "more"}} {
		_, err := git(t.Context(), repo.top, args...)
		require.NoError(t, err)
	}
	name, commit, err := repo.base(t.Context(), "")
	require.NoError(t, err)
	assert.Equal(t, "where HEAD left master", name)
	assert.Equal(t, main, commit)
	name, commit, err = repo.base(t.Context(), "feature~0")
	require.NoError(t, err)
	assert.Equal(t, "feature~0", name)
	assert.NotEqual(t, main, commit)
}

// TestSubmodulesAreFilled with the files of the commit that the base records, and
// nothing is fetched.
func TestSubmodulesAreFilled(t *testing.T) {
	sub := repositoryOf(t, map[string]string{"weights": "old"})
	recorded, err := sub.commit(t.Context(), "HEAD")
	require.NoError(t, err)
	repo := repositoryOf(t, map[string]string{"a": "1"})
	require.NoError(t, os.Rename(sub.top, filepath.Join(repo.top, "sub")))
	for _, args := range [][]string{{"add", "sub"}, {"commit", "-q", "-m", "a submodule"}} {
		_, err := git(t.Context(), repo.top, args...)
		require.NoError(t, err)
	}
	list, err := submodules(t.Context(), repo.top, "HEAD")
	require.NoError(t, err)
	assert.Equal(t, []submodule{{"sub", recorded}}, list)
	require.NoError(t, os.WriteFile(filepath.Join(repo.top, "sub", "weights"), []byte("new"), 0o644))

	c := checkout{tool: tool{name: "the base", root: t.TempDir()}, repo: repo, tmp: t.TempDir()}
	dirs, err := c.fillSubmodules(t.Context(), repo.top, "HEAD")
	require.NoError(t, err)
	assert.Equal(t, []string{filepath.Join(repo.top, "sub")}, dirs)
	assert.Equal(t, "old", read(t, c.root, "sub", "weights"))
	indexed, err := repo.indexSubmodules(t.Context())
	require.NoError(t, err)
	assert.Equal(t, dirs, indexed)
	err = c.export(t.Context(), dirs[0], strings.Repeat("1", 40))
	require.ErrorContains(t, err, "git cat-file")
}

// TestReplacements: which of them are by a directory, and how they are changed.
func TestReplacements(t *testing.T) {
	var r replacement
	r.Old.Path, r.New.Path = "example.com/x", "../x"
	assert.True(t, r.local())
	assert.Equal(t, "-replace=example.com/x=/tmp/x", r.to("/tmp/x"))
	r.Old.Version, r.New.Path = "v1.2.3", filepath.Join(t.TempDir(), "x")
	assert.True(t, r.local())
	assert.Equal(t, "-replace=example.com/x@v1.2.3=/tmp/x", r.to("/tmp/x"))
	r.New.Path, r.New.Version = "example.com/fork", "v1.0.0"
	assert.False(t, r.local())
}

// TestRelativePatterns: what is an absolute path in one tree is a relative one in
// both.
func TestRelativePatterns(t *testing.T) {
	dir := t.TempDir()
	list, err := relativePatterns(dir, nil)
	require.NoError(t, err)
	assert.Equal(t, []string{"."}, list)
	list, err = relativePatterns(dir, []string{"./a/...", filepath.Join(dir, "b", "..."), filepath.Dir(dir)})
	require.NoError(t, err)
	assert.Equal(t, []string{"./a/...", "./b/...", "./.."}, list)
}

// TestSweep: what killed runs have left goes, of whatever stage; what is of a run that is
// there, of the user, or of others, stays.
func TestSweep(t *testing.T) {
	repo := repositoryOf(t, map[string]string{"go.mod": "module example.com/x\n\ngo 1.24\n"})
	tmp, err := filepath.EvalSymlinks(t.TempDir())
	require.NoError(t, err)
	t.Setenv("TMPDIR", tmp)
	makes := func() (dir string, release func()) {
		dir, release, err := makeTemporary()
		require.NoError(t, err)
		require.NoError(t, repo.addWorktree(t.Context(), filepath.Join(dir, treeName), "HEAD"))
		return dir, release
	}
	// killed is a run of which only what it has written is there.
	killed := func() string {
		dir, release := makes()
		owner := filepath.Join(dir, ownerName)
		text := read(t, owner)
		release()
		require.NoError(t, os.WriteFile(owner, []byte(text), 0o600))
		return dir
	}
	live, release := makes()
	defer release()
	users := filepath.Join(t.TempDir(), "mine")
	require.NoError(t, repo.addWorktree(t.Context(), users, "HEAD"))
	require.NoError(t, os.RemoveAll(users)) // as if its disk were not mounted
	named := filepath.Join(t.TempDir(), "powertest-ab-1x", "base")
	require.NoError(t, repo.addWorktree(t.Context(), named, "HEAD"))
	unmarked := filepath.Join(tmp, "powertest-ab-77", "base") // who knows
	require.NoError(t, repo.addWorktree(t.Context(), unmarked, "HEAD"))

	whole := killed()
	gone := killed()
	require.NoError(t, os.RemoveAll(gone)) // as after a restart
	half := killed()                       // git was killed, too
	require.NoError(t, os.Remove(filepath.Join(half, treeName, ".git")))
	_, err = git(t.Context(), repo.top, "worktree", "lock", "--reason", "initializing", filepath.Join(whole, treeName))
	require.NoError(t, err)
	before, release2, err := makeTemporary() // before there was a worktree
	require.NoError(t, err)
	release2()
	require.NoError(t, os.WriteFile(filepath.Join(before, ownerName), nil, 0o600))
	other := repositoryOf(t, map[string]string{"go.mod": "module example.com/y\n\ngo 1.24\n"})
	theirs := filepath.Join(tmp, "powertest-ab-78", "base")
	require.NoError(t, other.addWorktree(t.Context(), theirs, "HEAD"))
	require.NoError(t, os.WriteFile(filepath.Join(filepath.Dir(theirs), ownerName), nil, 0o600))
	linked := filepath.Join(tmp, "powertest-ab-79")
	victim := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(victim, ownerName), nil, 0o600))
	require.NoError(t, os.Symlink(victim, linked))

	var said []string
	repo.sweep(t.Context(), func(format string, args ...any) { said = append(said, fmt.Sprintf(format, args...)) })
	assert.Len(t, said, 3)
	for _, dir := range []string{whole, gone, half} {
		assert.Contains(t, strings.Join(said, "\n"), filepath.Join(dir, treeName)+", which a run that was killed has left, was removed")
	}
	for _, dir := range []string{whole, gone, half, before} {
		assert.NoDirExists(t, dir)
	}
	for _, path := range []string{live, named, unmarked, theirs, linked, filepath.Join(victim, ownerName)} {
		_, err := os.Lstat(path)
		assert.NoError(t, err)
	}
	list, err := git(t.Context(), repo.top, "worktree", "list")
	require.NoError(t, err)
	assert.Equal(t, 5, len(strings.Split(list, "\n")), "the user's tree, and four: %s", list)
	for _, path := range []string{live, users, named, unmarked} {
		assert.Contains(t, list, path)
	}
	repo.sweep(t.Context(), func(string, ...any) { t.Error("there is nothing more") })
}
