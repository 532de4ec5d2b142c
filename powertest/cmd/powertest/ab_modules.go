package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// A checkout is the temporary worktree of the base. What git does not know of the
// user's work tree is not in it, and what leads out of the repository by a relative
// path leads nowhere: so that it is built from the same modules as the head, it is
// completed.
type checkout struct {
	*toolchain
	repo *repository
	tmp  string // the directory that it is in
	say  func(string, ...any)
	// submodules are the directories of submodules in the user's work tree, of the
	// base and of the head.
	submodules []string
}

// complete writes the submodules of the commit, and makes go.work, replace
// directives and vendored packages mean what they mean in the user's work tree.
func (c *checkout) complete(ctx context.Context, head *toolchain, commit string) error {
	if err := errors.Join(c.fillSubmodules(ctx, commit), c.headSubmodules(ctx)); err != nil {
		return err
	}
	if _, err := os.Stat(c.dir); err != nil {
		return fmt.Errorf("%s has no directory %s: run ab in one that both sides have", c.side, filepath.ToSlash(filepath.Clean(c.repo.prefix)))
	}
	work, err := c.workFile(ctx, head)
	if err != nil {
		return err
	}
	c.env = append(c.env, "GOWORK="+work)
	if work != "off" {
		if err := c.vendor(ctx, filepath.Dir(work)); err != nil {
			return err
		}
	}
	out, err := c.run(ctx, c.dir, "list", "-m", "-json=Dir,GoMod")
	if err != nil {
		return err
	}
	for d := json.NewDecoder(strings.NewReader(string(out))); d.More(); {
		var m struct{ Dir, GoMod string }
		if err := d.Decode(&m); err != nil {
			return fmt.Errorf("%s: go list -m: %w", c.side, err)
		}
		if dir, err := filepath.EvalSymlinks(m.Dir); err != nil || !within(c.root, dir) {
			continue // a module of the workspace that is outside of the repository
		}
		if err := errors.Join(c.replace(ctx, m.GoMod, m.Dir), c.vendor(ctx, m.Dir)); err != nil {
			return err
		}
	}
	return nil
}

// workFile is what GOWORK is to be for the base: the revision's own go.work, where
// it has the one that the head is built with, and a copy where that one is
// unknown to git or outside of the repository.
func (c *checkout) workFile(ctx context.Context, head *toolchain) (string, error) {
	out, err := head.run(ctx, head.dir, "env", "GOWORK")
	if err != nil {
		return "", err
	}
	work := strings.TrimSpace(string(out))
	if work == "off" {
		return "off", nil
	}
	if work == "" {
		return c.ownWork(), nil
	}
	if real, err := filepath.EvalSymlinks(work); err == nil {
		work = real
	}
	if !within(c.repo.top, work) {
		return c.copyWork(ctx, work)
	}
	if same := c.counterpart(work); exists(same) {
		return same, nil
	}
	if c.repo.tracked(ctx, work) {
		return c.ownWork(), nil // the head has it, and the base had none yet
	}
	return c.copyWork(ctx, work)
}

// ownWork is the go.work that go would find in the checkout, and "off" if there is
// none: go would search on above.
func (c *checkout) ownWork() string {
	for dir := c.dir; within(c.root, dir); dir = filepath.Dir(dir) {
		if path := filepath.Join(dir, "go.work"); exists(path) {
			return path
		}
	}
	return "off"
}

// copyWork copies a go.work to the temporary directory, where its relative paths
// lead to the checkout if they are in the repository, and to where they led before
// if not.
func (c *checkout) copyWork(ctx context.Context, work string) (string, error) {
	path := filepath.Join(c.tmp, "base.work")
	for from, to := range map[string]string{work: path, work + ".sum": path + ".sum"} {
		b, err := os.ReadFile(from)
		if errors.Is(err, fs.ErrNotExist) && from != work {
			continue
		}
		if err := errors.Join(err, os.WriteFile(to, b, 0o644)); err != nil {
			return "", err
		}
	}
	c.env = append(c.env, "GOWORK=off") // while it is edited
	out, err := c.run(ctx, c.tmp, "work", "edit", "-json", path)
	if err != nil {
		return "", err
	}
	var file struct {
		Use     []struct{ DiskPath string }
		Replace []replacement
	}
	if err := json.Unmarshal(out, &file); err != nil {
		return "", fmt.Errorf("%s: go work edit: %w", c.side, err)
	}
	args := []string{"work", "edit"}
	for _, u := range file.Use {
		args = append(args, "-dropuse="+u.DiskPath)
		if dir := c.moved(ctx, filepath.Dir(work), u.DiskPath); isModule(dir) {
			args = append(args, "-use="+dir)
		}
	}
	for _, r := range file.Replace {
		if r.local() {
			args = append(args, r.to(c.moved(ctx, filepath.Dir(work), r.New.Path)))
		}
	}
	_, err = c.run(ctx, c.tmp, append(args, path)...)
	return path, err
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
// they led for the user.
func (c *checkout) replace(ctx context.Context, gomod, dir string) error {
	out, err := c.run(ctx, dir, "mod", "edit", "-json", gomod)
	if err != nil {
		return err
	}
	var file struct{ Replace []replacement }
	if err := json.Unmarshal(out, &file); err != nil {
		return fmt.Errorf("%s: go mod edit: %w", c.side, err)
	}
	args := []string{"mod", "edit"}
	for _, r := range file.Replace {
		if !r.local() {
			continue
		}
		if here := filepath.Join(dir, r.New.Path); !filepath.IsAbs(r.New.Path) && within(c.root, here) && isModule(here) {
			continue
		}
		if target := c.moved(ctx, c.original(dir), r.New.Path); isModule(target) {
			args = append(args, r.to(target))
			if !within(c.root, target) {
				c.say("%s is taken for both sides: it is no part of %s", target, c.side)
			}
		}
	}
	if len(args) == 2 {
		return nil
	}
	_, err = c.run(ctx, dir, append(args, gomod)...)
	return err
}

// vendor copies vendored packages that git does not know.
func (c *checkout) vendor(ctx context.Context, dir string) error {
	if !within(c.root, dir) {
		return nil
	}
	from, to := filepath.Join(c.original(dir), "vendor"), filepath.Join(dir, "vendor")
	list := filepath.Join(from, "modules.txt")
	if exists(to) || !exists(list) || c.repo.tracked(ctx, list) {
		return nil
	}
	c.say("%s is taken for both sides: git does not know it", from)
	return os.CopyFS(to, os.DirFS(from))
}

// moved is the module that is meant by a path in a file of the directory dir of the
// user's work tree: in the checkout, if that has it or the user's is of a revision,
// and else the user's.
func (c *checkout) moved(ctx context.Context, dir, path string) string {
	if !filepath.IsAbs(path) {
		path = filepath.Join(dir, path)
	}
	if within(c.repo.top, path) {
		if same := c.counterpart(path); isModule(same) || c.ofRevision(ctx, path) {
			return same
		}
	}
	return path
}

// counterpart is the path in the checkout of one in the user's work tree, and
// original is the other way around.
func (c *checkout) counterpart(path string) string { return transplant(c.repo.top, c.root, path) }
func (c *checkout) original(path string) string    { return transplant(c.root, c.repo.top, path) }

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
