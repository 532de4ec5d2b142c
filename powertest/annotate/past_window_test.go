package annotate

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/joulebench/joulebench/powertest/energy"
)

func TestPastWindow(t *testing.T) {
	berlin := must(time.LoadLocation("Europe/Berlin"))(t)
	now := time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)
	at := func(hour, minute, second, ns int) time.Time {
		return time.Date(2026, 11, 25, hour, minute, second, ns, time.UTC)
	}
	for _, c := range []struct {
		past Past
		zone *time.Location
		want energy.Span
	}{
		{past: Past{Last: 5 * time.Minute}, want: energy.Span{Start: at(11, 55, 0, 0), End: now}},
		{past: Past{Last: time.Minute, End: "2026-11-25T11:00:00Z"}, want: energy.Span{Start: at(10, 59, 0, 0), End: at(11, 0, 0, 0)}},
		{past: Past{Start: "2026-11-25T10:00:00+02:00"}, want: energy.Span{Start: at(8, 0, 0, 0), End: now}},
		{past: Past{Start: "1764064800.25", End: "1764064801.5"}, want: energy.Span{Start: time.Unix(1764064800, 250e6), End: time.Unix(1764064801, 500e6)}},
		{past: Past{Start: "2026-11-25 10:00:00.5", End: "2026-11-25T11:00:00"}, zone: berlin, want: energy.Span{Start: at(9, 0, 0, 500e6), End: at(10, 0, 0, 0)}},
	} {
		got, err := c.past.Window(c.zone, now)
		require.NoError(t, err, c.past)
		assert.True(t, got.Start.Equal(c.want.Start) && got.End.Equal(c.want.End), "%v: %v", c.past, got)
	}
	for want, past := range map[string]Past{
		"-start and -last both say when the window begins: give one":                                                                          {Start: "1764064800", Last: time.Minute},
		"-last=-5m0s: it must be more than 0, such as 5m":                                                                                     {Last: -5 * time.Minute},
		"-end says when the window ends: say when it begins with -start or -last":                                                             {End: "1764064800"},
		"the window ends 1h0m0s before it starts: exchange -start and -end":                                                                   {Start: "2026-11-25T11:00:00Z", End: "2026-11-25T10:00:00Z"},
		"the window has no length: -start and -end are the same":                                                                              {Start: "2026-11-25T11:00:00Z", End: "2026-11-25T11:00:00Z"},
		"-end is 30m0s in the future: a window of the past is over":                                                                           {Start: "2026-11-25T11:00:00Z", End: "2026-11-25T12:30:00Z"},
		"-start is 1h0m0s in the future: a window of the past is over":                                                                        {Start: "2026-11-25T13:00:00Z"},
		"-start: \"yesterday\" is not a time\ngive one such as 2026-11-25T10:00:00Z, or seconds since 1970":                                   {Start: "yesterday"},
		"-end: \"1764064800000\" is not a time\ngive one such as 2026-11-25T10:00:00Z, or seconds since 1970":                                 {Start: "1764064800", End: "1764064800000"},
		"-start: \"2026-11-25T10:00:00\" has no zone\nadd Z or an offset such as +02:00, or say with -tz where it is from, such as -tz Local": {Start: "2026-11-25T10:00:00"},
	} {
		_, err := past.Window(nil, now)
		assert.EqualError(t, err, want)
	}
	assert.False(t, Past{}.Given())
}
