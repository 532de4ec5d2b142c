//go:build unix

package presence

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/joulebench/joulebench/internal/filelock"
)

// A directory is an open one with the files of processes. What is in it is opened
// relative to it, whatever its path has become meanwhile.
type directory struct {
	path string
	file *os.File
	// shared says that files of all users are in it, and not of this one only.
	shared bool
}

const (
	// everybody may make files, and remove only their own.
	everybody = 0o777 | fs.ModeSticky
	// staleAfter is how long the file of a measurement that has ended is kept: no
	// measurement that it could have overlapped is expected to take so long.
	staleAfter = time.Hour
	// maxNames is how many names of a directory are looked at.
	maxNames = 100_000
	// nofollow is how everything is opened: a link is not followed, and a pipe is not
	// waited for.
	nofollow = unix.O_NOFOLLOW | unix.O_NONBLOCK | unix.O_CLOEXEC
)

// sharedPath is the directory of all users.
func sharedPath() string { return filepath.Join(os.TempDir(), "powertest-presence") }

// openDirectory opens the directory of all users, or else that of this one, and says why
// it is not the first. It is nil if there is neither.
func openDirectory() (*directory, error) {
	d, err := open(sharedPath(), true)
	if err == nil {
		return d, nil
	}
	const advice = "\nan administrator can make it anew: a directory with the permissions 1777"
	cache, none := os.UserCacheDir()
	if none == nil {
		none = os.MkdirAll(cache, 0o700)
	}
	if none == nil {
		d, none = open(filepath.Join(cache, "powertest-presence"), false)
	}
	if none != nil {
		return nil, fmt.Errorf("others that measure the same devices are not found: %w; %w%s", err, none, advice)
	}
	return d, fmt.Errorf("other users that measure the same devices are not found: %w%s", err, advice)
}

// open opens a directory, which it makes if there is none, and checks that it can be
// trusted.
func open(path string, shared bool) (*directory, error) {
	mode := fs.FileMode(0o700)
	if shared {
		mode = everybody
	}
	err := os.Mkdir(path, mode)
	made := err == nil
	if err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, err
	}
	f, err := os.OpenFile(path, unix.O_RDONLY|unix.O_DIRECTORY|nofollow, 0)
	if errors.Is(err, unix.ELOOP) || errors.Is(err, unix.ENOTDIR) {
		return nil, fmt.Errorf("%s is a link, or no directory", path)
	}
	if err != nil {
		return nil, err
	}
	d := &directory{path, f, shared}
	if made && shared {
		err = f.Chmod(mode) // past the umask
	}
	if err = errors.Join(err, d.check()); err != nil {
		f.Close()
		return nil, err
	}
	return d, nil
}

// check returns an error if others could do more in the directory than make files of
// their own, or all cannot do that. Another process of this user may be making it just
// now, and so this takes a few tries.
func (d *directory) check() error {
	for range 20 {
		info, err := d.file.Stat()
		if err != nil {
			return err
		}
		mine := owner(info) == os.Geteuid()
		switch mode := info.Mode() & (fs.ModePerm | fs.ModeSticky); {
		case d.shared && mode == everybody, !d.shared && mine && mode&0o022 == 0:
			return nil
		case !mine || !d.shared:
			return fmt.Errorf("%s has other permissions, %v, or another owner", d.path, info.Mode())
		}
		time.Sleep(time.Millisecond)
	}
	return fmt.Errorf("%s has other permissions", d.path)
}

func owner(info fs.FileInfo) int { return int(info.Sys().(*syscall.Stat_t).Uid) }

// close closes it. d may be nil.
func (d *directory) close() {
	if d != nil {
		d.file.Close()
	}
}

// names are the names in the directory.
func (d *directory) names() []string {
	if _, err := d.file.Seek(0, io.SeekStart); err != nil {
		return nil
	}
	names, _ := d.file.Readdirnames(maxNames) // some are better than none
	return names
}

// openAt opens a file of the directory if it is a regular one by one name only; nil if
// not.
func (d *directory) openAt(name string, flags int) (*os.File, fs.FileInfo) {
	fd, err := unix.Openat(int(d.file.Fd()), name, flags|nofollow, 0o644)
	if err != nil {
		return nil, nil
	}
	f := os.NewFile(uintptr(fd), filepath.Join(d.path, name))
	info, err := f.Stat()
	if err == nil && info.Mode().IsRegular() && info.Sys().(*syscall.Stat_t).Nlink == 1 {
		return f, info
	}
	f.Close()
	return nil, nil
}

// own opens and locks a file that this process has made; nil if it is not there any
// more, or is held for a moment.
func (d *directory) own(name string) *os.File {
	f, info := d.openAt(name, unix.O_RDWR)
	if f != nil && (owner(info) != os.Geteuid() || !locked(f)) {
		f.Close()
		return nil
	}
	return f
}

// create makes and locks a new file; nil if it cannot. again says that another name may
// do: this one is taken, or another process looks at the file just now.
func (d *directory) create(name string) (f *os.File, again bool) {
	f, _ = d.openAt(name, unix.O_RDWR|unix.O_CREAT|unix.O_EXCL)
	if f == nil {
		var taken unix.Stat_t
		return nil, unix.Fstatat(int(d.file.Fd()), name, &taken, unix.AT_SYMLINK_NOFOLLOW) == nil
	}
	if f.Chmod(0o644) == nil && locked(f) { // others can see it under any umask
		return f, false
	}
	f.Close()
	_ = unix.Unlinkat(int(d.file.Fd()), name, 0)
	return nil, true
}

// locked locks a file, which nobody has removed before it was.
func locked(f *os.File) bool {
	if ok, err := filelock.Try(f, filelock.Exclusive); err != nil || !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Sys().(*syscall.Stat_t).Nlink == 1
}

// overlaps reports whether a process's file says that it has measured since then. A
// file that is stale is removed.
func (d *directory) overlaps(name string, since time.Time) bool {
	f, info := d.openAt(name, unix.O_RDONLY)
	if f == nil {
		return false
	}
	defer f.Close()
	free, err := filelock.Try(f, filelock.Shared)
	switch {
	case err != nil:
		return false
	case !free, info.ModTime().After(since):
		return true
	case time.Since(info.ModTime()) > staleAfter:
		// While the shared lock keeps its owner from using it.
		_ = unix.Unlinkat(int(d.file.Fd()), name, 0)
	}
	return false
}

// stamp sets the file's time to now, more finely than writing to it would.
func stamp(f *os.File) {
	now := unix.NsecToTimeval(time.Now().UnixNano())
	_ = unix.Futimes(int(f.Fd()), []unix.Timeval{now, now})
}
