package worktree

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/joulebench/joulebench/internal/process"
)

// A tool is the go command for one revision.
type tool struct {
	// name is what is built, for people: "the base (main, 1a2b3c4d5e6f)".
	name string
	// root is the top of the tree, and dir the directory that patterns of packages
	// are relative to.
	root, dir string
	env       []string
	flags     []string // of go list and go test
}

// with is the tool with another variable in its environment.
func (t tool) with(variable string) tool {
	t.env = append(slices.Clone(t.env), variable)
	return t
}

// goGrace is how long the go command may take to end after an interrupt.
const goGrace = 30 * time.Second

// run runs the go command in a directory and returns its standard output.
func (t tool) run(ctx context.Context, dir string, args ...string) ([]byte, error) {
	c := exec.CommandContext(ctx, "go", args...)
	c.Dir = dir
	c.Env = append(append(os.Environ(), t.env...), "PWD="+dir)
	var out, errs bytes.Buffer
	c.Stdout, c.Stderr = &out, &errs
	if err := process.Run(c, goGrace); err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return nil, fmt.Errorf("%s: go %s: %w\n%s", t.name, strings.Join(args, " "), err, strings.TrimRight(errs.String()+out.String(), "\n"))
	}
	return out.Bytes(), nil
}

// keepingModules is the tool that does not change go.mod and go.sum, which GOFLAGS
// may allow it.
func (t tool) keepingModules(ctx context.Context) (tool, error) {
	flags, err := t.run(ctx, t.dir, "env", "GOFLAGS")
	if err == nil && slices.Contains(strings.Fields(string(flags)), "-mod=mod") {
		t.flags = append(t.flags, "-mod=readonly")
	}
	return t, err
}

// directories are those of the packages that match and of all that they are built
// from, as far as they are in the tree.
func (t tool) directories(ctx context.Context, patterns []string) ([]string, error) {
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
	return dirs, nil
}

// A listed package is what go list says of one.
type listed struct {
	Dir, ImportPath           string
	TestGoFiles, XTestGoFiles []string

	rel string // Dir, relative to the root of its tree
}

// list lists the packages that match and have tests. Unless all are to be there,
// one that is not is no error.
func (t tool) list(ctx context.Context, patterns []string, all bool) (packages []listed, err error) {
	args := append([]string{"list", "-json=Dir,ImportPath,TestGoFiles,XTestGoFiles"}, t.flags...)
	if !all {
		args = append(args, "-e")
	}
	out, err := t.run(ctx, t.dir, slices.Concat(args, []string{"--"}, patterns)...)
	if err != nil {
		return nil, err
	}
	for d := json.NewDecoder(bytes.NewReader(out)); d.More(); {
		var p listed
		if err := d.Decode(&p); err != nil {
			return nil, fmt.Errorf("%s: go list: %w", t.name, err)
		}
		if len(p.TestGoFiles)+len(p.XTestGoFiles) == 0 {
			continue
		}
		dir, err := filepath.EvalSymlinks(p.Dir)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", t.name, err)
		}
		if p.rel, err = filepath.Rel(t.root, dir); err != nil || !filepath.IsLocal(p.rel) {
			return nil, fmt.Errorf("%s: the package %s is in %s, outside of the repository %s, and so has no other revision",
				t.name, p.ImportPath, p.Dir, t.root)
		}
		packages = append(packages, p)
	}
	return packages, nil
}

// buildAll compiles the tests of the packages that match, of both revisions, to
// files in a directory. A package that only one revision has is there in that one.
func buildAll(ctx context.Context, tools [2]tool, patterns []string, tmp string, report func(string, ...any)) ([]Package, error) {
	var lists [2][]listed
	for _, r := range []int{Head, Base} {
		var err error
		if lists[r], err = tools[r].list(ctx, patterns, r == Head); err != nil {
			return nil, err
		}
	}
	var dirs []string
	for _, p := range slices.Concat(lists[:]...) {
		dirs = append(dirs, p.rel)
	}
	slices.Sort(dirs)
	dirs = slices.Compact(dirs)
	packages := make([]Package, len(dirs))
	for r, l := range lists {
		t := tools[r]
		for _, p := range l {
			i, _ := slices.BinarySearch(dirs, p.rel)
			report("building %s of %s", p.ImportPath, t.name)
			path := filepath.Join(tmp, fmt.Sprintf("%s-%d.test", [2]string{"base", "head"}[r], i))
			args := append([]string{"test", "-c", "-o", path}, t.flags...)
			if _, err := t.run(ctx, p.Dir, append(args, ".")...); err != nil {
				return nil, err
			}
			packages[i].Name, packages[i].Binaries[r] = p.ImportPath, Binary{path, p.Dir}
		}
	}
	return packages, nil
}
