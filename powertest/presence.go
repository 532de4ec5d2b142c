package powertest

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/joulebench/joulebench/powertest/energy"
)

// presence says to other processes that devices are being measured, and finds
// out whether others measure them too: the energy of a device is that of all who
// use it. It finds benchmarks that use this package, of any user, on this host.
//
// Each process has one file per device in a directory that all share. It holds a
// lock on the file while a window is open, which the system releases however the
// process ends, and stamps the file when it begins and ends. So another's file
// that is locked is a measurement under way, and one that is not, but is stamped
// later than this one began, was a measurement that overlapped.
//
// Whatever fails here (permissions, a file system without locks) leaves the
// question open, and nobody is told.
type presence struct {
	files []*presenceFile
	since time.Time
	found map[string]energy.Finding // by device
	once  sync.Once
}

// presenceDir is where the files are.
func presenceDir() string { return filepath.Join(os.TempDir(), "powertest-presence") }

// staleAfter is how long the file of a measurement that has ended is kept: no
// measurement that it could have overlapped is expected to take so long.
const staleAfter = time.Hour

// enter announces the measurement of a source's devices. Simulated devices are
// the process's own.
func enter(src energy.Source) *presence {
	if src.Info().Simulated {
		return nil
	}
	dir := presenceDir()
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return nil
	}
	_ = os.Chmod(dir, 0o777|os.ModeSticky) // past the umask, if it is ours
	p := &presence{since: time.Now(), found: map[string]energy.Finding{}}
	for _, d := range src.Devices() {
		if f := holdPresence(dir, d.UUID); f != nil {
			p.files = append(p.files, f)
			p.look(f)
		}
	}
	return p
}

// leave ends the measurement, and returns the devices that others measured
// meanwhile. Only the first call does; p may be nil.
func (p *presence) leave() []energy.Finding {
	if p == nil {
		return nil
	}
	var list []energy.Finding
	p.once.Do(func() {
		for _, f := range p.files {
			p.look(f)
			f.release()
			if finding, ok := p.found[f.uuid]; ok {
				list = append(list, finding)
			}
		}
	})
	return list
}

// look looks at the files of other processes for the same device.
func (p *presence) look(own *presenceFile) {
	others, _ := filepath.Glob(filepath.Join(filepath.Dir(own.path), fileName(own.uuid)+".*"))
	for _, path := range others {
		if path == own.path {
			continue
		}
		f, err := os.Open(path)
		if err != nil {
			continue
		}
		busy := !tryLock(f, shared)
		info, err := f.Stat()
		if err == nil && (busy || info.ModTime().After(p.since)) {
			pid := strings.TrimPrefix(filepath.Ext(path), ".")
			p.found[own.uuid] = energy.Finding{
				Reason: energy.SharedGPU,
				Device: own.uuid,
				Detail: fmt.Sprintf("process %s ran a benchmark on this device at the same time: run one at a time", pid),
			}
		} else if err == nil && time.Since(info.ModTime()) > staleAfter {
			os.Remove(path) // while the shared lock keeps its owner from using it
		}
		f.Close()
	}
}

// presenceFile is this process's file for one device, shared by its windows.
type presenceFile struct {
	uuid, path string
	file       *os.File
	windows    int
}

// held are the files that this process holds locks on, by path.
var held = struct {
	sync.Mutex
	files map[string]*presenceFile
}{files: map[string]*presenceFile{}}

// holdPresence locks this process's file for a device; nil if it cannot.
func holdPresence(dir, uuid string) *presenceFile {
	held.Lock()
	defer held.Unlock()
	path := filepath.Join(dir, fmt.Sprintf("%s.%d", fileName(uuid), os.Getpid()))
	f := held.files[path]
	if f == nil {
		file := lockedFile(path)
		if file == nil {
			return nil
		}
		f = &presenceFile{uuid: uuid, path: path, file: file}
		held.files[path] = f
	}
	f.windows++
	f.stamp()
	return f
}

// lockedFile opens and locks a file. Others lock it for an instant when they look
// at it, and may remove it when it is stale; so this takes a few tries.
func lockedFile(path string) *os.File {
	for range 50 {
		f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o644)
		if err != nil {
			return nil
		}
		if tryLock(f, exclusive) {
			mine, err1 := f.Stat()
			there, err2 := os.Stat(path)
			if err1 == nil && err2 == nil && os.SameFile(mine, there) {
				return f
			}
		}
		f.Close()
		time.Sleep(time.Millisecond)
	}
	return nil
}

// stamp sets the file's time to now, more finely than writing to it would.
func (f *presenceFile) stamp() {
	now := time.Now()
	_ = os.Chtimes(f.path, now, now)
}

// release ends one window's hold.
func (f *presenceFile) release() {
	held.Lock()
	defer held.Unlock()
	f.stamp()
	if f.windows--; f.windows == 0 {
		f.file.Close() // and unlock
		delete(held.files, f.path)
	}
}
