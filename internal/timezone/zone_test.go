package timezone

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestParse(t *testing.T) {
	for s, want := range map[string]int{"+0200": 7200, "-07:30": -(7*3600 + 1800), "+0000": 0, "UTC": 0, "Asia/Tokyo": 9 * 3600} {
		loc, err := Parse(s)
		require.NoError(t, err, s)
		assert.Equal(t, s, loc.String())
		_, offset := time.Unix(0, 0).In(loc).Zone()
		assert.Equal(t, want, offset, s)
	}
	loc, err := Parse("Local")
	require.NoError(t, err)
	assert.Equal(t, time.Local, loc)
	for _, s := range []string{"", "PST", "+25", "Berlin", "0200"} {
		_, err := Parse(s)
		assert.Error(t, err, s)
	}
}
