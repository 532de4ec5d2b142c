//go:build !unix

package annotate

import "os"

// exitCode is the code of a process.
func exitCode(s *os.ProcessState) int { return s.ExitCode() }
