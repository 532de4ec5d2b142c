package doctor

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/joulebench/joulebench/powertest/energy"
	"github.com/joulebench/joulebench/powertest/profile"
	"github.com/joulebench/joulebench/simsource"
)

// lateBy makes a source whose counters show what was used until some time ago, times a gain.
func lateBy(delay time.Duration, gain float64) func() *testSource {
	return func() *testSource {
		one := exact
		one.GPUs = 1
		p := healthy(one)()
		began := time.Now()
		p.read = func(dst []energy.Reading) {
			tick := dst[0].After.Sub(began).Truncate(100 * time.Millisecond)
			dst[0].Joules = 1000 + gain*p.TrueJoules(began, began.Add(max(tick-delay, 0)))
		}
		return p
	}
}

// TestProfileCorrects: what is measured of a counter that is late and has a gain, under load
// and against a meter, makes its joules those of the meter from the first window on.
func TestProfileCorrects(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		src := lateBy(60*time.Millisecond, 0.95)()
		load := &metered{testLoad: testLoad{source: src.Source}, file: filepath.Join(dir, "meter.csv"), began: time.Now()}
		x := &examined{}
		x.run(t, t.Context(), src, Options{Load: "load", start: load.start, Meter: load.file, Profile: profile.Off})
		require.True(t, x.Measurable, x.Verdict)
		require.NotNil(t, x.Meter.Comparison, x.Meter.Reason)
		c := x.Meter.Comparison
		assert.InDelta(t, 0.95, c.Gain, 0.01)
		assert.InDelta(t, 0, c.Offset, 2*c.OffsetSD+0.5)
		assert.Contains(t, x.text, "against the meter: gain 0.9")

		x.Version = "v1"
		p := x.Report.Profile()
		d := p.Devices[0]
		assert.InDelta(t, 60*time.Millisecond, *d.Delay, float64(2*time.Millisecond))
		assert.Less(t, *d.DelaySD, 3*time.Millisecond)
		assert.Equal(t, src.Devices()[0].UUID, d.UUID)
		assert.InDelta(t, 100*time.Millisecond, *d.Period, float64(time.Millisecond))
		assert.NotEmpty(t, d.NotMeasured)
		for _, missing := range d.NotMeasured {
			assert.NotContains(t, missing, "gain")
			assert.NotContains(t, missing, "delay")
		}

		path := filepath.Join(dir, "gpu.json")
		require.NoError(t, p.WriteFile(path))
		rec := energy.NewRecorder(src)
		unused, err := profile.Apply(path, rec)
		require.NoError(t, err)
		require.NoError(t, unused)
		w := rec.Open()
		require.NoError(t, w.WaitTicks(t.Context(), 4))
		time.Sleep(300 * time.Millisecond)
		w.Resume()
		start, done := time.Now(), src.Busy()
		time.Sleep(500 * time.Millisecond)
		done()
		m := w.Measure(t.Context())
		truth := src.TrueJoules(start, start.Add(500*time.Millisecond))
		require.True(t, m.Valid, "%v", m.Reasons)
		assert.InEpsilon(t, truth, m.Energy.Joules, 0.02, "without it: -20 %")
		assert.LessOrEqual(t, m.Energy.Low, truth)
		assert.GreaterOrEqual(t, m.Energy.High, truth)

		// doctor expects its windows by the profile, too.
		x = &examined{}
		x.run(t, t.Context(), src, Options{Profile: path})
		require.NotNil(t, x.GPUs[0].Calibration)
		assert.Contains(t, x.text, "of all GPUs together, with the profile "+x.GPUs[0].Calibration.Profile)
		assert.Contains(t, x.text, "how well the counter was read and calibrated")
		_, err = Examine(t.Context(), healthy(exact)(), Options{Profile: path})
		require.ErrorIs(t, err, profile.ErrOther)
	})
}

// metered is a load while which a meter writes a file, of which there is something to read
// when the load ends.
type metered struct {
	testLoad
	file  string
	began time.Time
}

func (l *metered) start(c string, o io.Writer) (running, error) {
	_, err := l.testLoad.start(c, o)
	return l, err
}

func (l *metered) End() {
	l.testLoad.End()
	var b strings.Builder
	b.WriteString("time,joules\n")
	for at := l.began; at.Before(time.Now()); at = at.Add(10 * time.Millisecond) {
		fmt.Fprintf(&b, "%.3f,%.3f\n", float64(at.UnixNano())/1e9, l.source.TrueJoules(l.began, at))
	}
	if err := os.WriteFile(l.file, []byte(b.String()), 0o644); err != nil {
		panic(err)
	}
}

// TestProfileOfSamplingCounter: the share of the time that a counter samples.
func TestProfileOfSamplingCounter(t *testing.T) {
	t.Parallel()
	x := examineLoad(t, &testLoad{}, sampling(0))
	d := x.Report.Profile().Devices[0]
	require.NotNil(t, d.Share, "%v", d.NotMeasured)
	assert.InDelta(t, 0.25, *d.Share, 0.06)
	x = examineLoad(t, &testLoad{}, healthy(exact))
	d = x.Report.Profile().Devices[0]
	assert.Equal(t, ptr(1.0), d.Share)
	assert.Equal(t, ptr(time.Duration(0)), d.Delay, "no more than a load takes to begin")
	assert.Contains(t, d.NotMeasured, "tail: it is too short for the ticks to show")
	assert.Contains(t, d.NotMeasured, "gain and offset: there was no -meter")
}

// TestNotMeasured: a profile says what it does not hold, and why.
func TestNotMeasured(t *testing.T) {
	t.Parallel()
	x := examine(t, healthy(exact), Options{})
	for _, d := range x.Report.Profile().Devices {
		assert.Equal(t, []string{"rise, fall, delay, tail, coverage and share: there was no -load", "gain and offset: there was no -meter"}, d.NotMeasured)
	}
	cfg := exact
	cfg.Ramp, cfg.Tail = 20*time.Millisecond, 150*time.Millisecond
	x = examineLoad(t, &testLoad{}, healthy(cfg))
	d := x.Report.Profile().Devices[0]
	assert.Nil(t, d.Delay)
	assert.Contains(t, strings.Join(d.NotMeasured, "\n"), "delay: rise (2")
	assert.Contains(t, strings.Join(d.NotMeasured, "\n"), " ms) and fall (1")
	assert.NotContains(t, strings.Join(d.NotMeasured, "\n"), "SIM-")
	gauge := exact
	gauge.Gauge, gauge.Noise = simsource.OnlyGauge, 0.01
	x = examineLoad(t, &testLoad{}, healthy(gauge))
	d = x.Report.Profile().Devices[0]
	assert.InDelta(t, 50*time.Millisecond, *d.Delay, float64(leastDelay), "half of its mean")
	assert.Contains(t, d.NotMeasured, "coverage or share: a gauge of power does not integrate")
}

// TestMeterOfSeveral: one meter shows one power.
func TestMeterOfSeveral(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, err := Examine(t.Context(), healthy(exact)(), Options{Meter: "meter.csv"})
		require.ErrorIs(t, err, energy.ErrMalformed)
		assert.ErrorContains(t, err, "there are 2 devices")
	})
}

// TestMeterThatIsNotThere is found out after the load, and the rest stands.
func TestMeterThatIsNotThere(t *testing.T) {
	t.Parallel()
	x := examine(t, lateBy(0, 1), Options{Meter: filepath.Join(t.TempDir(), "none.csv")})
	assert.True(t, x.Measurable)
	require.Nil(t, x.Meter.Comparison)
	assert.Contains(t, x.text, "gain and offset were not measured")
	assert.Nil(t, x.Report.Profile().Devices[0].Meter)
}
