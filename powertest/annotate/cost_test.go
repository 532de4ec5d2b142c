package annotate

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestPrice: 10000 J, 10 requests and 2000 tokens at 0.36 EUR/kWh are 1e-7 EUR for each joule.
func TestPrice(t *testing.T) {
	x := newTrial(t)
	x.annotate("-price", "0.36€/kWh", "-benchfmt", "record.txt")
	require.Empty(t, x.reasons())
	e := x.Measurement.Energy
	cost := x.powertest("cost").(map[string]any)
	for key, by := range map[string]float64{"total": 1, "per_request": 10, "per_million_output_tokens": 2000e-6} {
		i := cost[key].(map[string]any)
		assert.InEpsilon(t, 1e-7*e.Joules/by, i["value"], 1e-12, key)
		assert.InEpsilon(t, 1e-7*e.Low/by, i["low"], 1e-12, key)
		assert.InEpsilon(t, 1e-7*e.High/by, i["high"], 1e-12, key)
	}
	assert.Contains(t, x.out, "\ncost                            0.001 EUR (")
	assert.Contains(t, x.out, "\ncost per million output tokens  0.5 EUR (")
	assert.Contains(t, x.out, "\ncost: EUR 0.36/kWh for the energy of the GPUs alone; no rest of a node, no PUE\n")
	record := x.Report()
	million, ok := record.Value("EUR/Mtoken")
	assert.True(t, ok)
	assert.InEpsilon(t, 0.5, million, 1e-9)

	x.log("2*3..11:500") // which does not reach back to the start
	x.annotate("-price", "0.36/kWh")
	require.NotEmpty(t, x.reasons())
	assert.NotContains(t, x.out, "cost")
	assert.Nil(t, x.powertest("cost"))
}
