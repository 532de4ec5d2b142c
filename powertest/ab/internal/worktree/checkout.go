package worktree

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// errSubmodule says that the base cannot have the submodule that it records.
var errSubmodule = errors.New("the submodule is not here as the base records it")

// A checkout is the temporary worktree of the base. Untracked files of the user's
// work tree are not in it, and relative paths that lead out of the repository lead
// nowhere: so that it is built from the same modules as the head, it is completed.
type checkout struct {
	tool
	repo   *repository
	tmp    string // the directory that it is in
	report func(string, ...any)
}

// complete writes the submodules of the commit, and makes go.work, replace
// directives and vendored packages mean what they mean in the user's work tree. It
// returns the go command with which the checkout is built.
func (c checkout) complete(ctx context.Context, head tool, commit string) (tool, error) {
	filled, err := c.fillSubmodules(ctx, c.repo.top, commit)
	if err != nil {
		return tool{}, err
	}
	others, err := c.repo.indexSubmodules(ctx) // the base may lack one that the head has
	if err != nil {
		return tool{}, err
	}
	if !exists(c.dir) {
		return tool{}, fmt.Errorf("%s has no directory %s\nrun ab in one that both sides have", c.name, filepath.ToSlash(filepath.Clean(c.repo.prefix)))
	}
	m := mapping{checkout: c, submodules: slices.Concat(filled, others)}
	work, err := m.workFile(ctx, head)
	if err != nil {
		return tool{}, err
	}
	m.tool = m.with("GOWORK=" + work)
	if work != "off" {
		if err := m.vendor(ctx, filepath.Dir(work)); err != nil {
			return tool{}, err
		}
	}
	return m.tool, m.modules(ctx)
}

// fillSubmodules writes the submodules that a commit of the user's repository at top
// records, each at that commit, from the user's own: a worktree of the superproject
// has empty directories there. One that the user has not checked out stays empty,
// for both sides alike. It returns the directories of all in the user's work tree.
func (c checkout) fillSubmodules(ctx context.Context, top, commit string) (dirs []string, err error) {
	list, err := submodules(ctx, top, commit)
	if err != nil {
		return nil, err
	}
	for _, s := range list {
		from := filepath.Join(top, filepath.FromSlash(s.path))
		dirs = append(dirs, from)
		if !exists(filepath.Join(from, ".git")) {
			continue
		}
		if err := c.export(ctx, from, s.commit); err != nil {
			return nil, fmt.Errorf("%s, %s: %w: %.12s cannot be checked out: %w\ngit submodule update --init --recursive in a clone of that revision fetches it",
				c.name, s.path, errSubmodule, s.commit, err)
		}
		nested, err := c.fillSubmodules(ctx, from, s.commit)
		if err != nil {
			return nil, err
		}
		dirs = append(dirs, nested...)
	}
	return dirs, nil
}

// export writes the files of a commit of the user's submodule at from to where they
// belong in the checkout. Its index is a temporary one, and nothing is fetched, not
// even what a partial clone lacks, so that the submodule stays as it is.
func (c checkout) export(ctx context.Context, from, commit string) error {
	if _, err := gitWith(ctx, from, []string{"GIT_NO_LAZY_FETCH=1"}, "cat-file", "-e", commit+"^{commit}"); err != nil {
		return err
	}
	dir, err := os.MkdirTemp(c.tmp, "submodule-*")
	if err != nil {
		return err
	}
	index := []string{"GIT_INDEX_FILE=" + filepath.Join(dir, "index")}
	if _, err := gitWith(ctx, from, index, "read-tree", commit); err != nil {
		return err
	}
	to := filepath.ToSlash(transplant(c.repo.top, c.root, from)) + "/"
	_, err = gitWith(ctx, from, index, "checkout-index", "--all", "--prefix="+to)
	return err
}

// A mapping relates paths of the user's work tree to those of the checkout.
type mapping struct {
	checkout
	// submodules are the directories of submodules in the user's work tree, of the
	// base and of the head.
	submodules []string
}

// workFile is what GOWORK is to be for the base: the revision's own go.work, where
// it has the one that the head is built with, and a copy where that one is untracked
// or outside of the repository.
func (m mapping) workFile(ctx context.Context, head tool) (string, error) {
	out, err := head.run(ctx, head.dir, "env", "GOWORK")
	if err != nil {
		return "", err
	}
	work := strings.TrimSpace(string(out))
	switch work {
	case "off":
		return work, nil
	case "":
		return m.ownWork(), nil
	}
	if path, err := filepath.EvalSymlinks(work); err == nil {
		work = path
	}
	same := m.counterpart(work)
	switch inside := within(m.repo.top, work); {
	case inside && exists(same):
		return same, nil
	case inside && m.repo.tracked(ctx, work): // the head has it, and the base had none yet
		return m.ownWork(), nil
	}
	return m.copyWork(ctx, work)
}

// ownWork is the go.work that go would find in the checkout, and "off" if there is
// none: go would search on above.
func (m mapping) ownWork() string {
	for dir := m.dir; within(m.root, dir); dir = filepath.Dir(dir) {
		if path := filepath.Join(dir, "go.work"); exists(path) {
			return path
		}
	}
	return "off"
}

// copyWork copies a go.work to the temporary directory, where its relative paths
// lead to the checkout if they are in the repository, and to where they led before
// if not.
func (m mapping) copyWork(ctx context.Context, work string) (string, error) {
	path := filepath.Join(m.tmp, "base.work")
	for from, to := range map[string]string{work: path, work + ".sum": path + ".sum"} {
		b, err := os.ReadFile(from)
		if errors.Is(err, fs.ErrNotExist) && from != work {
			continue
		}
		if err := errors.Join(err, os.WriteFile(to, b, 0o644)); err != nil {
			return "", err
		}
	}
	var file struct {
		Use     []struct{ DiskPath string }
		Replace []replacement
	}
	editor := m.with("GOWORK=off")
	if err := editor.decode(ctx, m.tmp, &file, "work", "edit", "-json", path); err != nil {
		return "", err
	}
	args := []string{"work", "edit"}
	for _, u := range file.Use {
		args = append(args, "-dropuse="+u.DiskPath)
		if dir := m.moved(ctx, filepath.Dir(work), u.DiskPath); isModule(dir) {
			args = append(args, "-use="+dir)
		}
	}
	for _, r := range file.Replace {
		if r.local() {
			args = append(args, r.to(m.moved(ctx, filepath.Dir(work), r.New.Path)))
		}
	}
	_, err := editor.run(ctx, m.tmp, append(args, path)...)
	return path, err
}

// modules completes each module of the checkout.
func (m mapping) modules(ctx context.Context) error {
	out, err := m.run(ctx, m.dir, "list", "-m", "-f", "{{.Dir}}\t{{.GoMod}}")
	if err != nil {
		return err
	}
	for line := range strings.Lines(string(out)) {
		top, gomod, _ := strings.Cut(strings.TrimRight(line, "\r\n"), "\t")
		if dir, err := filepath.EvalSymlinks(top); err != nil || !within(m.root, dir) {
			continue // a module of the workspace that is outside of the repository
		}
		if err := errors.Join(m.replace(ctx, gomod, top), m.vendor(ctx, top)); err != nil {
			return err
		}
	}
	return nil
}

// decode runs the go command and decodes the JSON that it writes.
func (t tool) decode(ctx context.Context, dir string, to any, args ...string) error {
	out, err := t.run(ctx, dir, args...)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(out, to); err != nil {
		return fmt.Errorf("%s: go %s: %w", t.name, strings.Join(args[:2], " "), err)
	}
	return nil
}

// A replacement is a replace directive, as the go command prints it.
type replacement struct {
	Old, New struct{ Path, Version string }
}

// local reports whether it is by a directory.
func (r replacement) local() bool {
	return r.New.Version == "" && (strings.HasPrefix(r.New.Path, ".") || filepath.IsAbs(r.New.Path))
}

// to is the flag that makes it one by another directory.
func (r replacement) to(dir string) string {
	old := r.Old.Path
	if r.Old.Version != "" {
		old += "@" + r.Old.Version
	}
	return "-replace=" + old + "=" + dir
}

// replace makes the replace directives of a module of the checkout lead to where
// they lead in the user's work tree.
func (m mapping) replace(ctx context.Context, gomod, dir string) error {
	var file struct{ Replace []replacement }
	if err := m.decode(ctx, dir, &file, "mod", "edit", "-json", gomod); err != nil {
		return err
	}
	args := []string{"mod", "edit"}
	for _, r := range file.Replace {
		if !r.local() {
			continue
		}
		if same := filepath.Join(dir, r.New.Path); !filepath.IsAbs(r.New.Path) && within(m.root, same) && isModule(same) {
			continue
		}
		if target := m.moved(ctx, m.original(dir), r.New.Path); isModule(target) {
			args = append(args, r.to(target))
			if !within(m.root, target) {
				m.report("%s is taken for both sides: it is no part of %s", target, m.name)
			}
		}
	}
	if len(args) == 2 {
		return nil
	}
	_, err := m.run(ctx, dir, append(args, gomod)...)
	return err
}

// vendor copies vendored packages that are untracked.
func (m mapping) vendor(ctx context.Context, dir string) error {
	if !within(m.root, dir) {
		return nil
	}
	from, to := filepath.Join(m.original(dir), "vendor"), filepath.Join(dir, "vendor")
	list := filepath.Join(from, "modules.txt")
	if exists(to) || !exists(list) || m.repo.tracked(ctx, list) {
		return nil
	}
	m.report("%s is taken for both sides: git does not know it", from)
	return os.CopyFS(to, os.DirFS(from))
}

// moved is the module that is meant by a path in a file of the directory dir of the
// user's work tree: in the checkout, if that has it or the user's is of a revision,
// and else the user's.
func (m mapping) moved(ctx context.Context, dir, path string) string {
	if !filepath.IsAbs(path) {
		path = filepath.Join(dir, path)
	}
	if within(m.repo.top, path) {
		if same := m.counterpart(path); isModule(same) || m.ofRevision(ctx, path) {
			return same
		}
	}
	return path
}

// ofRevision reports whether what is at a path of the user's work tree belongs to a
// revision, the base's or another: it is tracked, or in a submodule. The base must
// not be built from it there.
func (m mapping) ofRevision(ctx context.Context, path string) bool {
	in := func(dir string) bool { return within(dir, path) }
	return m.repo.tracked(ctx, filepath.Join(path, "go.mod")) || slices.ContainsFunc(m.submodules, in)
}

// counterpart is the path in the checkout of one in the user's work tree, and
// original is the other way around.
func (m mapping) counterpart(path string) string { return transplant(m.repo.top, m.root, path) }
func (m mapping) original(path string) string    { return transplant(m.root, m.repo.top, path) }

func transplant(from, to, path string) string {
	rel, err := filepath.Rel(from, path)
	if err != nil {
		return path
	}
	return filepath.Join(to, rel)
}

// within reports whether a path is a directory or below it.
func within(dir, path string) bool {
	rel, err := filepath.Rel(dir, path)
	return err == nil && filepath.IsLocal(rel)
}

// isModule reports whether a directory is the top of a module. That of a submodule
// which is not checked out is there, but empty.
func isModule(dir string) bool { return exists(filepath.Join(dir, "go.mod")) }

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
