package main

import (
	"errors"
	"os/exec"
	"runtime/debug"
	"time"

	"github.com/joulebench/joulebench/internal/metrictable"
	proc "github.com/joulebench/joulebench/internal/process"
	"github.com/joulebench/joulebench/internal/pyjson"
	"github.com/joulebench/joulebench/powertest/energy"
)

// What doctor and ab use here, until they are packages of their own.

type real = pyjson.Float

const grace = 30 * time.Second

func interruptible(c *exec.Cmd, grace time.Duration) { proc.Interruptible(c, grace) }

// version is the version of this command.
func version() string {
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "(devel)"
}

// misuse returns the error if it is about what was asked for, rather than about
// what was found.
func misuse(err error) error {
	if errors.Is(err, energy.ErrMalformed) || errors.Is(err, energy.ErrUnknownSource) {
		return err
	}
	return nil
}

// number returns a number, nil if it is withheld or unknown.
func number(x float64, known bool) *real {
	if !known || !metrictable.Finite(x) {
		return nil
	}
	r := real(x)
	return &r
}
