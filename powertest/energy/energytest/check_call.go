package energytest

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/joulebench/joulebench/powertest/energy"
)

func checkPrompt(_ *suite, src energy.Source) error {
	r := all(src)
	var errs []error
	for i := range 5 {
		start := time.Now()
		src.Read(r)
		if took := time.Since(start); took > time.Second {
			errs = append(errs, fmt.Errorf("read %d took %v", i+1, took))
		}
	}
	return errors.Join(errs...)
}

func checkAllocs(s *suite, src energy.Source) error {
	r := all(src)
	for range 3 {
		src.Read(r)
	}
	if n := testing.AllocsPerRun(20, func() { src.Read(r) }); n > float64(s.allocs) {
		return fmt.Errorf("Read of %d devices allocates %v times, %d allowed", len(r), n, s.allocs)
	}
	return nil
}

func checkGoroutines(_ *suite, src energy.Source) error {
	const readers, reads = 4, 5
	// A channel takes turns, not a mutex: a goroutine that waits for a mutex
	// would stop the clock of a testing/synctest bubble.
	turn := make(chan []energy.Reading, 1)
	turn <- all(src)
	panics := make([]error, readers)
	var wg sync.WaitGroup
	for i := range readers {
		wg.Go(func() {
			defer func() {
				if p := recover(); p != nil {
					panics[i] = fmt.Errorf("panic: %v", p)
				}
			}()
			for range reads {
				readInTurn(src, turn)
				src.Info()
			}
		})
	}
	wg.Wait()
	return errors.Join(panics...)
}

func readInTurn(src energy.Source, turn chan []energy.Reading) {
	r := <-turn
	defer func() { turn <- r }()
	src.Read(r)
}
