package energy

import "time"

// inspect asks for the state of the devices; nil if the source cannot tell, or
// does not in time.
func (r *Recorder) inspect() []State {
	ins, ok := r.src.(Inspector)
	if !ok || len(r.devices) == 0 {
		return nil
	}
	timer := time.NewTimer(hangTime)
	defer timer.Stop()
	select {
	case r.turn <- struct{}{}:
	case <-timer.C:
		return nil
	}
	told := make(chan []State, 1)
	go func() {
		states := make([]State, len(r.devices))
		for i := range states {
			states[i].Device = r.index[i]
		}
		ins.Inspect(states)
		<-r.turn
		told <- states
	}()
	select {
	case states := <-told:
		return states
	case <-timer.C:
		return nil
	}
}
