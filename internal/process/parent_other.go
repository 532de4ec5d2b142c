//go:build !linux && !windows

package process

import (
	"os"
	"os/exec"
)

// diesWithParent does nothing: macOS and the BSDs have no signal for it, and who is killed
// leaves what it has started.
func diesWithParent(*exec.Cmd) {}

func adopt(*os.Process) (release func()) { return func() {} }
