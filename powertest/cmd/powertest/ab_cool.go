package main

import (
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"time"

	"github.com/joulebench/joulebench/powertest/energy"
)

// A cooler waits before samples until the GPUs are as they were at the start: at
// the temperature, where the source tells it, and else at the power. Idle power is
// back long before the temperature is, but all that some sources know.
type cooler struct {
	src   energy.Source
	limit time.Duration // of one wait
	seed  uint64        // of the random phase
	say   func(format string, args ...any)

	celsius []float64 // of each device at the start, if known
	known   []bool
	watts   float64 // of all devices at the start, if celsius is known of none
	// asked is what the source has been asked and has not told yet; nil if nothing.
	asked chan []energy.State
}

const (
	// nearCelsius is how close to its temperature at the start a GPU must be.
	nearCelsius = 1
	// nearWatts is how close to their power at the start all must be, as a share:
	// a GPU that is a little warmer idles at a little more.
	nearWatts = 0.05
	// lookTime is how long to wait between looks at the temperature.
	lookTime = 500 * time.Millisecond
	// answerTime is how long a source may take to tell its state.
	answerTime = time.Second
)

// openCooler opens the source that asked, or POWERTEST_SOURCE, names. Where there
// is none it is nil, which does not wait, and the reason is told. The error is of a
// source that there can't be.
func openCooler(ctx context.Context, asked string, limit time.Duration, seed uint64, say func(string, ...any)) (*cooler, error) {
	name, arg, _ := strings.Cut(cmp.Or(asked, os.Getenv("POWERTEST_SOURCE"), "nvml"), "=")
	if limit == 0 || name == "off" {
		say("there is no cool-down between samples, since none is asked for")
		return nil, nil
	}
	var devices []string
	if list := os.Getenv("POWERTEST_DEVICES"); list != "" {
		devices = strings.Split(list, ",")
	}
	src, err := energy.Open(name, arg, devices)
	if err != nil {
		if misuse(err) != nil {
			return nil, fmt.Errorf("the source of the cool-down: %w", err)
		}
		say("there is no cool-down between samples: %v", err)
		return nil, nil
	}
	c := &cooler{src: src, limit: limit, seed: seed, say: say}
	if err := c.begin(ctx); err != nil {
		_ = src.Close()
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		say("there is no cool-down between samples: %v", err)
		return nil, nil
	}
	return c, nil
}

// begin notes what the GPUs are like at the start.
func (c *cooler) begin(ctx context.Context) error {
	c.celsius, c.known = c.warmth(ctx)
	for _, known := range c.known {
		if known {
			return nil
		}
	}
	watts, err := c.power(ctx)
	c.watts = watts
	return err
}

func (c *cooler) close() {
	if c != nil {
		_ = c.src.Close()
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
			last = now // and not what a source could not tell for want of time
		}
		if !back {
			sleep(bounded, lookTime)
		}
	}
	if !back && ctx.Err() == nil {
		c.say("the cool-down is over after %v, %s", c.limit, last)
	}
	sleep(ctx, c.phase(number))
	return ctx.Err()
}

// phase is the random part of a refresh period before a sample: whatever the
// benchmark's period is, its samples begin at all times between two ticks.
func (c *cooler) phase(number int) time.Duration {
	period := c.period()
	return time.Duration(rand.New(rand.NewPCG(c.seed, uint64(number))).Int64N(int64(period)))
}

// period is the longest nominal refresh period.
func (c *cooler) period() time.Duration {
	longest := time.Duration(0)
	for _, d := range c.src.Devices() {
		longest = max(longest, cmp.Or(d.Period, c.src.Info().Period))
	}
	return cmp.Or(longest, 100*time.Millisecond)
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
	celsius, known := c.warmth(ctx)
	for i, d := range c.src.Devices() {
		switch {
		case !c.known[i]:
		case !known[i]:
			return false, fmt.Sprintf("with the temperature of %s unknown", d.UUID)
		case celsius[i] > c.celsius[i]+nearCelsius:
			return false, fmt.Sprintf("with %s at %.0f °C; it was at %.0f °C at the start", d.UUID, celsius[i], c.celsius[i])
		}
	}
	return true, ""
}

// warmth returns the temperatures of the devices, as far as they are known. A
// driver that does not answer is not waited for, and not asked again until it has.
func (c *cooler) warmth(ctx context.Context) (celsius []float64, known []bool) {
	n := len(c.src.Devices())
	celsius, known = make([]float64, n), make([]bool, n)
	inspector, ok := c.src.(energy.Inspector)
	if !ok {
		return celsius, known
	}
	if c.asked == nil {
		states := make([]energy.State, n)
		for i := range states {
			states[i].Device = i
		}
		told := make(chan []energy.State, 1)
		go func() {
			inspector.Inspect(states)
			told <- states
		}()
		c.asked = told
	}
	ctx, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	select {
	case <-ctx.Done():
	case states := <-c.asked:
		c.asked = nil
		for i, s := range states {
			celsius[i], known[i] = s.Celsius, s.HasCelsius
		}
	}
	return celsius, known
}

// powerPeriods is for how many refresh periods the power is measured.
const powerPeriods = 5

// power measures the power of all devices for a few refresh periods.
func (c *cooler) power(ctx context.Context) (float64, error) {
	ctx, cancel := context.WithTimeout(ctx, c.limit)
	defer cancel()
	w := energy.NewRecorder(c.src).Open()
	w.Resume()
	sleep(ctx, powerPeriods*c.period())
	w.Pause()
	m := w.Measure(ctx)
	if !m.Valid {
		return 0, fmt.Errorf("the power of %s is not known: %v", c.src.Info().Name, m.Reasons)
	}
	return m.Watts, nil
}

// sleep waits, and reports whether it did to the end.
func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}
