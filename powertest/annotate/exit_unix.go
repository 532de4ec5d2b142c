//go:build unix

package annotate

import (
	"os"
	"syscall"
)

// exitCode is the code of a process as a shell has it.
func exitCode(s *os.ProcessState) int {
	if status, ok := s.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		return 128 + int(status.Signal())
	}
	return s.ExitCode()
}
