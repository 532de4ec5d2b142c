// Package presence finds out who else measures a device: the energy of a device is
// that of all who use it. It finds measurements of any user on this host that use
// this package.
//
// Each process has one file per device in a directory that all share. It holds a
// lock on the file while it measures, which the system releases however the process
// ends, and stamps the file when it begins and ends. So another's file that is
// locked is a measurement under way, and one that is not, but is stamped later than
// this one began, was a measurement that overlapped.
//
// Where something fails (permissions, a file system without locks) no other
// measurement is found, and there is no error.
package presence

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/joulebench/joulebench/internal/atomicfile"
)

// Presence is a measurement of some devices that others can find. A nil Presence is
// one of no devices.
type Presence struct {
	files []*file
	since time.Time
	found map[string]Other // by device
	once  sync.Once
}

// Other is a measurement of a device by another process at the same time.
type Other struct {
	Device  string // as it was given to Enter
	Process string // its id
}

// staleAfter is how long the file of a measurement that has ended is kept: no
// measurement that it could have overlapped is expected to take so long.
const staleAfter = time.Hour

// dir is where the files are.
func dir() string { return filepath.Join(os.TempDir(), "powertest-presence") }

// Enter begins a measurement of devices, which are named by UUID.
func Enter(devices ...string) *Presence {
	dir := dir()
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return nil
	}
	_ = os.Chmod(dir, 0o777|os.ModeSticky) // past the umask, if it is ours
	p := &Presence{since: time.Now(), found: map[string]Other{}}
	for _, d := range devices {
		if f := hold(dir, d); f != nil {
			p.files = append(p.files, f)
			p.find(f)
		}
	}
	return p
}

// Leave ends the measurement, and returns the devices that others have measured
// meanwhile, with one of these others each. Only the first call returns any.
func (p *Presence) Leave() []Other {
	if p == nil {
		return nil
	}
	var list []Other
	p.once.Do(func() {
		for _, f := range p.files {
			p.find(f)
			f.release()
			if other, ok := p.found[f.device]; ok {
				list = append(list, other)
			}
		}
	})
	return list
}

// find reads the files of other processes for the same device.
func (p *Presence) find(own *file) {
	paths, _ := filepath.Glob(filepath.Join(filepath.Dir(own.path), atomicfile.Name(own.device)+".*"))
	for _, path := range paths {
		if path != own.path && overlaps(path, p.since) {
			p.found[own.device] = Other{own.device, strings.TrimPrefix(filepath.Ext(path), ".")}
		}
	}
}

// overlaps reports whether a process's file says that it has measured since then. A
// file that is stale is removed.
func overlaps(path string, since time.Time) bool {
	f, err := os.OpenFile(path, os.O_RDONLY|openFlags, 0)
	if err != nil {
		return false
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil || !info.Mode().IsRegular() {
		return false
	}
	if !tryLock(f, shared) || info.ModTime().After(since) {
		return true
	}
	if time.Since(info.ModTime()) > staleAfter {
		os.Remove(path) // while the shared lock keeps its owner from using it
	}
	return false
}

// file is this process's file for one device, shared by its measurements.
type file struct {
	device, path string
	file         *os.File
	users        int
}

// held are the files that this process holds locks on, by path.
var held = struct {
	sync.Mutex
	files map[string]*file
}{files: map[string]*file{}}

// hold locks this process's file for a device; nil if it cannot.
func hold(dir, device string) *file {
	held.Lock()
	defer held.Unlock()
	path := filepath.Join(dir, fmt.Sprintf("%s.%d", atomicfile.Name(device), os.Getpid()))
	f := held.files[path]
	if f == nil {
		locked := lockedFile(path)
		if locked == nil {
			return nil
		}
		f = &file{device: device, path: path, file: locked}
		held.files[path] = f
	}
	f.users++
	f.stamp()
	return f
}

// lockedFile opens and locks a file. Others lock it for an instant when they read
// it, and may remove it when it is stale; so this takes a few tries.
func lockedFile(path string) *os.File {
	for range 50 {
		f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR|openFlags, 0o644)
		if err != nil {
			return nil
		}
		if tryLock(f, exclusive) {
			mine, err1 := f.Stat()
			current, err2 := os.Stat(path)
			if err1 == nil && err2 == nil && os.SameFile(mine, current) {
				return f
			}
		}
		f.Close()
		time.Sleep(time.Millisecond)
	}
	return nil
}

// stamp sets the file's time to now, more finely than writing to it would.
func (f *file) stamp() {
	now := time.Now()
	_ = os.Chtimes(f.path, now, now)
}

// release ends one measurement's hold.
func (f *file) release() {
	held.Lock()
	defer held.Unlock()
	f.stamp()
	if f.users--; f.users == 0 {
		f.file.Close() // and unlock
		delete(held.files, f.path)
	}
}
