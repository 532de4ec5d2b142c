package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// A repository is the git repository that ab is run in. It is only read, but for
// the worktree that is added for the base, and removed again.
type repository struct {
	// top is the top of the user's work tree, and prefix what leads from it to the
	// working directory; empty if that is the top.
	top, prefix string
}

// gitGrace is how long git may take to end after an interrupt.
const gitGrace = 10 * time.Second

// git runs git in a directory and returns what it writes, without the last newline.
// Of the user's environment the variables that point to a repository and an index
// are left out: in a hook they are set, and would make another worktree write to
// the user's index. No hook is run, and the index is not refreshed.
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
	interruptible(c, gitGrace)
	if err := c.Run(); err != nil {
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

// gitEnvironment is the environment without what git sets for its hooks.
func gitEnvironment(env []string) []string {
	var kept []string
	for _, e := range env {
		switch name, _, _ := strings.Cut(e, "="); name {
		case "GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX", "GIT_COMMON_DIR", "GIT_OBJECT_DIRECTORY", "GIT_NAMESPACE":
		default:
			kept = append(kept, e)
		}
	}
	return kept
}

// openRepository finds the repository of the working directory.
func openRepository(ctx context.Context) (*repository, error) {
	top, err := git(ctx, ".", "rev-parse", "--show-toplevel")
	if err != nil {
		return nil, fmt.Errorf("the base is a revision of the git repository around the working directory, or give -base-bin and -head-bin: %w", err)
	}
	prefix, err := git(ctx, ".", "rev-parse", "--show-prefix")
	if err != nil {
		return nil, err
	}
	if top, err = filepath.EvalSymlinks(filepath.FromSlash(top)); err != nil {
		return nil, err
	}
	return &repository{top: top, prefix: filepath.FromSlash(prefix)}, nil
}

// commit returns the commit that a revision names.
func (r *repository) commit(ctx context.Context, rev string) (string, error) {
	return git(ctx, r.top, "rev-parse", "--verify", "--end-of-options", rev+"^{commit}")
}

// changed reports whether the work tree differs from HEAD.
func (r *repository) changed(ctx context.Context) (bool, error) {
	out, err := git(ctx, r.top, "status", "--porcelain")
	return out != "", err
}

// tracked reports whether git knows a file of the work tree.
func (r *repository) tracked(ctx context.Context, path string) bool {
	_, err := git(ctx, r.top, "ls-files", "--error-unmatch", "--", path)
	return err == nil
}

// defaultBase is where the history of HEAD has left the default branch: what
// "origin/HEAD" points to, or else main or master.
func (r *repository) defaultBase(ctx context.Context) (name, commit string, err error) {
	branch, err := git(ctx, r.top, "symbolic-ref", "--quiet", "--short", "refs/remotes/origin/HEAD")
	if err != nil {
		for _, b := range []string{"origin/main", "origin/master", "main", "master", ""} {
			if branch = b; b == "" {
				return "", "", errors.New("there is no branch origin/HEAD, main or master: say with -base what to compare with")
			}
			if _, err := r.commit(ctx, b); err == nil {
				break
			}
		}
	}
	commit, err = git(ctx, r.top, "merge-base", branch, "HEAD")
	if err != nil {
		return "", "", fmt.Errorf("HEAD and %s have no commit in common that is here (is the clone shallow? then fetch more of it), so say with -base what to compare with: %w", branch, err)
	}
	return "where HEAD left " + branch, commit, nil
}

// base returns the commit that is compared with, and what to call it.
func (r *repository) base(ctx context.Context, rev string) (name, commit string, err error) {
	if rev == "" {
		return r.defaultBase(ctx)
	}
	if commit, err = r.commit(ctx, rev); err != nil {
		return "", "", fmt.Errorf("-base %s is no revision of this repository (is the clone shallow? then fetch it): %w", rev, err)
	}
	return rev, commit, nil
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
	_, err = git(ctx, r.top, "worktree", "remove", "--force", path)
	return err
}
