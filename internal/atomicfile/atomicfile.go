// Package atomicfile writes files in full or not at all: a reader, while one is written
// or after a crash or on a full disk, finds the old one.
package atomicfile

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// Write replaces the file at path by what write writes. The new content goes to a
// temporary file in the same directory, is flushed to the disk, and takes the
// file's name at the end. On any error, that of write included, the old file
// stays and no temporary file is left. An existing file keeps its permissions; a
// link keeps its place, and the file that it points to is replaced.
func Write(path string, write func(io.Writer) error) (err error) {
	if target, err := filepath.EvalSymlinks(path); err == nil {
		path = target
	} else if to, err := os.Readlink(path); err == nil {
		return fmt.Errorf("write %s: it is a link to %s, which is not there", path, to)
	}
	mode := fs.FileMode(0o644)
	switch info, err := os.Stat(path); {
	case err == nil && !info.Mode().IsRegular():
		return fmt.Errorf("write %s: it is not a regular file, and can't be replaced by one", path)
	case err == nil:
		mode = info.Mode().Perm()
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".powertest-*")
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	defer func() {
		if err != nil {
			err = fmt.Errorf("write %s, which stays as it was: %w", path, errors.Join(err, ignoreClosed(f.Close())))
			_ = os.Remove(f.Name())
		}
	}()
	b := bufio.NewWriter(f)
	if err := write(b); err != nil {
		return err
	}
	if err := errors.Join(b.Flush(), f.Chmod(mode), f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}

func ignoreClosed(err error) error {
	if errors.Is(err, fs.ErrClosed) {
		return nil
	}
	return err
}

// Name makes a string fit for a file's name: letters, digits and - _ = . stay, and
// all else becomes an underscore.
func Name(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', strings.ContainsRune("-_=.", r):
			return r
		}
		return '_'
	}, s)
}

// Twice returns a path that is among the others, or empty if there is none: a file
// that would be read and overwritten, or written twice. The first read paths may be
// the same, since they are not written. Those that are empty or - are no files.
func Twice(paths []string, read int) string {
	seen := map[string]bool{}
	for i, path := range paths {
		if path == "" || path == "-" {
			continue
		}
		abs, err := filepath.Abs(path)
		if err != nil {
			abs = path
		}
		if seen[abs] && i >= read {
			return path
		}
		seen[abs] = true
	}
	return ""
}
