package annotate

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

// TestUnixTime: to the nanosecond, which a float64 cannot hold.
func TestUnixTime(t *testing.T) {
	for text, want := range map[string]int64{
		"1700000000":             1700000000_000000000,
		"1700000000.5":           1700000000_500000000,
		"1700000000.123456789":   1700000000_123456789,
		"1700000000.1234567894":  1700000000_123456789,
		"1700000000.12345678961": 1700000000_123456790,
		"1700000000.9999999999":  1700000001_000000000,
		"1.7e9":                  1700000000_000000000,
		"0":                      0,
		"-1.25":                  -1_250000000,
	} {
		got, ok := unixTime([]byte(text))
		assert.True(t, ok, text)
		assert.Equal(t, want, got.UnixNano(), text)
	}
	for _, text := range []string{"", "x", "NaN", "Infinity", "1e10", "-1e10", "1e999999999", "9000000001", "true", "0x10", "1_0"} {
		_, ok := unixTime([]byte(text))
		assert.False(t, ok, text)
	}
	tiny, ok := unixTime([]byte("1e-999999999"))
	assert.True(t, ok)
	assert.Zero(t, tiny.UnixNano())
	assert.Equal(t, 1700000000.25, unixSeconds(time.Unix(1700000000, 250000000)))
}

func TestISOTime(t *testing.T) {
	berlin := time.FixedZone("", 3600)
	for _, c := range []struct {
		text  string
		zoned bool
		unix  int64
	}{
		{"2023-11-14T23:13:20.000", false, base},
		{"2023-11-14 23:13:20", false, base},
		{" 2023-11-14T22:13:20Z ", true, base},
		{"2023-11-14T22:13:20.123456+00:00", true, base},
		{"2023-11-14T17:13:20-0500", true, base},
	} {
		got, zoned, ok := isoTime(c.text, berlin)
		assert.True(t, ok, c.text)
		assert.Equal(t, c.zoned, zoned, c.text)
		assert.Equal(t, c.unix, got.Unix(), c.text)
	}
	for _, text := range []string{"", "2023-11-14", "yesterday", "2023-13-14T22:13:20", "1700000000"} {
		_, _, ok := isoTime(text, nil)
		assert.False(t, ok, text)
	}
}
