package drmtest

import "time"

// Tick calls a function with the time since now, at each multiple of a period, until it is
// stopped: a device that refreshes what it says. It is called a little later, so that in a
// testing/synctest bubble it is not at the very time at which others wake up.
func Tick(period time.Duration, refresh func(elapsed time.Duration)) (stop func()) {
	const later = 1237 * time.Nanosecond
	done, ended := make(chan struct{}), make(chan struct{})
	start := time.Now()
	go func() {
		defer close(ended)
		for {
			next := time.Since(start).Truncate(period) + period + later
			select {
			case <-done:
				return
			case <-time.After(next - time.Since(start)):
				refresh(time.Since(start).Truncate(period))
			}
		}
	}()
	return func() {
		close(done)
		<-ended
	}
}
