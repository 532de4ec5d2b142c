package worktree

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/joulebench/joulebench/internal/filelock"
	"github.com/joulebench/joulebench/internal/process"
)

const (
	// temporary is the name of the directory of a run, treeName that of the worktree in
	// it, and ownerName that of the file that the run holds as long as it is there.
	temporary, treeName, ownerName = "powertest-ab-*", "base", "owner"
)

// ours is the path of a worktree that a run has made.
var ours = regexp.MustCompile(`(^|[/\\])powertest-ab-[0-9]+[/\\]base$`)

// makeTemporary makes the directory of this run, which is its own until release.
func makeTemporary() (dir string, release func(), err error) {
	for range 10 { // another run may take a new one for abandoned
		if dir, err = os.MkdirTemp("", temporary); err != nil {
			return "", nil, err
		}
		if path, err := filepath.EvalSymlinks(dir); err == nil {
			dir = path
		}
		_, release, err = filelock.Hold(filepath.Join(dir, ownerName), process.Self())
		if err == nil {
			return dir, release, nil
		}
		_ = os.RemoveAll(dir)
	}
	return "", nil, fmt.Errorf("the temporary directory: %w", err)
}

// sweep removes what runs that were killed have left: their worktrees of this
// repository, and directories that have none. Those of runs that are there, and those of
// the user, stay.
func (r *repository) sweep(ctx context.Context, report func(string, ...any)) {
	list, err := git(ctx, r.top, "worktree", "list", "--porcelain")
	if err != nil {
		return // what keeps git from listing them is reported by what follows
	}
	for line := range strings.Lines(list) {
		path, is := strings.CutPrefix(strings.TrimRight(line, "\r\n"), "worktree ")
		if path = filepath.FromSlash(path); is && ours.MatchString(path) {
			r.sweepOne(ctx, path, report)
		}
	}
	left, _ := filepath.Glob(filepath.Join(os.TempDir(), temporary))
	for _, dir := range left {
		if _, err := os.Lstat(filepath.Join(dir, treeName, ".git")); errors.Is(err, fs.ErrNotExist) {
			if release, abandoned := abandoned(dir, report); abandoned {
				release()
				_ = os.RemoveAll(dir)
			}
		}
	}
}

// sweepOne removes a worktree of a run, with the directory that it is in, if that run is
// no more.
func (r *repository) sweepOne(ctx context.Context, tree string, report func(string, ...any)) {
	dir := filepath.Dir(tree)
	release := func() {}
	if _, err := os.Lstat(dir); !errors.Is(err, fs.ErrNotExist) {
		held, abandoned := abandoned(dir, report)
		if !abandoned {
			return
		}
		release = held
	}
	err := r.removeWorktree(ctx, tree)
	if err != nil {
		err = r.forgetWorktree(ctx, tree)
	}
	release()
	if err := errors.Join(err, os.RemoveAll(dir)); err != nil {
		report("%s, which a run that was killed has left, could not be removed: %v", tree, err)
		return
	}
	report("%s, which a run that was killed has left, was removed", tree)
}

// abandoned reports whether a directory is this user's, and the run that has made it is
// no more. What that run has started is ended.
func abandoned(dir string, report func(string, ...any)) (release func(), is bool) {
	if info, err := os.Lstat(dir); err != nil || !info.IsDir() {
		return nil, false
	}
	left, release, is := filelock.Abandoned(filepath.Join(dir, ownerName))
	if is {
		for _, p := range process.EndLeft(left) {
			report("%s, which a run that was killed has left, was ended", p)
		}
	}
	return release, is
}

// forgetWorktree removes git's notes of a worktree that git itself does not remove, since
// it was killed when it made it.
func (r *repository) forgetWorktree(ctx context.Context, tree string) error {
	common, err := git(ctx, r.top, "rev-parse", "--git-common-dir")
	if err != nil {
		return err
	}
	if !filepath.IsAbs(common) {
		common = filepath.Join(r.top, common)
	}
	entries, err := filepath.Glob(filepath.Join(common, "worktrees", "*", "gitdir"))
	for _, entry := range entries {
		text, failed := os.ReadFile(entry)
		if failed == nil && filepath.FromSlash(strings.TrimSpace(string(text))) == filepath.Join(tree, ".git") {
			err = errors.Join(err, os.RemoveAll(filepath.Dir(entry)))
		}
	}
	return err
}
