// Package worktree builds the test binaries of two revisions of a git repository:
// the head is the user's work tree as it is, and the base a commit, which is checked
// out to a temporary worktree and built from the same modules.
//
// The user's repository is only read, but for the worktree, which is removed again: by
// the run that has made it, or, if that was killed, by the next one.
package worktree

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// ErrSame says that the base and the head are one and the same.
var ErrSame = errors.New("there is nothing to compare")

// The revisions, as indexes.
const (
	Base = iota
	Head
)

// A Binary is the test binary of one package in one revision. The zero value says
// that the package has no tests there.
type Binary struct {
	Path string
	// Dir is where it is run: the directory of its package, which has its testdata.
	Dir string
}

// A Package is a package with its test binaries of both revisions.
type Package struct {
	Name     string // its import path
	Binaries [2]Binary
}

// Builds are the test binaries of two revisions.
type Builds struct {
	Packages []Package
	Names    [2]string // of the revisions, for people: "the base (main, 1a2b3c4d5e6f)"
	Commit   string    // of the base
	close    func()
}

// Close removes the binaries and the temporary worktree. What cannot be removed it
// reports to the function that Build was given.
func (b *Builds) Close() { b.close() }

// cleanTime is how long it may take to remove a worktree after an interrupt.
const cleanTime = time.Minute

// Build builds the tests of the packages that match the patterns in the repository
// around the working directory. base is a revision; if it is empty, it is the commit
// where HEAD has left the default branch. report is given each step. If the revisions
// are the same the error is [ErrSame]; after any error nothing is left.
func Build(ctx context.Context, base string, patterns []string, report func(format string, args ...any)) (_ *Builds, err error) {
	repo, err := openRepository(ctx)
	if err != nil {
		return nil, err
	}
	name, commit, err := repo.base(ctx, base)
	if err != nil {
		return nil, err
	}
	name = fmt.Sprintf("the base (%s, %.12s)", name, commit)
	head, err := repo.head(ctx)
	if err != nil {
		return nil, err
	}
	if patterns, err = relativePatterns(head.dir, patterns); err != nil {
		return nil, err
	}
	same, err := repo.unchanged(ctx, head, commit, patterns)
	if err != nil {
		return nil, err
	}
	if same {
		return nil, fmt.Errorf("%w: %s is HEAD, and the work tree has no changes\nsay with -base what to compare with", ErrSame, name)
	}
	repo.sweep(ctx, report)
	tmp, release, err := makeTemporary()
	if err != nil {
		return nil, err
	}
	tree := filepath.Join(tmp, treeName)
	b := &Builds{Names: [2]string{name, head.name}, Commit: commit, close: func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanTime)
		defer cancel()
		err := repo.removeWorktree(ctx, tree)
		release()
		if err := errors.Join(err, os.RemoveAll(tmp)); err != nil {
			report("the temporary worktree %s could not be removed: %v", tree, err)
		}
	}}
	defer func() {
		if err != nil {
			b.Close()
		}
	}()
	if err := repo.addWorktree(ctx, tree, commit); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	c := checkout{
		tool: tool{name: name, root: tree, dir: filepath.Join(tree, repo.prefix)},
		repo: repo, tmp: tmp, report: report,
	}
	tools := [2]tool{Head: head}
	if tools[Base], err = c.complete(ctx, head, commit); err != nil {
		return nil, err
	}
	b.Packages, err = buildAll(ctx, tools, patterns, tmp, report)
	return b, err
}

// relativePatterns makes patterns mean the same in both trees: absolute paths
// become relative ones.
func relativePatterns(dir string, patterns []string) ([]string, error) {
	if len(patterns) == 0 {
		return []string{"."}, nil
	}
	list := slices.Clone(patterns)
	for i, p := range list {
		if filepath.IsAbs(p) {
			rel, err := filepath.Rel(dir, p)
			if err != nil {
				return nil, err
			}
			list[i] = "./" + filepath.ToSlash(rel)
		}
	}
	return list, nil
}
