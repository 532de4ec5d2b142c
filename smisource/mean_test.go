package smisource

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/joulebench/joulebench/internal/sensors"
	"github.com/joulebench/joulebench/powertest/energy"
)

// TestServingOfAnH100: a log of each second, which was written beside a load whose energy
// its counter measured: the mean over a second tells it, the instant power did not.
func TestServingOfAnH100(t *testing.T) {
	s, err := Open(Config{Path: "testdata/h100-serving.csv", Location: time.UTC})
	require.NoError(t, err)
	defer s.Close()
	at := func(clock string) time.Time {
		x, err := time.Parse(time.RFC3339Nano, "2026-11-26T"+clock+"Z")
		require.NoError(t, err)
		return x
	}
	for _, w := range []struct {
		users      int
		start, end string
		counter    float64
	}{
		{1, "14:40:48.233554769", "14:40:56.233818249", 2574.0},
		{4, "14:40:58.650027109", "14:41:06.650557978", 2591.5},
		{16, "14:41:09.229843207", "14:41:17.230793464", 2702.2},
		{64, "14:41:19.697457918", "14:41:27.697915260", 3480.2},
	} {
		m := energy.MeasurePast(t.Context(), s, energy.Span{Start: at(w.start), End: at(w.end)})
		require.True(t, m.Valid, "%d users: %v", w.users, m.Reasons)
		assert.InEpsilon(t, w.counter, m.Energy.Joules, 0.02, "%d users", w.users)
		assert.LessOrEqual(t, m.Energy.Low, w.counter, "%d users", w.users)
		assert.GreaterOrEqual(t, m.Energy.High, w.counter, "%d users", w.users)
		assert.Less(t, m.Energy.ErrPercent(), 7.5, "%d users", w.users)
		assert.NotContains(t, codes(m.Reasons), energy.PartTimeSensor, "%d users", w.users)
	}
}

// logOfBoth returns a log of rows so far apart of an instant power and another column.
func logOfBoth(model, column string, apart float64, other func(mean, instant float64) float64) string {
	r := rand.New(rand.NewPCG(3, 1))
	var b strings.Builder
	fmt.Fprintf(&b, "timestamp, index, name, power.draw.instant [W], %s [W]\n", column)
	for i := range 60 {
		instant, mean := 200+200*r.Float64(), 250+100*r.Float64()
		shown := fmt.Sprintf("%.2f W", other(mean, instant))
		if math.IsNaN(other(mean, instant)) {
			shown = "[N/A]"
		}
		fmt.Fprintf(&b, "%s, 0, %s, %.2f W, %s\n", nvidia(apart*float64(i)), model, instant, shown)
	}
	return b.String()
}

// TestColumnThatCovers: where rows are far apart a mean over a second is read, if there is
// one and it is known to be that.
func TestColumnThatCovers(t *testing.T) {
	mean := func(mean, _ float64) float64 { return mean }
	same := func(_, instant float64) float64 { return instant }
	rows := 0
	refreshed := func(mean, instant float64) float64 { // between the readings of a row, in a few
		if rows++; rows%10 < 2 {
			return mean
		}
		return instant
	}
	early := 0
	refreshedEarly := func(mean, instant float64) float64 { // by chance in the first rows
		if early++; early <= 20 { // twice per row
			return mean
		}
		return instant
	}
	none := func(_, _ float64) float64 { return math.NaN() }
	const hopper, a100, ampere = "NVIDIA H100 80GB HBM3", "NVIDIA A100-PCIE-40GB", "NVIDIA GeForce RTX 3090"
	instant, draw, average := "column power.draw.instant [W]", "column power.draw [W]", "column power.draw.average [W]"
	for name, c := range map[string]struct {
		text, want string
		reading    sensors.Reading
		model      string
	}{
		"mean":                {logOfBoth(hopper, "power.draw", 1, mean), draw, sensors.Average, hopper},
		"mean, a new model":   {logOfBoth("", "power.draw", 1, mean), draw, sensors.Average, ""},
		"mean, dense":         {logOfBoth(hopper, "power.draw", 0.1, mean), instant, sensors.Instant, hopper},
		"said to be a mean":   {logOfBoth(ampere, "power.draw.average", 0.5, same), average, sensors.Average, ampere},
		"the same":            {logOfBoth(hopper, "power.draw", 1, same), instant, sensors.Instant, hopper},
		"the same, read anew": {logOfBoth(hopper, "power.draw", 1, refreshed), instant, sensors.Instant, hopper},
		"the same, by chance": {logOfBoth(hopper, "power.draw", 1, refreshedEarly), instant, sensors.Instant, hopper},
		"cannot be a mean":    {logOfBoth(a100, "power.draw", 1, mean), instant, sensors.Instant, a100},
		"not available":       {logOfBoth(hopper, "power.draw", 1, none), instant, sensors.Instant, hopper},
	} {
		d := open(t, c.text).Devices()[0]
		assert.Equal(t, c.want, d.Metric, name)
		assert.Equal(t, sensors.Of(c.reading, c.model), d.Sensor, name)
	}
}
