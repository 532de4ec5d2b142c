package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
)

// errSubmodule says that the base cannot have the submodule that it records.
var errSubmodule = errors.New("the submodule is not here as the base records it")

// A submodule is a directory of a tree that is a commit of another repository.
type submodule struct {
	path   string // slash-separated, below the top of the tree
	commit string
}

// submodules are those that a revision records, in the repository of a directory.
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

// fillSubmodules writes the submodules of the checkout, each at the commit that the
// base records, from the user's own: a worktree of the superproject has empty
// directories there. One that the user has not checked out stays empty, for both
// sides alike.
func (c *checkout) fillSubmodules(ctx context.Context, commit string) error {
	return c.fill(ctx, c.repo.top, commit)
}

// fill fills the submodules of a commit of the user's repository at top, which is
// that of the superproject or of a submodule.
func (c *checkout) fill(ctx context.Context, top, commit string) error {
	list, err := submodules(ctx, top, commit)
	if err != nil {
		return err
	}
	for _, s := range list {
		from := filepath.Join(top, filepath.FromSlash(s.path))
		c.submodules = append(c.submodules, from)
		if !exists(filepath.Join(from, ".git")) {
			continue
		}
		if err := c.export(ctx, from, s.commit); err != nil {
			return fmt.Errorf("%s, %s: %w: %.12s cannot be checked out (git submodule update --init --recursive in a clone of that revision fetches it): %w",
				c.side, s.path, errSubmodule, s.commit, err)
		}
		if err := c.fill(ctx, from, s.commit); err != nil {
			return err
		}
	}
	return nil
}

// export writes the files of a commit of the user's submodule at from to where they
// belong in the checkout. Its index is a temporary one, and nothing is fetched, so
// that of the submodule everything stays as it is.
func (c *checkout) export(ctx context.Context, from, commit string) error {
	if err := gitLocal(ctx, from, "cat-file", "-e", commit+"^{commit}"); err != nil {
		return err
	}
	index := "GIT_INDEX_FILE=" + filepath.Join(c.tmp, fmt.Sprintf("submodule-%d.index", len(c.submodules)))
	to := filepath.ToSlash(c.counterpart(from)) + "/"
	if _, err := gitWith(ctx, from, []string{index}, "read-tree", commit); err != nil {
		return err
	}
	_, err := gitWith(ctx, from, []string{index}, "checkout-index", "--all", "--prefix="+to)
	return err
}

// gitLocal runs git for its exit code alone. It fetches nothing, not even what a
// partial clone lacks.
func gitLocal(ctx context.Context, dir string, args ...string) error {
	_, err := gitWith(ctx, dir, []string{"GIT_NO_LAZY_FETCH=1"}, args...)
	return err
}

// ofRevision reports whether what is at a path of the user's work tree belongs to a
// revision, the base's or another: git knows it, or it is in a submodule. The base
// must not be built from it there.
func (c *checkout) ofRevision(ctx context.Context, path string) bool {
	if !within(c.repo.top, path) {
		return false
	}
	in := func(dir string) bool { return within(dir, path) }
	return c.repo.tracked(ctx, filepath.Join(path, "go.mod")) || slices.ContainsFunc(c.submodules, in)
}

// headSubmodules notes the submodules of the user's index as well: the base may lack
// one that the head has.
func (c *checkout) headSubmodules(ctx context.Context) error {
	out, err := git(ctx, c.repo.top, "ls-files", "--stage", "-z")
	for entry := range strings.SplitSeq(out, "\x00") {
		if mode, _, _ := strings.Cut(entry, " "); mode == "160000" {
			_, path, _ := strings.Cut(entry, "\t")
			c.submodules = append(c.submodules, filepath.Join(c.repo.top, filepath.FromSlash(path)))
		}
	}
	return err
}
