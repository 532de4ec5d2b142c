//go:build !unix

package process

import (
	"os"
	"os/exec"
)

// relayed are the signals that are not heeded meanwhile: the system itself sends those of
// the keyboard to all processes of the console.
var relayed = []os.Signal{os.Interrupt}

func grouped(*exec.Cmd) (send func(os.Signal)) { return func(os.Signal) {} }
