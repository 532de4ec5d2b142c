package main

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/joulebench/joulebench/powertest/ab"
)

// The sides are the binaries that are compared, and what identifies them.
type sides struct {
	packages []testPackage
	names    [2]string // for people
	ids      parameters
	// close removes what was made for them, and tells what it can't.
	close func()
}

// cleanTime is how long it may take to remove a worktree after an interrupt.
const cleanTime = time.Minute

// readyBinaries are sides that are built already.
func (o *abOptions) readyBinaries() (*sides, error) {
	dir := "."
	if len(o.patterns) == 1 {
		dir = o.patterns[0]
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	if info, err := os.Stat(dir); err != nil || !info.IsDir() {
		return nil, fmt.Errorf("%s is no directory to run the binaries in", dir)
	}
	s := &sides{names: [2]string{o.baseBin, o.headBin}, ids: parameters{"directory": dir}, close: func() {}}
	p := testPackage{name: filepath.Base(dir)}
	for side, path := range s.names {
		if path, err = filepath.Abs(path); err != nil {
			return nil, err
		}
		p.binaries[side] = binary{path: path, dir: dir}
	}
	s.packages = []testPackage{p}
	for _, side := range []ab.Side{ab.Base, ab.Head} {
		if err := s.identify(side); err != nil {
			return nil, err
		}
	}
	return s, s.checkSame()
}

// buildSides builds the sides: the head where it is, and the base in a temporary
// worktree, which close removes. If it fails nothing is left.
func (o *abOptions) buildSides(ctx context.Context, say func(string, ...any)) (_ *sides, err error) {
	r, err := o.revisions(ctx)
	if err != nil {
		return nil, err
	}
	repo, head := r.repo, r.head
	s := &sides{names: [2]string{r.baseName, head.side}, ids: parameters{"base": r.commit}}
	tmp, err := temporary()
	if err != nil {
		return nil, err
	}
	tree := filepath.Join(tmp, "base")
	s.close = func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanTime)
		defer cancel()
		if err := errors.Join(repo.removeWorktree(ctx, tree), os.RemoveAll(tmp)); err != nil {
			say("the temporary worktree %s could not be removed: %v", tree, err)
		}
	}
	defer func() {
		if err != nil {
			s.close()
		}
	}()
	if err := repo.addWorktree(ctx, tree, r.commit); err != nil {
		return nil, fmt.Errorf("%s: %w", s.names[ab.Base], err)
	}
	base := &toolchain{side: s.names[ab.Base], root: tree, dir: filepath.Join(tree, repo.prefix)}
	if err := (&checkout{toolchain: base, repo: repo, tmp: tmp, say: say}).complete(ctx, head, r.commit); err != nil {
		return nil, err
	}
	if s.packages, err = buildAll(ctx, [2]*toolchain{base, head}, r.patterns, tmp, say); err != nil {
		return nil, err
	}
	return s, s.identify(ab.Head)
}

// The revisions are what is to be built.
type revisions struct {
	repo             *repository
	head             *toolchain
	baseName, commit string // of the base
	patterns         []string
}

// revisions finds the base and the head, which must differ.
func (o *abOptions) revisions(ctx context.Context) (*revisions, error) {
	repo, err := openRepository(ctx)
	if err != nil {
		return nil, err
	}
	name, commit, err := repo.base(ctx, o.base)
	if err != nil {
		return nil, err
	}
	r := &revisions{repo: repo, baseName: fmt.Sprintf("the base (%s, %.12s)", name, commit), commit: commit}
	headName, err := repo.headName(ctx)
	if err != nil {
		return nil, err
	}
	r.head = &toolchain{side: headName, root: repo.top, dir: filepath.Join(repo.top, repo.prefix)}
	if err := r.head.keepModules(ctx); err != nil {
		return nil, err
	}
	if r.patterns, err = relativePatterns(r.head.dir, o.patterns); err != nil {
		return nil, err
	}
	return r, r.differ(ctx)
}

// temporary makes the directory for the worktree and the binaries.
func temporary() (string, error) {
	tmp, err := os.MkdirTemp("", "powertest-ab-*")
	if err != nil {
		return "", err
	}
	return filepath.EvalSymlinks(tmp)
}

// relativePatterns makes patterns mean the same in both trees: absolute paths
// become relative ones.
func relativePatterns(dir string, patterns []string) ([]string, error) {
	if len(patterns) == 0 {
		return []string{"."}, nil
	}
	list := make([]string, len(patterns))
	for i, p := range patterns {
		if list[i] = p; !filepath.IsAbs(p) {
			continue
		}
		rel, err := filepath.Rel(dir, p)
		if err != nil {
			return nil, err
		}
		list[i] = "./" + filepath.ToSlash(rel)
	}
	return list, nil
}

// headName is what to call the work tree.
func (r *repository) headName(ctx context.Context) (string, error) {
	commit, err := r.commit(ctx, "HEAD")
	if err != nil {
		return "", err
	}
	changed, err := r.changed(ctx)
	if changed {
		return fmt.Sprintf("the head (%.12s, with changes)", commit), err
	}
	return fmt.Sprintf("the head (%.12s)", commit), err
}

// identify notes the contents of a side's binaries, and what they are built with.
// Those of a base in a worktree are not the same twice, since its path is in them.
func (s *sides) identify(side ab.Side) error {
	h := sha256.New()
	for _, p := range s.packages {
		path := p.binaries[side].path
		if path == "" {
			continue
		}
		f, err := os.Open(path)
		if err != nil {
			return fmt.Errorf("the binary of %s: %w", side, err)
		}
		fmt.Fprintf(h, "%s\n", p.name)
		_, err = io.Copy(h, f)
		if err = errors.Join(err, f.Close()); err != nil {
			return fmt.Errorf("the binary of %s: %w", side, err)
		}
	}
	s.ids[side.String()] = fmt.Sprintf("%.16x", h.Sum(nil))
	return nil
}

// versions are the versions of Go that a side is built with.
func (s *sides) versions(side ab.Side) string {
	var list []string
	for _, p := range s.packages {
		if path := p.binaries[side].path; path != "" {
			if v := goVersion(path); v != "" && !strings.Contains(strings.Join(list, " "), v) {
				list = append(list, v)
			}
		}
	}
	return strings.Join(list, " ")
}
