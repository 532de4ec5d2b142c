//go:build unix

package inputfile

import "syscall"

// nonblock keeps the opening of a pipe from waiting. To a regular file it means nothing.
const nonblock = syscall.O_NONBLOCK
