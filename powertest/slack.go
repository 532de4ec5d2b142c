package powertest

import (
	"fmt"
	"math"
	"sync"
	"time"

	"github.com/joulebench/joulebench/powertest/energy"
)

// slack is by how much the energy window of a benchmark and its timer differ, where the
// [timer] cannot place what it has counted. What lies in one of them and not in the other is
// then known by its length only.
type slack struct {
	window, elapsed time.Duration
	early           time.Duration // what the timer had counted before Wrap
	repeats         bool          // it is as long in every round of the benchmark
}

const (
	// slackShare is the share of the window, or of its energy, from which on slack
	// withholds the joules.
	slackShare = 0.1
	// slackSaid is the share from which on slack that repeats is said, since it is the user's.
	slackSaid = 0.02
	// slackFloor is what nobody is told of where there are no joules anyway: two
	// stops of the world and a GC cycle's start.
	slackFloor = time.Millisecond
	// slackLong is what set-up that deserves to be blamed takes. Shorter delays are
	// those of a scheduler.
	slackLong = 20 * time.Millisecond
)

// length is how much longer the window is than the timer ran; negative if it is
// shorter.
func (s slack) length() time.Duration { return s.window - s.elapsed }

// unsaid is what to say of slack that is in the interval only; empty if that is nothing.
func (s slack) unsaid() string {
	if !s.repeats || float64(s.length().Abs()) < slackSaid*float64(s.window) {
		return ""
	}
	return s.mismatch(", which err-% includes").Detail
}

// drawn is what devices can have drawn in the slack, in joules, and the widest interval, in
// per cent, that is published of one of them.
type drawn struct{ joules, widest float64 }

func (d drawn) plus(other drawn) drawn {
	return drawn{d.joules + other.joules, max(d.widest, other.widest)}
}

// timed makes a measurement of the window one of the timed part, whose energy is
// known worse by all that the devices can have drawn in the slack. If that is too much
// it returns why the joules are withheld; those of one kind beside the whole it withholds.
func (s slack) timed(m *energy.Measurement) *energy.Finding {
	length := s.length()
	if length == 0 {
		return nil
	}
	if length.Abs() > slackFloor && float64(length.Abs()) >= slackShare*float64(s.window) {
		return s.mismatch("")
	}
	kinds, roles := map[energy.Kind]drawn{}, map[string]float64{}
	mismatch := s.widenAll(m.Devices, kinds, roles)
	if mismatch != nil {
		return mismatch
	}
	var whole drawn
	for _, most := range kinds {
		whole = whole.plus(most)
	}
	for i := range m.Roles {
		if r := &m.Roles[i]; r.Valid {
			s.widen(&r.Energy, &r.Watts, roles[r.Role])
		}
	}
	m.Duration = s.elapsed
	s.timedKinds(m, kinds)
	if !m.Valid {
		return nil
	}
	return s.widenSum(&m.Energy, &m.Watts, whole)
}

// timedKinds is timed for the kinds beside the whole, and the sum of all. most is what the
// devices of the whole can have drawn, by kind.
func (s slack) timedKinds(m *energy.Measurement, most map[energy.Kind]drawn) {
	var found []energy.Finding
	for i := range m.Kinds {
		k := &m.Kinds[i]
		mismatch := s.widenAll(k.Devices, most, map[string]float64{})
		sum := most[k.Kind]
		for _, kind := range k.Of {
			sum = sum.plus(most[kind])
		}
		if k.Valid && mismatch == nil {
			mismatch = s.widenSum(&k.Energy, &k.Watts, sum)
		}
		if mismatch == nil {
			continue
		}
		for _, d := range k.Devices {
			mismatch.Device = d.Device.UUID
			found = append(found, *mismatch)
		}
		if len(k.Devices) == 0 { // the whole has them, and stays
			k.Valid, k.Energy, k.Watts = false, energy.Estimate{}, 0
			k.Reasons = append(k.Reasons, *mismatch)
		}
	}
	for _, f := range found {
		m.Add(f)
	}
}

// widenAll widens the energies of devices, and adds what they can have drawn up by their
// kinds and roles. It returns why the joules are withheld if one cannot have drawn that.
func (s slack) widenAll(devices []energy.DeviceMeasurement, kinds map[energy.Kind]drawn, roles map[string]float64) *energy.Finding {
	for i := range devices {
		d := &devices[i]
		if !d.Valid {
			continue
		}
		most := s.most(*d)
		kind := d.Device.Kind.OrGPU()
		kinds[kind] = kinds[kind].plus(drawn{most, d.Device.MaxErrPercent()})
		roles[d.Device.Role] += most
		s.widen(&d.Energy, &d.Watts, most)
		if limit := d.Device.MostWatts(s.elapsed); d.Device.Calibration.Reported(d.Watts) > limit {
			return s.mismatch(fmt.Sprintf(", and its power would be %.4g W, which is more than the %.4g W that the device can draw", d.Watts, limit))
		}
	}
	return nil
}

// widenSum widens a sum, and returns why it is withheld if it is known too badly then.
func (s slack) widenSum(e *energy.Estimate, watts *float64, most drawn) *energy.Finding {
	share := most.joules / e.Joules
	s.widen(e, watts, most.joules)
	if share >= slackShare || e.ErrPercent() > most.widest {
		return s.mismatch(fmt.Sprintf(", and %.2g %% of the energy can have been drawn in between", 100*share))
	}
	return nil
}

// most returns the joules that a device can have drawn in the slack: at its power
// limit, or at twice its mean power if it states none, as the estimator has it too.
// What lies in the window drew no more than the window.
func (s slack) most(d energy.DeviceMeasurement) float64 {
	watts := max(d.Device.PowerLimit, d.Watts)
	if d.Device.PowerLimit <= 0 {
		watts = 2 * d.Watts
	}
	joules := watts * s.length().Abs().Seconds()
	if s.length() > 0 {
		joules = min(joules, d.Energy.Joules)
	}
	return joules
}

// widen takes from an energy, or adds to it, anything between nothing and most. The
// joules are the middle of that, so that they and the half-width contain all of it.
func (s slack) widen(e *energy.Estimate, watts *float64, most float64) {
	if s.length() > 0 {
		e.Joules -= most / 2
		e.Low -= most
	} else {
		e.Joules += most / 2
		e.High += most
	}
	*watts = e.Joules / s.elapsed.Seconds()
}

// mismatch says that window and timer differ by too much, how (detail), and what may
// be the cause. Set-up alone is blamed only for what is long in each round.
func (s slack) mismatch(detail string) *energy.Finding {
	before := s.length() < 0 && s.early >= -s.length()/2
	var advice string
	switch {
	case before:
		advice = fmt.Sprintf("the timer ran for %v before Wrap: call b.ResetTimer() just before the loop", round3(s.early))
	case s.length() < 0:
		advice = "the timer was started on the testing.B: call StartTimer on the powertest.B"
	default:
		advice = "set-up or teardown is in the window: call b.ResetTimer() after set-up that follows Wrap and b.StopTimer() before teardown, on the powertest.B, not on the testing.B"
	}
	if !before && !s.repeats {
		advice = "a busy machine held the benchmark up (run it again, or for longer), or " + advice
	}
	return &energy.Finding{
		Reason: energy.WindowMismatch,
		Detail: fmt.Sprintf("the energy window is %v and the timer %v%s: %s", round3(s.window), round3(s.elapsed), detail, advice),
	}
}

// slackHistory counts the rounds of each benchmark of the process, and in how many of
// them the window was longer, or shorter, than the timer by slackLong.
type slackHistory struct {
	mu     sync.Mutex
	byName map[string]*slackTally
}

type slackTally struct{ rounds, over, under int }

// note adds a round, and reports whether the slack is long in each of two or more. A
// benchmark without a name (of testing.Benchmark) can't be told from others.
func (h *slackHistory) note(name string, length time.Duration) (repeats bool) {
	if name == "" {
		return false
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	t := h.byName[name]
	if t == nil {
		t = &slackTally{}
		if h.byName == nil {
			h.byName = map[string]*slackTally{}
		}
		h.byName[name] = t
	}
	t.rounds++
	switch {
	case length >= slackLong:
		t.over++
	case length <= -slackLong:
		t.under++
	}
	return t.rounds > 1 && (t.over == t.rounds || t.under == t.rounds)
}

// round3 rounds to three significant digits or so, for people.
func round3(d time.Duration) time.Duration {
	if d == 0 {
		return 0
	}
	unit := math.Pow(10, math.Floor(math.Log10(math.Abs(float64(d))))-2)
	return d.Round(time.Duration(max(unit, 1)))
}
