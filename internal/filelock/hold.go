package filelock

import (
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	"github.com/joulebench/joulebench/internal/inputfile"
)

// A HeldError says that another process holds a file.
type HeldError struct {
	Path   string
	Holder string // as it calls itself
}

// Error returns "out/ab.lock is held by process 7 on build-3".
func (e *HeldError) Error() string { return e.Path + " is held by " + e.Holder }

// Hold makes a file that says who holds it, and is locked as long as this process is
// there or until release, which removes it. What a process that is gone has left is
// taken over, and left is what it called itself. The error is a HeldError if another
// process holds the file.
func Hold(path, who string) (left string, release func(), err error) {
	for range 100 { // it may be released, and removed, just now
		f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|nofollow, 0o644)
		if err != nil {
			return "", nil, err
		}
		switch locked, err := lockAt(f, path); {
		case err != nil:
			f.Close()
			return "", nil, err
		case locked:
			left := holder(f)
			if err = f.Truncate(0); err == nil {
				_, err = f.WriteAt([]byte(who), 0)
			}
			release := func() { remove(f, path) }
			if err != nil {
				release()
				return "", nil, err
			}
			return left, release, nil
		}
		other := holder(f)
		f.Close()
		if other != "" {
			return "", nil, &HeldError{path, other}
		}
	}
	return "", nil, &HeldError{path, "another process"}
}

// holder is what the file says of who holds it, or has held it.
func holder(f *os.File) string {
	text, _ := io.ReadAll(io.LimitReader(f, 200))
	return strings.TrimSpace(string(text))
}

// lockAt locks an open file if it is a regular one and still has its name.
func lockAt(f *os.File, path string) (bool, error) {
	info, err := f.Stat()
	switch {
	case err != nil:
		return false, err
	case !info.Mode().IsRegular():
		return false, &fs.PathError{Op: "lock", Path: path, Err: inputfile.ErrNotRegular}
	}
	if locked, err := Try(f, Exclusive); err != nil || !locked {
		if err != nil {
			err = fmt.Errorf("lock %s: %w", path, err)
		}
		return false, err
	}
	now, err := os.Lstat(path)
	return err == nil && os.SameFile(info, now), nil
}

// remove removes and closes a file that this process holds.
func remove(f *os.File, path string) {
	err := os.Remove(path)
	f.Close()
	if err != nil { // Windows removes no file that is open
		_ = os.Remove(path)
	}
}

// Abandoned reports whether a file of this user that Hold has made is there, and nobody
// holds it any more, and what that process called itself. Until release nobody else finds
// that.
func Abandoned(path string) (left string, release func(), abandoned bool) {
	f, err := os.OpenFile(path, os.O_RDWR|nofollow, 0)
	if err != nil {
		return "", nil, false
	}
	info, err := f.Stat()
	if err == nil && mine(info) {
		if locked, err := lockAt(f, path); err == nil && locked {
			return holder(f), func() { f.Close() }, true
		}
	}
	f.Close()
	return "", nil, false
}
