//go:build unix

package powertest

import (
	"os"
	"syscall"
)

const (
	shared    = syscall.LOCK_SH
	exclusive = syscall.LOCK_EX
)

// tryLock locks an open file, until it is closed, if nobody else does.
func tryLock(f *os.File, kind int) bool {
	return syscall.Flock(int(f.Fd()), kind|syscall.LOCK_NB) == nil
}
