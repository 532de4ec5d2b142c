package energytest

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/joulebench/joulebench/powertest/energy"
)

// An Option adapts the suite to a source.
type Option func(*suite)

// Patience is how much longer than ten refresh periods the suite waits for a
// counter to change. The default is 2 s.
func Patience(d time.Duration) Option { return func(s *suite) { s.maxWait = d } }

// Static leaves out what waits for the values to change: for a source that plays
// back a recording, or a device that uses no energy.
func Static() Option { return func(s *suite) { s.static = true } }

// Allocs lets a Read allocate up to n times. The contract says that it does
// not allocate at all; this is for sources that cannot keep to it, and say so.
func Allocs(n int) Option { return func(s *suite) { s.allocs = n } }

// ExpectWatts says that each device uses a power of low to high watts while the suite
// runs, so that a unit which is wrong by a factor of 1000 fails. Both the change of a
// counter and the power that readings have must agree with it.
func ExpectWatts(low, high float64) Option {
	return func(s *suite) { s.low, s.high = low, high }
}

// Wraps says that the raw counter behind the source starts again from 0 at a number
// of joules, and that the joules of readings must go on. advance makes the raw counter
// of every device of the newest source use so many joules more; nothing else should
// move it by more than a thousandth of the range meanwhile. It is for a source whose
// counter can be given to it by a test: a file, registers, a fake library.
func Wraps(joules float64, advance func(joules float64)) Option {
	return func(s *suite) { s.wrap, s.advance = joules, advance }
}

// Opens has the suite check the function that opens the source by selectors of
// devices, as [energy.OpenFunc] does: one, all, none, and one that does not exist.
func Opens(open func(devices []string) (energy.Source, error)) Option {
	return func(s *suite) { s.opens = open }
}

// suite is what the cases need to know beside the source. Zero is what no option
// says.
type suite struct {
	maxWait   time.Duration
	static    bool
	allocs    int
	low, high float64 // W
	wrap      float64 // J
	advance   func(joules float64)
	opens     func(devices []string) (energy.Source, error)
}

func newSuite(opts []Option) *suite {
	s := &suite{maxWait: 2 * time.Second}
	for _, o := range opts {
		o(s)
	}
	return s
}

// testCase is one demand of the contract; the explanation says why the contract
// makes it.
type testCase struct {
	name        string
	explanation string
	run         func(c *check)
}

// check is a source under a case, and what was seen of it that goes against the
// contract.
type check struct {
	*suite
	src  energy.Source
	errs []error
}

func (c *check) errorf(format string, args ...any) {
	c.errs = append(c.errs, fmt.Errorf(format, args...))
}

// all returns readings that ask for every device, in order.
func (c *check) all() []energy.Reading {
	r := make([]energy.Reading, len(c.src.Devices()))
	for i := range r {
		r[i].Device = i
	}
	return r
}

func (c *check) longestPeriod() time.Duration {
	longest := time.Duration(0)
	for _, d := range c.src.Devices() {
		longest = max(longest, c.src.Info().PeriodOf(d))
	}
	return longest
}

var cases = []testCase{
	{"info", "a source must describe itself, and the same way each time: results name it, and never mix real and simulated ones", checkInfo},
	{"devices", "each device must be listed once, by its UUID, in a list that does not change: one GPU counts once", checkDevices},
	{"read-any", "Read must fill in just the elements of dst, each with the device that the caller asked for, in any order", checkReadAny},
	{"read-none", "Read of nothing must do nothing", checkReadNone},
	{"times", "a value was taken between Before and After, on a clock that does not go back: without that it cannot be placed in time", checkTimes},
	{"presence", "a reading must have the value that the device's Method promises, or an error: absent is not zero", checkPresence},
	{"values", "values must be finite and not negative, and some device must have one", checkValues},
	{"errors", "an error must be of a documented kind or wrap its cause: callers decide by errors.Is", checkErrors},
	{"monotone", "a counter must never go down: a decrease means that it was reset, and spoils the window", checkMonotone},
	{"ticks", "a counter must change within ten refresh periods: even an idle GPU uses energy, so one that stands still is dead", checkTicks},
	{"resolution", "a counter must change by multiples of the Resolution that its device claims: the interval of short windows rests on it", checkResolution},
	{"power", "a device must use the power that is expected of it: a unit that is wrong by 1000 is plausible in all other cases", checkPower},
	{"wrap", "a counter that starts again from 0 must be continued by the source: the loss would be taken for a reset", checkWrap},
	{"prompt", "Read must return within a second, with energy.ErrStalled if it must: after that it is given up on", checkPrompt},
	{"allocs", "Read must not allocate: its garbage would show up in the allocs/op of the benchmark", checkAllocs},
	{"goroutines", "Read must work from any goroutine, one at a time, while another calls Info", checkGoroutines},
	{"inspect", "Inspect must fill in just the elements of dst, and not invent a state", checkInspect},
	{"open", "opening must give the devices that are asked for, and an error for those that do not exist: energy of others is not the answer", checkOpen},
	{"close", "Close must be idempotent: it may be called from several places", checkClose},
	{"read-closed", "Read after Close must give errors, not zeros and not a panic: a late read must not become a number", checkReadClosed},
}

// TestSource puts a source through the suite. open is called once per case,
// and the source is closed after it. The error joins what was found, each with
// the name of its case and the reason for it; it is nil if all is well.
//
// The suite counts allocations, so it must not run beside parallel tests; some cases
// take ten refresh periods of the source.
func TestSource(open func() (energy.Source, error), opts ...Option) error {
	s := newSuite(opts)
	var errs []error
	for _, c := range cases {
		src, err := open()
		if err != nil {
			return errors.Join(append(errs, fmt.Errorf("%s: open the source: %w", c.name, err))...)
		}
		errs = append(errs, s.run(c, src))
	}
	return errors.Join(errs...)
}

// Run is [TestSource] with one subtest per case. In a testing/synctest bubble,
// which allows no subtests, use TestSource.
func Run(t *testing.T, open func(t *testing.T) energy.Source, opts ...Option) {
	s := newSuite(opts)
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if err := s.run(c, open(t)); err != nil {
				t.Error(err)
			}
		})
	}
}

// run checks one case and closes the source. A source that never returns must
// fail its case, not hang the suite.
func (s *suite) run(tc testCase, src energy.Source) error {
	c := &check{suite: s, src: src}
	// Far beyond what any case needs; asked for before it begins, since calls do not overlap.
	limit := 30*time.Second + s.maxWait + 30*c.longestPeriod()
	result := make(chan error, 1)
	go func() {
		defer func() {
			if p := recover(); p != nil {
				result <- fmt.Errorf("panic: %v", p)
			}
		}()
		tc.run(c)
		if err := src.Close(); err != nil {
			c.errorf("close: %w", err)
		}
		result <- errors.Join(c.errs...)
	}()
	timeout := time.NewTimer(limit)
	defer timeout.Stop()
	var err error
	select {
	case err = <-result:
	case <-timeout.C:
		err = fmt.Errorf("the source did not return within %v", limit)
	}
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w\n\t%s", tc.name, err, tc.explanation)
}
