package tokenmetric

import (
	"math"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/joulebench/joulebench/internal/edgecount"
	"github.com/joulebench/joulebench/internal/metricpage"
)

// TestInFlight: what waits is in a count that goes up as requests arrive, as far as it is known.
func TestInFlight(t *testing.T) {
	c, length := edgecount.Count{Value: 1000, Low: 1000, High: 1000}, func() float64 { return 10 }
	nan := math.NaN()
	for _, w := range []struct {
		update           Update
		running, waiting Edges
		want             edgecount.Count
		known            bool
	}{
		{AtArrival, Edges{2, 3}, Edges{5, 7}, edgecount.Count{Value: 1000, Low: 900, High: 1070}, true},
		{AtArrival, Edges{2, 3}, Edges{nan, nan}, edgecount.Count{Value: 1000, Low: 970, High: 1020}, true},
		{AtArrival, Edges{nan, 3}, Edges{5, 7}, c, false},
		{AtFirstToken, Edges{2, 3}, Edges{5, 7}, edgecount.Count{Value: 1000, Low: 980, High: 1030}, true},
	} {
		got, known := Metric{Update: w.update}.InFlight(c, Prompt, w.running, w.waiting, length)
		assert.Equal(t, w.known, known)
		assert.Equal(t, w.want, got)
	}
}

func TestKey(t *testing.T) {
	one := []metricpage.Label{{Name: "__name__", Value: "x"}, {Name: "model", Value: "m"}, {Name: "tp_rank", Value: "0"}, {Name: "prometheus_replica", Value: "a"}, {Name: "dp", Value: "1"}}
	copied := []metricpage.Label{{Name: "dp", Value: "1"}, {Name: "tp_rank", Value: "1"}, {Name: "model", Value: "m"}}
	assert.Equal(t, Key(one, []string{"tp_rank"}), Key(copied, []string{"tp_rank"}))
	assert.NotEqual(t, Key(one, nil), Key(copied, nil))
}
