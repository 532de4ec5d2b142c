package gate

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestUnitValues(t *testing.T) {
	check := func(flag string, want map[string]float64) {
		t.Helper()
		v := unitValues{parse: parseShare, alone: true}
		require.NoError(t, v.Set(flag), flag)
		assert.Equal(t, want, v.values, flag)
	}
	check("J/op=3%", map[string]float64{"J/op": 0.03})
	check("J/op=3%, ns/op = 5 %", map[string]float64{"J/op": 0.03, "ns/op": 0.05})
	check("2.5%,J/op=0%", map[string]float64{"": 0.025, "J/op": 0})
	check("x=y/op=1%", map[string]float64{"x=y/op": 0.01})
}

func TestUnitValuesRefused(t *testing.T) {
	refuse := func(v unitValues, flag, want string) {
		t.Helper()
		require.ErrorContains(t, v.Set(flag), want, flag)
	}
	threshold := unitValues{parse: parseShare, alone: true}
	for _, flag := range []string{"", "J/op=", "J/op=3", "J/op=0.03", "J/op=-3%", "J/op=NaN%", "J/op=inf%", "J/op=1e999%", "3", "%", "J/op=3%,"} {
		refuse(threshold, flag, "no share in per cent, such as 3%")
	}
	refuse(threshold, "=3%", "no unit with an equals sign")
	refuse(threshold, "J/op=3%,J/op=4%", "J/op=4% is there twice")
	refuse(threshold, "3%,4%", "4% is there twice")
	budget := unitValues{parse: parseLimit}
	for _, flag := range []string{"J/token=", "J/token=cheap", "J/token=NaN", "J/token=+Inf"} {
		refuse(budget, flag, "no number for a budget")
	}
	for _, flag := range []string{"", "0.9", "J/token", "=0.9", "J/token=0.9,"} {
		refuse(budget, flag, "no unit with an equals sign and a number")
	}
}

// TestUnitValuesRepeated: a flag that is given twice means both.
func TestUnitValuesRepeated(t *testing.T) {
	v := unitValues{parse: parseLimit}
	require.NoError(t, v.Set("J/token=0.9"))
	require.NoError(t, v.Set("J/op=11"))
	assert.Equal(t, map[string]float64{"J/token": 0.9, "J/op": 11}, v.values)
	assert.Equal(t, "J/op=11,J/token=0.9", v.String())
	require.ErrorContains(t, v.Set("J/op=12"), "there twice")
}

func TestUnitFacts(t *testing.T) {
	var f unitFacts
	require.NoError(t, f.Set("hits/op better=higher assume=exact"))
	require.NoError(t, f.Set(" misses/op  better=lower "))
	assert.Equal(t, map[string]int{"hits/op": 1, "misses/op": -1}, f.better)
	assert.Equal(t, map[string]bool{"hits/op": true}, f.exact)
	require.ErrorContains(t, f.Set("hits/op better=lower"), "better both ways")
	for _, flag := range []string{"", "hits/op", "better=higher"} {
		require.ErrorContains(t, f.Set(flag), "what is known of it", flag)
	}
	for _, flag := range []string{"hits/op higher", "hits/op better=up", "hits/op assume=normal"} {
		require.ErrorContains(t, f.Set(flag), "is neither better=lower, better=higher", flag)
	}
}

func TestUnitList(t *testing.T) {
	var l unitList
	require.NoError(t, l.Set("J/op, ns/op"))
	require.NoError(t, l.Set("W"))
	assert.Equal(t, "J/op,ns/op,W", l.String())
	require.Error(t, l.Set("J/op,,W"))
}
