//go:build unix

package presence

import (
	"os"
	"syscall"
)

const (
	shared    = syscall.LOCK_SH
	exclusive = syscall.LOCK_EX

	// openFlags are for a directory that all users may write to: a link is not
	// followed, and a pipe is not waited for.
	openFlags = syscall.O_NOFOLLOW | syscall.O_NONBLOCK
)

// tryLock locks an open file, until it is closed, if nobody else does.
func tryLock(f *os.File, kind int) bool {
	return syscall.Flock(int(f.Fd()), kind|syscall.LOCK_NB) == nil
}
