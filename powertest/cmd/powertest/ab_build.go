package main

import (
	"bytes"
	"context"
	"debug/buildinfo"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/joulebench/joulebench/powertest/ab"
)

// A binary is the test binary of one package on one side. The zero value is one
// that there is not: the package has no tests there.
type binary struct {
	path string
	// dir is where it is run: the directory of its package, so that it finds its
	// testdata.
	dir string
}

// A testPackage is a package whose benchmarks are run.
type testPackage struct {
	name     string // its import path, or the directory of ready binaries
	binaries [2]binary
}

// A toolchain runs the go command for one side.
type toolchain struct {
	// side is what is built, for people: "base main (1a2b3c4d5e6f)".
	side string
	// root is the top of the tree, and dir the directory that patterns of packages
	// are relative to.
	root, dir string
	env       []string
	flags     []string // of go list and go test
}

// run runs the go command in a directory and returns its standard output.
func (t *toolchain) run(ctx context.Context, dir string, args ...string) ([]byte, error) {
	c := exec.CommandContext(ctx, "go", args...)
	c.Dir = dir
	c.Env = append(append(os.Environ(), t.env...), "PWD="+dir)
	var out, errs bytes.Buffer
	c.Stdout, c.Stderr = &out, &errs
	interruptible(c, grace)
	if err := c.Run(); err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return nil, fmt.Errorf("%s: go %s: %w\n%s", t.side, strings.Join(args, " "), err, strings.TrimRight(errs.String()+out.String(), "\n"))
	}
	return out.Bytes(), nil
}

// keepModules keeps the go command from changing go.mod and go.sum, which GOFLAGS
// may allow it.
func (t *toolchain) keepModules(ctx context.Context) error {
	flags, err := t.run(ctx, t.dir, "env", "GOFLAGS")
	if err == nil && slices.Contains(strings.Fields(string(flags)), "-mod=mod") {
		t.flags = append(t.flags, "-mod=readonly")
	}
	return err
}

// A listed package is what go list says of one.
type listed struct {
	Dir, ImportPath           string
	TestGoFiles, XTestGoFiles []string
	Error                     *struct{ Err string }

	rel string // Dir, relative to the root of its tree
}

// list lists the packages that match and have tests. Unless all are to be there,
// one that is not is no error.
func (t *toolchain) list(ctx context.Context, patterns []string, all bool) ([]listed, error) {
	args := append([]string{"list", "-json=Dir,ImportPath,TestGoFiles,XTestGoFiles,Error"}, t.flags...)
	if !all {
		args = append(args, "-e")
	}
	out, err := t.run(ctx, t.dir, append(append(args, "--"), patterns...)...)
	if err != nil {
		return nil, err
	}
	var packages []listed
	for d := json.NewDecoder(bytes.NewReader(out)); ; {
		var p listed
		switch err := d.Decode(&p); {
		case errors.Is(err, io.EOF):
			return packages, nil
		case err != nil:
			return nil, fmt.Errorf("%s: go list: %w", t.side, err)
		case len(p.TestGoFiles)+len(p.XTestGoFiles) == 0:
			continue
		}
		dir, err := filepath.EvalSymlinks(p.Dir)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", t.side, err)
		}
		if p.rel, err = filepath.Rel(t.root, dir); err != nil || !filepath.IsLocal(p.rel) {
			return nil, fmt.Errorf("%s: the package %s is in %s, outside of the repository %s, and so has no other revision", t.side, p.ImportPath, p.Dir, t.root)
		}
		packages = append(packages, p)
	}
}

// build compiles the tests of a package to a file.
func (t *toolchain) build(ctx context.Context, p listed, path string) (binary, error) {
	args := append([]string{"test", "-c", "-o", path}, t.flags...)
	if _, err := t.run(ctx, p.Dir, append(args, ".")...); err != nil {
		return binary{}, err
	}
	return binary{path: path, dir: p.Dir}, nil
}

// buildAll compiles the tests of the packages that match, of both sides, to files
// in a directory. A package that only one side has is there on that side.
func buildAll(ctx context.Context, sides [2]*toolchain, patterns []string, tmp string, say func(string, ...any)) ([]testPackage, error) {
	var lists [2][]listed
	for _, s := range []ab.Side{ab.Head, ab.Base} {
		var err error
		if lists[s], err = sides[s].list(ctx, patterns, s == ab.Head); err != nil {
			return nil, err
		}
	}
	var dirs []string
	for _, l := range lists {
		for _, p := range l {
			dirs = append(dirs, p.rel)
		}
	}
	slices.Sort(dirs)
	dirs = slices.Compact(dirs)
	packages := make([]testPackage, len(dirs))
	for s, l := range lists {
		for _, p := range l {
			i, _ := slices.BinarySearch(dirs, p.rel)
			say("building %s of %s", p.ImportPath, sides[s].side)
			b, err := sides[s].build(ctx, p, filepath.Join(tmp, fmt.Sprintf("%s-%d.test", ab.Side(s), i)))
			if err != nil {
				return nil, err
			}
			packages[i].name, packages[i].binaries[s] = p.ImportPath, b
		}
	}
	return packages, nil
}

// goVersion is the version of Go that a binary is built with; empty if it does not
// say.
func goVersion(path string) string {
	info, err := buildinfo.ReadFile(path)
	if err != nil {
		return ""
	}
	return info.GoVersion
}
