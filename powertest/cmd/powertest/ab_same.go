package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/joulebench/joulebench/powertest/ab"
)

// errSame says that the sides are one and the same: a verdict would pass whatever
// there is to be found.
var errSame = errors.New("there is nothing to compare")

// differ returns an error if the base is HEAD, and the work tree is built as HEAD
// would be: no file that git knows is changed, and no package that is built has a
// file of Go that git does not know. Other files, such as those with samples, make
// no difference.
func (r *revisions) differ(ctx context.Context) error {
	at, err := r.repo.commit(ctx, "HEAD")
	if err != nil || at != r.commit {
		return err
	}
	changed, err := git(ctx, r.repo.top, "status", "--porcelain", "--untracked-files=no")
	if err != nil || changed != "" {
		return err
	}
	dirs, err := r.head.directories(ctx, r.patterns)
	if err != nil {
		return err
	}
	unknown, err := r.repo.unknownFiles(ctx, dirs)
	if err != nil || len(unknown) > 0 {
		return err
	}
	return fmt.Errorf("%w: %s is HEAD, and the work tree has no changes; say with -base what to compare with", errSame, r.baseName)
}

// directories are those of the packages that match and of all that they are built
// from, as far as they are in the tree.
func (t *toolchain) directories(ctx context.Context, patterns []string) ([]string, error) {
	args := slices.Concat([]string{"list", "-e", "-deps", "-test", "-f", "{{.Dir}}"}, t.flags, []string{"--"}, patterns)
	out, err := t.run(ctx, t.dir, args...)
	if err != nil {
		return nil, err
	}
	var dirs []string
	for dir := range strings.Lines(string(out)) {
		dir, err := filepath.EvalSymlinks(strings.TrimRight(dir, "\r\n"))
		if err == nil && within(t.root, dir) {
			dirs = append(dirs, dir)
		}
	}
	slices.Sort(dirs)
	return slices.Compact(dirs), nil
}

// unknownFiles are the files of Go that git does not know, ignored ones too, in some
// directories of the work tree.
func (r *repository) unknownFiles(ctx context.Context, dirs []string) (list []string, err error) {
	out, err := git(ctx, r.top, "ls-files", "--others", "-z", "--", "*.go")
	for path := range strings.SplitSeq(out, "\x00") {
		if slices.Contains(dirs, filepath.Dir(filepath.Join(r.top, filepath.FromSlash(path)))) {
			list = append(list, path)
		}
	}
	return list, err
}

// checkSame returns an error if ready binaries, which are run in one directory, are
// the same.
func (s *sides) checkSame() error {
	if s.ids[ab.Base.String()] != s.ids[ab.Head.String()] {
		return nil
	}
	return fmt.Errorf("%w: %s and %s are the same binary, byte for byte", errSame, s.names[ab.Base], s.names[ab.Head])
}
