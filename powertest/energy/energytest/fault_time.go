package energytest

import (
	"sync"
	"time"

	"github.com/joulebench/joulebench/powertest/energy"
)

// around wraps a source in a wait before and a wait after its calls of Read,
// and widens the times of the readings to cover both.
func around(src energy.Source, before, after func(call int)) energy.Source {
	var (
		mu    sync.Mutex
		calls int
	)
	return wrap(src, func(dst []energy.Reading) {
		mu.Lock()
		calls++
		n := calls
		mu.Unlock()
		start := time.Now()
		before(n) // without the lock: others may close the source meanwhile
		src.Read(dst)
		after(n)
		end := time.Now()
		for i := range dst {
			dst[i].Before, dst[i].After = start, end
		}
	})
}

func noWait(int) {}

// Stall makes call k of Read take d longer, before the values are taken.
func Stall(src energy.Source, k int, d time.Duration) energy.Source {
	return around(src, func(call int) {
		if call == k {
			time.Sleep(d)
		}
	}, noWait)
}

// Hang makes call k of Read, and every later one, wait until release is
// called: a driver that no longer answers. release may be called more than
// once. A call that hangs is not ended by Close, as it would not be in life,
// so call release before the test ends.
func Hang(src energy.Source, k int) (hung energy.Source, release func()) {
	released := make(chan struct{})
	hung = around(src, func(call int) {
		if call >= k {
			<-released
		}
	}, noWait)
	return hung, sync.OnceFunc(func() { close(released) })
}

// Late makes every Read return d later, after the values were taken.
func Late(src energy.Source, d time.Duration) energy.Source {
	return LateBy(src, func(int) time.Duration { return d })
}

// LateBy makes each Read return later, after the values were taken, by what
// delay says of the call. A delay that is not positive is none.
func LateBy(src energy.Source, delay func(call int) time.Duration) energy.Source {
	return around(src, noWait, func(call int) {
		if d := delay(call); d > 0 {
			time.Sleep(d)
		}
	})
}
