package ab

import (
	"context"
	"crypto/sha256"
	"debug/buildinfo"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/joulebench/joulebench/internal/inputfile"
	"github.com/joulebench/joulebench/powertest/ab/internal/worktree"
)

// ErrSame says that the sides are one and the same: a verdict would pass whatever
// there is to be found.
var ErrSame = worktree.ErrSame

// builds are the binaries that are compared, and what identifies them.
type builds struct {
	packages []worktree.Package
	ids      parameters
	close    func()
}

// buildRevisions builds the work tree and another revision.
func buildRevisions(ctx context.Context, base string, patterns []string, report func(string, ...any)) (*builds, error) {
	w, err := worktree.Build(ctx, base, patterns, report)
	if err != nil {
		return nil, err
	}
	// The binaries of a base in a worktree are not the same twice, since its path is
	// in them: the commit identifies it.
	head, err := identity(w.Packages, Head)
	if err != nil {
		w.Close()
		return nil, err
	}
	return &builds{w.Packages, parameters{"base": w.Commit, "head": head}, w.Close}, nil
}

// readyBinaries are binaries that are built already, to be run in a directory. They
// must not be the same.
func readyBinaries(files [2]string, dir string) (*builds, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	if info, err := os.Stat(dir); err != nil || !info.IsDir() {
		return nil, fmt.Errorf("%s is no directory to run the binaries in", dir)
	}
	p := worktree.Package{Name: filepath.Base(dir)}
	for side, path := range files {
		if path, err = filepath.Abs(path); err != nil {
			return nil, err
		}
		p.Binaries[side] = worktree.Binary{Path: path, Dir: dir}
	}
	b := &builds{[]worktree.Package{p}, parameters{"directory": dir}, func() {}}
	for _, side := range []Side{Base, Head} {
		if b.ids[side.String()], err = identity(b.packages, side); err != nil {
			return nil, err
		}
	}
	if b.ids["base"] == b.ids["head"] {
		return nil, fmt.Errorf("%w: %s and %s are the same binary, byte for byte", ErrSame, files[Base], files[Head])
	}
	return b, nil
}

// identity is a hash of the contents of a side's binaries.
func identity(packages []worktree.Package, side Side) (string, error) {
	h := sha256.New()
	for _, p := range packages {
		path := p.Binaries[side].Path
		if path == "" {
			continue
		}
		fmt.Fprintf(h, "%s\n", p.Name)
		f, err := inputfile.Open(path)
		if err == nil {
			_, err = io.Copy(h, f)
			err = errors.Join(err, f.Close())
		}
		if err != nil {
			return "", fmt.Errorf("the binary of %s: %w", side, err)
		}
	}
	return fmt.Sprintf("%.16x", h.Sum(nil)), nil
}

// goVersions are the versions of Go that a side's binaries are built with, as far as
// they say so.
func goVersions(packages []worktree.Package, side Side) string {
	var list []string
	for _, p := range packages {
		info, err := buildinfo.ReadFile(p.Binaries[side].Path)
		if err == nil && !slices.Contains(list, info.GoVersion) {
			list = append(list, info.GoVersion)
		}
	}
	return strings.Join(list, " ")
}
