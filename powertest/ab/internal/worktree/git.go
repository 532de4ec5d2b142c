package worktree

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/joulebench/joulebench/internal/process"
)

// A repository is the git repository around the working directory.
type repository struct {
	// top is the top of the user's work tree, and prefix the path from it to the
	// working directory; empty if that is the top.
	top, prefix string
}

// gitGrace is how long git may take to end after an interrupt.
const gitGrace = 10 * time.Second

// git runs git in a directory and returns what it writes, without the last newline.
// No hook is run, and the index is not refreshed.
func git(ctx context.Context, dir string, args ...string) (string, error) {
	return gitWith(ctx, dir, nil, args...)
}

// gitWith is git with more variables in its environment.
func gitWith(ctx context.Context, dir string, env []string, args ...string) (string, error) {
	c := exec.CommandContext(ctx, "git", append([]string{"-c", "core.hooksPath=" + os.DevNull}, args...)...)
	c.Dir = dir
	c.Env = append(gitEnvironment(os.Environ()), "GIT_OPTIONAL_LOCKS=0")
	c.Env = append(c.Env, env...)
	var out, errs bytes.Buffer
	c.Stdout, c.Stderr = &out, &errs
	if err := process.Run(c, gitGrace); err != nil {
		if ctx.Err() != nil {
			return "", ctx.Err()
		}
		if msg := strings.TrimSpace(errs.String()); msg != "" {
			return "", fmt.Errorf("git %s: %w: %s", args[0], err, msg)
		}
		return "", fmt.Errorf("git %s: %w", args[0], err)
	}
	return strings.TrimSuffix(out.String(), "\n"), nil
}

// gitEnvironment is the environment without the variables that point to a
// repository and an index. In a hook they are set, and would make git in another
// worktree write to the user's index.
func gitEnvironment(env []string) []string {
	return slices.DeleteFunc(env, func(e string) bool {
		name, _, _ := strings.Cut(e, "=")
		return slices.Contains(repositoryVariables, name)
	})
}

var repositoryVariables = []string{
	"GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX", "GIT_COMMON_DIR", "GIT_OBJECT_DIRECTORY", "GIT_NAMESPACE",
}

// openRepository finds the repository of the working directory.
func openRepository(ctx context.Context) (*repository, error) {
	out, err := git(ctx, ".", "rev-parse", "--show-toplevel", "--show-prefix")
	if err != nil {
		return nil, fmt.Errorf("the working directory is in no git repository: %w\nrun ab in one, or give -base-bin and -head-bin", err)
	}
	top, prefix, _ := strings.Cut(out, "\n")
	top, err = filepath.EvalSymlinks(filepath.FromSlash(top))
	return &repository{top: top, prefix: filepath.FromSlash(prefix)}, err
}

// commit returns the commit that a revision names.
func (r *repository) commit(ctx context.Context, rev string) (string, error) {
	return git(ctx, r.top, "rev-parse", "--verify", "--end-of-options", rev+"^{commit}")
}

// tracked reports whether git tracks a file of the work tree.
func (r *repository) tracked(ctx context.Context, path string) bool {
	_, err := git(ctx, r.top, "ls-files", "--error-unmatch", "--", path)
	return err == nil
}

// base returns the commit that is compared with, and what to call it.
func (r *repository) base(ctx context.Context, rev string) (name, commit string, err error) {
	if rev == "" {
		return r.defaultBase(ctx)
	}
	if commit, err = r.commit(ctx, rev); err != nil {
		return "", "", fmt.Errorf("-base %s is no revision of this repository: %w\nis the clone shallow? then fetch the revision", rev, err)
	}
	return rev, commit, nil
}

// defaultBase is the commit where the history of HEAD has left the default branch:
// what "origin/HEAD" points to, or else main or master.
func (r *repository) defaultBase(ctx context.Context) (name, commit string, err error) {
	branch, err := git(ctx, r.top, "symbolic-ref", "--quiet", "--short", "refs/remotes/origin/HEAD")
	if err != nil {
		list := []string{"origin/main", "origin/master", "main", "master"}
		i := slices.IndexFunc(list, func(b string) bool {
			_, err := r.commit(ctx, b)
			return err == nil
		})
		if i < 0 {
			return "", "", errors.New("there is no branch origin/HEAD, main or master\nsay with -base what to compare with")
		}
		branch = list[i]
	}
	commit, err = git(ctx, r.top, "merge-base", branch, "HEAD")
	if err != nil {
		return "", "", fmt.Errorf("HEAD and %s have no commit in common here: %w\nis the clone shallow? then fetch more of it, or say with -base what to compare with", branch, err)
	}
	return "where HEAD left " + branch, commit, nil
}

// head is the go command for the user's work tree.
func (r *repository) head(ctx context.Context) (tool, error) {
	commit, err := r.commit(ctx, "HEAD")
	if err != nil {
		return tool{}, err
	}
	changes, err := git(ctx, r.top, "status", "--porcelain", "--", ":(top)", ":(top,exclude,glob)**/ab.lock")
	if err != nil {
		return tool{}, err
	}
	if changes != "" {
		changes = ", with changes"
	}
	return tool{name: fmt.Sprintf("the head (%.12s%s)", commit, changes), root: r.top, dir: filepath.Join(r.top, r.prefix)}.keepingModules(ctx)
}

// unchanged reports whether a commit is HEAD, and the work tree is built as HEAD
// would be: no tracked file is changed, and no package that is built has a file of
// Go that is untracked. Other files, such as those with samples, make no difference.
func (r *repository) unchanged(ctx context.Context, head tool, commit string, patterns []string) (bool, error) {
	at, err := r.commit(ctx, "HEAD")
	if err != nil || at != commit {
		return false, err
	}
	changes, err := git(ctx, r.top, "status", "--porcelain", "--untracked-files=no")
	if err != nil || changes != "" {
		return false, err
	}
	dirs, err := head.directories(ctx, patterns)
	if err != nil {
		return false, err
	}
	untracked, err := git(ctx, r.top, "ls-files", "--others", "-z", "--", "*.go") // ignored ones too
	if err != nil {
		return false, err
	}
	return !slices.ContainsFunc(strings.Split(untracked, "\x00"), func(path string) bool {
		return slices.Contains(dirs, filepath.Dir(filepath.Join(r.top, filepath.FromSlash(path))))
	}), nil
}

// addWorktree checks a commit out at path, which must not exist.
func (r *repository) addWorktree(ctx context.Context, path, commit string) error {
	_, err := git(ctx, r.top, "worktree", "add", "--quiet", "--detach", path, commit)
	return err
}

// removeWorktree removes it, and git's notes of it, and of no other: "git worktree
// prune" would also forget those of the user that are on a disk which is not
// mounted now.
func (r *repository) removeWorktree(ctx context.Context, path string) error {
	list, err := git(ctx, r.top, "worktree", "list", "--porcelain")
	// The name of the temporary directory is unlike any other, and git may spell the
	// rest of the path in another way.
	if err != nil || !strings.Contains(list, filepath.Base(filepath.Dir(path))) {
		return err
	}
	// Twice: it is locked if git was killed when it made it.
	_, err = git(ctx, r.top, "worktree", "remove", "--force", "--force", path)
	return err
}

// A submodule is a directory of a tree that is a commit of another repository.
type submodule struct {
	path   string // slash-separated, below the top of the tree
	commit string
}

// submodules are those that a revision records, in the repository at top.
func submodules(ctx context.Context, top, commit string) ([]submodule, error) {
	out, err := git(ctx, top, "ls-tree", "-r", "-z", commit)
	if err != nil {
		return nil, err
	}
	var list []submodule
	for entry := range strings.SplitSeq(out, "\x00") {
		fields, path, _ := strings.Cut(entry, "\t")
		if f := strings.Fields(fields); len(f) == 3 && f[1] == "commit" {
			list = append(list, submodule{path, f[2]})
		}
	}
	return list, nil
}

// indexSubmodules are the directories of the submodules in the user's index.
func (r *repository) indexSubmodules(ctx context.Context) (dirs []string, err error) {
	out, err := git(ctx, r.top, "ls-files", "--stage", "-z")
	for entry := range strings.SplitSeq(out, "\x00") {
		if mode, _, _ := strings.Cut(entry, " "); mode == "160000" {
			_, path, _ := strings.Cut(entry, "\t")
			dirs = append(dirs, filepath.Join(r.top, filepath.FromSlash(path)))
		}
	}
	return dirs, err
}
