// Package inputfile opens files to read that may not be what they should be: a pipe
// that nobody writes to is not waited for, a device that never ends is not read, and
// what is read at once has a greatest size.
package inputfile

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
)

// ErrNotRegular says that a path is of a pipe, a device or a directory.
var ErrNotRegular = errors.New("it is a folder, a pipe or a device, not a regular file")

// Open opens a regular file, and else returns ErrNotRegular without waiting. The path
// may be a link. Errors are those of os.Open, which have the path.
func Open(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|NoWait, 0)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = &fs.PathError{Op: "open", Path: path, Err: ErrNotRegular}
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// OpenStream is Open that also takes a pipe, such as the shell makes for <(COMMAND). It
// waits for who writes to it.
func OpenStream(path string) (*os.File, error) {
	if info, err := os.Stat(path); err == nil && info.Mode()&fs.ModeNamedPipe != 0 {
		return os.Open(path)
	}
	return Open(path)
}

// ErrTooLarge means that a file has more bytes than are read.
var ErrTooLarge = errors.New("too large")

// tooLarge is ErrTooLarge, with how many bytes are read at most.
type tooLarge struct{ most int64 }

func (e tooLarge) Error() string {
	return fmt.Sprintf("it has more than the %d bytes that are read at most", e.most)
}

func (tooLarge) Is(target error) bool { return target == ErrTooLarge }

// ReadFile reads a regular file of at most so many bytes. Errors are those of Open, and
// [ErrTooLarge].
func ReadFile(path string, most int64) ([]byte, error) {
	f, err := Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	large := &fs.PathError{Op: "read", Path: path, Err: tooLarge{most}}
	info, err := f.Stat()
	switch {
	case err != nil:
		return nil, err
	case info.Size() > most:
		return nil, large
	}
	data, err := io.ReadAll(io.LimitReader(f, most+1)) // it may grow
	if err == nil && int64(len(data)) > most {
		err = large
	}
	if err != nil {
		return nil, err
	}
	return data, nil
}
