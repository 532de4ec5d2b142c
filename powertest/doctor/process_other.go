//go:build !unix

package doctor

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"runtime"
)

// shell is the shell of Windows.
func shell(ctx context.Context, command string) *exec.Cmd {
	return exec.CommandContext(ctx, "cmd", "/C", command)
}

var errPause = fmt.Errorf("%s has no signal for it: %w", runtime.GOOS, errors.ErrUnsupported)

func (p *process) Pause() error  { return errPause }
func (p *process) Resume() error { return errPause }
func (p *process) kill()         {} // it is gone
