package ab

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"time"

	"github.com/joulebench/joulebench/internal/auto"
	"github.com/joulebench/joulebench/internal/wait"
	"github.com/joulebench/joulebench/powertest/energy"
)

// A cooler waits before samples until the GPUs are as they were at the start: at
// the temperature, where the source reports it, and else at the power. Idle power is
// back long before the temperature is, but some sources report nothing else.
type cooler struct {
	rec    *energy.Recorder
	limit  time.Duration // of one wait
	seed   uint64        // of the random phase
	report func(format string, args ...any)

	start []energy.State // of each device
	watts float64        // of all devices at the start, if start has no temperature
}

const (
	// nearCelsius is how close to its temperature at the start a GPU must be.
	nearCelsius = 1
	// nearWatts is how close to their power at the start all must be, as a share:
	// a GPU that is a little warmer idles at a little more.
	nearWatts = 0.05
	// askTime is how long to wait between questions for the temperature.
	askTime = 500 * time.Millisecond
)

// openCooler opens the source that is named, or else the one in POWERTEST_SOURCE.
// Where there is none it is nil, which does not wait, and the reason is reported. The
// error is one of a source that cannot exist.
func openCooler(ctx context.Context, named string, limit time.Duration, seed uint64, report func(string, ...any)) (*cooler, error) {
	name, arg, _ := energy.CutSource(cmp.Or(named, os.Getenv("POWERTEST_SOURCE"), auto.Name))
	if limit == 0 || name == "off" {
		report("there is no cool-down between samples, since none is asked for")
		return nil, nil
	}
	list := os.Getenv("POWERTEST_DEVICES")
	devices, err := energy.Selectors(list)
	if err != nil {
		return nil, fmt.Errorf("POWERTEST_DEVICES=%q is %w", list, err)
	}
	src, err := energy.Open(name, arg, devices)
	switch {
	case errors.Is(err, energy.ErrMalformed), errors.Is(err, energy.ErrUnknownSource):
		return nil, fmt.Errorf("the source of the cool-down: %w", err)
	case err == nil:
		var c *cooler
		if c, err = newCooler(ctx, src, limit, seed, report); err == nil {
			return c, nil
		}
		_ = src.Close()
	}
	if ctx.Err() == nil {
		report("there is no cool-down between samples: %v", err)
	}
	return nil, ctx.Err()
}

// newCooler notes what the GPUs of a source are like now.
func newCooler(ctx context.Context, src energy.Source, limit time.Duration, seed uint64, report func(string, ...any)) (*cooler, error) {
	c := &cooler{rec: energy.NewRecorder(src), limit: limit, seed: seed, report: report}
	c.start = c.states(ctx)
	if slices.ContainsFunc(c.start, func(s energy.State) bool { return s.HasCelsius }) {
		return c, nil
	}
	var err error
	c.watts, err = c.power(ctx)
	return c, err
}

func (c *cooler) close() {
	if c != nil {
		_ = c.rec.Source().Close()
	}
}

// rest waits until the GPUs are as they were at the start, but no longer than the
// limit, and then for a random part of a refresh period. number is that of the
// sample, and with the seed it decides which part.
func (c *cooler) rest(ctx context.Context, number int) error {
	if c == nil {
		return ctx.Err()
	}
	bounded, cancel := context.WithTimeout(ctx, c.limit)
	defer cancel()
	back, last := false, ""
	for bounded.Err() == nil && !back {
		var now string
		back, now = c.back(bounded)
		if bounded.Err() == nil || last == "" {
			last = now // and not what a source could not report for want of time
		}
		if !back {
			wait.Sleep(bounded, askTime)
		}
	}
	if !back && ctx.Err() == nil {
		c.report("the cool-down is over after %v, %s", c.limit, last)
	}
	wait.Sleep(ctx, c.phase(number))
	return ctx.Err()
}

// phase is the random part of a refresh period before a sample: samples begin at all
// times between two ticks.
func (c *cooler) phase(number int) time.Duration {
	return time.Duration(rand.New(rand.NewPCG(c.seed, uint64(number))).Int64N(int64(c.period())))
}

// period is the longest nominal refresh period.
func (c *cooler) period() time.Duration {
	info, longest := c.rec.Source().Info(), time.Nanosecond
	for _, d := range c.rec.Devices() {
		longest = max(longest, info.PeriodOf(d))
	}
	return longest
}

// back reports whether the GPUs are as they were at the start, and if not, what
// they are like.
func (c *cooler) back(ctx context.Context) (back bool, now string) {
	if c.watts > 0 {
		watts, err := c.power(ctx)
		if err != nil {
			return false, err.Error()
		}
		return watts <= c.watts*(1+nearWatts), fmt.Sprintf("with the GPUs at %.0f W; they were at %.0f W at the start", watts, c.watts)
	}
	states := c.states(ctx)
	for i, d := range c.rec.Devices() {
		switch was, is := c.start[i], states[i]; {
		case !was.HasCelsius:
		case !is.HasCelsius:
			return false, fmt.Sprintf("with the temperature of %s unknown", d.UUID)
		case is.Celsius > was.Celsius+nearCelsius:
			return false, fmt.Sprintf("with %s at %.0f °C; it was at %.0f °C at the start", d.UUID, is.Celsius, was.Celsius)
		}
	}
	return true, ""
}

// states returns the states of the devices, as far as they are known. A driver that
// does not answer is not waited for, and not asked again until it has.
func (c *cooler) states(ctx context.Context) []energy.State {
	if states := c.rec.Inspect(ctx); states != nil {
		return states
	}
	return make([]energy.State, len(c.rec.Devices()))
}

// powerPeriods is for how many refresh periods the power is measured.
const powerPeriods = 5

// power measures the power of all devices for a few refresh periods.
func (c *cooler) power(ctx context.Context) (float64, error) {
	ctx, cancel := context.WithTimeout(ctx, c.limit)
	defer cancel()
	w := c.rec.Open()
	w.Resume()
	wait.Sleep(ctx, powerPeriods*c.period())
	w.Pause()
	m := w.Measure(ctx)
	if !m.Valid {
		return 0, fmt.Errorf("the power of %s is not known: %v", c.rec.Source().Info().Name, m.Reasons)
	}
	return m.Watts, nil
}
