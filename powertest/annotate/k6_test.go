package annotate

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

// TestK6Users: users that begin with none are not all the time as many.
func TestK6Users(t *testing.T) {
	var r k6Run
	for _, n := range []float64{0, 0, 5} {
		p := k6Point{Metric: k6Users}
		p.Data.Value = n
		r.add(p)
	}
	assert.Zero(t, r.least)
	assert.Equal(t, 5.0, r.most)
}

// TestK6TooManyTokens: a sum that no run can have is not known.
func TestK6TooManyTokens(t *testing.T) {
	var r k6Run
	p := k6Point{Metric: k6Output[0]}
	p.Data.Time, p.Data.Value = time.Unix(1.7e9, 0), 1e300
	r.add(p)
	assert.Zero(t, r.outcome(nil).OutputTokens)
}
