package smisource

import (
	"strings"
	"testing"
	"time"
	"unsafe"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/joulebench/joulebench/powertest/energy"
)

// The clock of the log's host is set back inside, before and after a window.
func TestLogClockGoesBack(t *testing.T) {
	for _, tt := range []struct {
		name     string
		log      string
		from, to float64
		valid    bool
	}{
		{"inside", nvidiaLog(constant(0, -10, 5, 100), constant(0, 4, 20, 100)), 0, 10, false},
		{"by far, across", nvidiaLog(constant(0, -10, 5, 100), constant(0, -3600, 20, 100)), 0, 10, false},
		{"before", nvidiaLog(constant(0, -20, -10, 100), constant(0, -15, 20, 100)), 0, 10, true},
		{"after", nvidiaLog(constant(0, -5, 20, 100), constant(0, 15, 30, 100)), 0, 10, true},
		{"two rows swapped before", nvidiaLog(series(0, 0, -2, 100, -3, 100), constant(0, -1, 11, 100)), 0, 10, true},
		{"two rows swapped inside", nvidiaLog(constant(0, -1, 4, 100), series(0, 0, 6, 100, 5, 100), constant(0, 7, 11, 100)), 0, 10, false},
		{"the GPUs one after the other", nvidiaLog(constant(0, -1, 11, 100), constant(1, -1, 11, 100)), 0, 10, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m := measure(t, tt.log, tt.from, tt.to)
			assert.Equal(t, tt.valid, m.Valid, "%v", m.Reasons)
			assert.Equal(t, !tt.valid, m.Has(energy.ClockStep), "%v", m.Reasons)
		})
	}
}

// local is a log of constant power with time stamps of a place.
func local(place *time.Location, from time.Time, seconds int) string {
	var text strings.Builder
	text.WriteString(heading)
	for i := range seconds {
		text.WriteString(from.Add(time.Duration(i)*time.Second).In(place).Format("2006/01/02 15:04:05.000") + []string{", 0, GPU-0, 99.9 W\n", ", 0, GPU-0, 100.1 W\n"}[i%2])
	}
	return text.String()
}

func berlin(t *testing.T) *time.Location {
	place, err := time.LoadLocation("Europe/Berlin")
	require.NoError(t, err)
	return place
}

// The hour that occurs twice as summer ends is told apart by the order of rows.
func TestSummerEnds(t *testing.T) {
	place := berlin(t)
	ends := time.Date(2025, 10, 26, 1, 0, 0, 0, time.UTC) // 03:00 becomes 02:00
	for _, tt := range []struct {
		name        string
		from, to    time.Duration // of the log
		start, stop time.Duration // of the window
		valid       bool
	}{
		{"across", -time.Hour - time.Minute, time.Hour + time.Minute, -time.Minute, time.Minute, true},
		{"before", -2 * time.Hour, 0, -20 * time.Minute, -10 * time.Minute, true},
		{"after", -time.Minute, 30 * time.Minute, 10 * time.Minute, 20 * time.Minute, true},
		// Which of the two hours it is does not show.
		{"begins in the second hour", time.Minute, 30 * time.Minute, 10 * time.Minute, 20 * time.Minute, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s, err := Open(Config{Path: write(t, local(place, ends.Add(tt.from), int((tt.to-tt.from)/time.Second))), Location: place})
			require.NoError(t, err)
			defer s.Close()
			m := energy.MeasurePast(t.Context(), s, energy.Span{Start: ends.Add(tt.start), End: ends.Add(tt.stop)})
			assert.Equal(t, tt.valid, m.Valid, "%v", m.Reasons)
			if tt.valid {
				assert.InEpsilon(t, 100, m.Watts, 1e-3)
			}
		})
	}
}

func TestSummerBegins(t *testing.T) {
	place := berlin(t)
	begins := time.Date(2025, 3, 30, 1, 0, 0, 0, time.UTC) // 02:00 becomes 03:00
	s, err := Open(Config{Path: write(t, local(place, begins.Add(-time.Minute), 120)), Location: place})
	require.NoError(t, err)
	defer s.Close()
	m := energy.MeasurePast(t.Context(), s, energy.Span{Start: begins.Add(-10 * time.Second), End: begins.Add(10 * time.Second)})
	require.True(t, m.Valid, "%v", m.Reasons)
	assert.InEpsilon(t, 2000, m.Energy.Joules, 1e-3)

	w := wall{place: place}
	_, ok := w.instant(time.Date(2025, 3, 30, 2, 30, 0, 0, time.UTC).Unix(), 0)
	assert.False(t, ok, "there is no such time in Berlin: the log is not from there")
}

func TestOffsetAndZone(t *testing.T) {
	log := nvidiaLog(constant(0, -1, 11, 100))
	path := write(t, log)
	s, err := Open(Config{Path: path, Location: time.UTC, Offset: 90 * time.Minute})
	require.NoError(t, err)
	defer s.Close()
	m := energy.MeasurePast(t.Context(), s, span(5400, 5410))
	assert.True(t, m.Valid, "%v", m.Reasons)

	s, err = Open(Config{Path: path, Location: time.FixedZone("", 3600)})
	require.NoError(t, err)
	defer s.Close()
	m = energy.MeasurePast(t.Context(), s, span(0, 10))
	assert.True(t, m.Has(NoUsablePowerSamples), "%v", m.Reasons)
	m = energy.MeasurePast(t.Context(), s, span(-3600, -3590))
	assert.True(t, m.Valid, "%v", m.Reasons)
}

// set returns a time whose monotonic clock reading says that the wall clock was
// set forward by d since. Nothing else can make one.
func set(t time.Time, d time.Duration) time.Time {
	type layout struct {
		wall uint64
		ext  int64
		loc  *time.Location
	}
	(*layout)(unsafe.Pointer(&t)).ext += int64(d)
	return t
}

func TestOwnClockIsSet(t *testing.T) {
	now := time.Now()
	step, stepped := energy.ClockSetBetween(set(now.Add(-time.Minute), time.Hour), now)
	assert.True(t, stepped)
	assert.InDelta(t, time.Hour, step, 1e6)
	for _, from := range []time.Time{now, now.Add(-time.Hour), now.Round(0).Add(-time.Hour), set(now, 10*time.Millisecond)} {
		_, stepped = energy.ClockSetBetween(from, now)
		assert.False(t, stepped, "%v", from)
	}

	// Time in a bubble of synctest has no monotonic clock: this is the real one.
	path := write(t, local(time.UTC, now.Add(-time.Minute), 60))
	s, err := Open(Config{Path: path, Location: time.UTC})
	require.NoError(t, err)
	defer s.Close()
	start := now.Add(-40 * time.Second)
	m := energy.MeasurePast(t.Context(), s, energy.Span{Start: start, End: start.Add(20 * time.Second)})
	assert.True(t, m.Valid, "%v", m.Reasons)
	start = set(start, -time.Hour)
	m = energy.MeasurePast(t.Context(), s, energy.Span{Start: start, End: start.Add(20 * time.Second)})
	assert.Equal(t, []energy.Reason{energy.ClockStep}, codes(m.Reasons))
	assert.Zero(t, m.Energy)
}
