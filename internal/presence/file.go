package presence

import (
	"fmt"
	"math/rand/v2"
	"os"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/joulebench/joulebench/internal/atomicfile"
)

// file is this process's file for one device, shared by its measurements.
type file struct {
	fileKey
	name  string
	open  *os.File // nil while nobody uses it
	users int
}

// fileKey is what a process has one file of.
type fileKey struct{ dir, device string }

// held are the files of this process.
var held = struct {
	sync.Mutex
	files map[fileKey]*file
}{files: map[fileKey]*file{}}

// hold locks this process's file for a device; nil if it cannot.
func hold(dir *directory, device string) *file {
	held.Lock()
	defer held.Unlock()
	key := fileKey{dir.path, device}
	f := held.files[key]
	if f == nil {
		f = &file{fileKey: key}
		held.files[key] = f
	}
	if f.users == 0 && !f.lock(dir) {
		return nil
	}
	f.users++
	stamp(f.open)
	return f
}

// lock locks the file that was there before, or else a new one. Others lock a file for
// an instant when they read it, and may remove one that is stale; so this takes a few
// tries.
func (f *file) lock(dir *directory) bool {
	for range 50 {
		if f.name != "" {
			if f.open = dir.own(f.name); f.open != nil {
				return true
			}
		}
		var again bool
		f.name = fileName(f.device)
		if f.open, again = dir.create(f.name); !again {
			return f.open != nil
		}
		time.Sleep(time.Millisecond)
	}
	return false
}

// release ends one measurement's hold.
func (f *file) release() {
	held.Lock()
	defer held.Unlock()
	stamp(f.open)
	if f.users--; f.users == 0 {
		f.open.Close() // and unlock
		f.open = nil
	}
}

// fileName is a new name of this process for a device. Processes of two containers may
// have the same id, and somebody may have taken names beforehand.
func fileName(device string) string {
	return fmt.Sprintf("%s.%d.%08x", atomicfile.Name(device), os.Getpid(), rand.Uint32())
}

// after is what follows the device in a file's name.
var after = regexp.MustCompile(`^\.([0-9]{1,10})(\.[0-9a-f]{8})?$`)

// processOf is the process that a file's name says is its owner, if it is a file for the
// device.
func processOf(name, device string) (process string, is bool) {
	rest, is := strings.CutPrefix(name, atomicfile.Name(device))
	m := after.FindStringSubmatch(rest)
	if !is || m == nil {
		return "", false
	}
	return m[1], true
}
