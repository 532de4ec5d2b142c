//go:build unix

package inputfile

import "syscall"

// NoWait is a flag of [os.OpenFile] that keeps the opening of a pipe from waiting. To a regular file it means nothing.
const NoWait = syscall.O_NONBLOCK
