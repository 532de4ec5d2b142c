//go:build slow

package main

import (
	"errors"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestSlowScripts runs testdata/slow/*.txtar, which build test binaries.
func TestSlowScripts(t *testing.T) {
	p := scriptParams(t, "testdata/slow")
	setup := p.Setup
	p.Setup = func(e *testscript.Env) error { return errors.Join(setup(e), goEnvironment(e)) }
	testscript.Run(t, p)
}

// goEnvironment lets scripts run the go command with the build cache of who runs the
// tests, without a network, and commit to git repositories.
func goEnvironment(e *testscript.Env) error {
	cache, err := goCache()
	e.Setenv("GOCACHE", cache)
	e.Setenv("GOPATH", e.WorkDir+"/.gopath")
	e.Setenv("GOENV", "off")
	e.Setenv("GOPROXY", "off")
	e.Setenv("GOTOOLCHAIN", "local")
	e.Setenv("GOFLAGS", "-mod=mod -ldflags=-w") // links faster
	identity := "[user]\n\tname = N\n\temail = n@example.com\n[init]\n\tdefaultBranch = main\n[commit]\n\tgpgsign = false\n"
	return errors.Join(err, os.WriteFile(e.WorkDir+"/.gitconfig", []byte(identity), 0o644))
}

var goCache = sync.OnceValues(func() (string, error) {
	out, err := exec.Command("go", "env", "GOCACHE").Output()
	return strings.TrimSpace(string(out)), err
})
