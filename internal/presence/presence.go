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
// All users can write to the directory, and what is in it is hostile: no link in it or
// to it is followed, no pipe is waited for, and nothing is changed but the files and
// directories that were made here. A directory that cannot be trusted is not used; then
// there is one of the user's own, and Problem says so.
//
// Where something fails (permissions, a file system without locks, Windows) no other
// measurement is found, and there is no error.
package presence

import (
	"sync"
	"time"
)

// Other is a measurement of a device by another process at the same time.
type Other struct {
	Device  string // as it was given to Enter
	Process string // its id
}

// Presence is a measurement of some devices that others can find. A nil Presence is
// one of no devices.
type Presence struct {
	dir     *directory
	files   []*file
	since   time.Time
	found   map[string]Other // by device
	once    sync.Once
	problem error
}

// Enter begins a measurement of devices, which are named by UUID.
func Enter(devices ...string) *Presence {
	p := &Presence{since: time.Now(), found: map[string]Other{}}
	if p.dir, p.problem = openDirectory(); p.dir == nil {
		return p
	}
	for _, d := range devices {
		if f := hold(p.dir, d); f != nil {
			p.files = append(p.files, f)
			p.find(f)
		}
	}
	return p
}

// Problem is what keeps measurements of other users from being found; nil if nothing
// is known to.
func (p *Presence) Problem() error {
	if p == nil {
		return nil
	}
	return p.problem
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
		p.dir.close()
	})
	return list
}

// find reads the files of other processes for the same device.
func (p *Presence) find(own *file) {
	for _, name := range p.dir.names() {
		if process, is := processOf(name, own.device); is && name != own.name && p.dir.overlaps(name, p.since) {
			p.found[own.device] = Other{own.device, process}
		}
	}
}
