package energytest

import (
	"sync"

	"github.com/joulebench/joulebench/powertest/energy"
)

// wrapped is a source whose Read is another function.
type wrapped struct {
	energy.Source
	read func(dst []energy.Reading)
}

func (w *wrapped) Read(dst []energy.Reading) { w.read(dst) }

// inspecting is a wrapped source that passes on Inspect.
type inspecting struct {
	*wrapped
	energy.Inspector
}

func wrap(src energy.Source, read func(dst []energy.Reading)) energy.Source {
	w := &wrapped{src, read}
	if ins, ok := src.(energy.Inspector); ok {
		return inspecting{w, ins}
	}
	return w
}

// edit wraps a source in a change to its readings: f gets the n-th reading of
// each device, counted per device. f runs under a lock.
func edit(src energy.Source, f func(n int, r *energy.Reading)) energy.Source {
	var mu sync.Mutex
	counts := make([]int, len(src.Devices()))
	return wrap(src, func(dst []energy.Reading) {
		src.Read(dst)
		mu.Lock()
		defer mu.Unlock()
		for i := range dst {
			if d := dst[i].Device; d >= 0 && d < len(counts) {
				counts[d]++
				f(counts[d], &dst[i])
			}
		}
	})
}

// fail takes the values from a reading and leaves an error.
func fail(r *energy.Reading, err error) {
	*r = energy.Reading{Device: r.Device, Before: r.Before, After: r.After, Err: err}
}
