// Package atomicfile writes files in full or not at all: a reader, while one is written
// or after a crash or on a full disk, finds the old one.
package atomicfile

import (
	"bufio"
	"cmp"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/joulebench/joulebench/internal/inputfile"
)

// Write replaces the file at path by what write writes. The new content goes to a
// temporary file in the same directory, is flushed to the disk, and takes the
// file's name at the end. On any error, that of write included, the old file
// stays and no temporary file is left. An existing file keeps its permissions; a
// link keeps its place, and the file that it points to is replaced.
func Write(path string, write func(io.Writer) error) error {
	path, err := target(path)
	if err != nil {
		return err
	}
	mode := fs.FileMode(0o644)
	switch info, err := os.Stat(path); {
	case err == nil && !info.Mode().IsRegular():
		return fmt.Errorf("write %s: it is not a regular file, and can't be replaced by one", path)
	case err == nil:
		mode = info.Mode().Perm()
	}
	return replace(path, mode, write, os.Rename)
}

// target is the file that a link leads to. What it would lead to and is not there is not made.
func target(path string) (string, error) {
	if target, err := filepath.EvalSymlinks(path); err == nil {
		return target, nil
	} else if to, err := os.Readlink(path); err == nil {
		return "", fmt.Errorf("write %s: it is a link to %s, which is not there", path, to)
	}
	return path, nil
}

// Create is Write to a new file: one that is there, or a link by that name, whoever has
// made it, is fs.ErrExist, and stays as it is.
func Create(path string, write func(io.Writer) error) error {
	return replace(path, 0o644, write, func(temporary, path string) error {
		err := os.Link(temporary, path)
		if err == nil || errors.Is(err, fs.ErrExist) {
			return errors.Join(err, os.Remove(temporary))
		}
		// A file system without links. What is reserved here is ours to replace.
		f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
		if err != nil {
			return err
		}
		return errors.Join(f.Close(), os.Rename(temporary, path))
	})
}

// replace writes a temporary file and gives it its name.
func replace(path string, mode fs.FileMode, write func(io.Writer) error, name func(temporary, path string) error) (err error) {
	f, err := os.CreateTemp(filepath.Dir(path), ".powertest-*")
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	defer func() {
		if err != nil {
			err = fmt.Errorf("write %s, which stays as it was: %w", path, err)
			_ = f.Close()
			_ = os.Remove(f.Name())
		}
	}()
	b := bufio.NewWriter(f)
	if err := write(b); err != nil {
		return err
	}
	// The first that fails says it: the others follow from that.
	if err := cmp.Or(b.Flush(), f.Chmod(mode), f.Sync(), f.Close()); err != nil {
		return err
	}
	return name(f.Name(), path)
}

// pipeTime is how long who reads a pipe may let it be full.
const pipeTime = 10 * time.Second

// Open opens a file to write to it as it is, with more flags of [os.OpenFile]: to append, or
// anew. A pipe that nobody reads is an error, and so is one that is not read on: neither is
// waited for. A link to what is not there is one, too.
func Open(path string, flags int) (*os.File, error) {
	if _, err := target(path); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|inputfile.NoWait|flags, 0o644)
	if err == nil {
		_ = f.SetWriteDeadline(time.Now().Add(pipeTime)) // regular files have none
	}
	return f, err
}

// maxName leaves room for an extension: file systems have names of 255 bytes at most.
const maxName = 190

// Name makes a string fit for a file's name: letters, digits and - _ = . stay, and
// all else becomes an underscore. A long one is cut, and ends with a hash of all of it.
func Name(s string) string {
	name := strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', strings.ContainsRune("-_=.", r):
			return r
		}
		return '_'
	}, s)
	if len(name) > maxName {
		hash := fmt.Sprintf("~%.8x", sha256.Sum256([]byte(s)))
		name = name[:maxName-len(hash)] + hash
	}
	return name
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
