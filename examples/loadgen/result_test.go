package main

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/joulebench/joulebench/powertest"
	"github.com/joulebench/joulebench/powertest/energy"
)

// TestQuantile: the values are those of numpy.quantile(x, p).
func TestQuantile(t *testing.T) {
	ms := func(list ...float64) (d []time.Duration) {
		for _, x := range list {
			d = append(d, time.Duration(x*float64(time.Millisecond)))
		}
		return d
	}
	for _, c := range []struct {
		list []time.Duration
		p    float64
		want time.Duration
	}{
		{ms(3), 0.99, 3 * time.Millisecond},
		{ms(4, 1, 3, 2), 0.5, 2500 * time.Microsecond},
		{ms(4, 1, 3, 2), 0.99, 3970 * time.Microsecond},
		{ms(4, 1, 3, 2), 0, time.Millisecond},
		{ms(4, 1, 3, 2), 1, 4 * time.Millisecond},
	} {
		v, known := quantile(slices.Sorted(slices.Values(c.list)), c.p)
		assert.True(t, known)
		assert.Equal(t, c.want, v)
	}
	_, known := quantile(nil, 0.5)
	assert.False(t, known)
	assert.Equal(t, unknown, millis(nil, 0.5))
}

// TestKindColumns: what is measured beside the GPUs has columns, and notes that say why a
// number is missing.
func TestKindColumns(t *testing.T) {
	names := func(list ...energy.KindMeasurement) (names []string) {
		m := energy.Measurement{Kinds: list}
		for _, c := range shownColumns([]result{{report: powertest.Report{Measurement: &m}}}, true) {
			names = append(names, c.name)
		}
		return names
	}
	alone := names()
	assert.NotContains(t, alone, "cpu-J/req")
	assert.Contains(t, alone, "prefill-J/req")
	missing := energy.KindMeasurement{Kind: energy.AllKinds, Reasons: []energy.Finding{{Reason: energy.SourceUnavailable, Source: "rapl", Detail: "permission denied"}}}
	beside := names(energy.KindMeasurement{Kind: energy.CPU}, missing)
	assert.Equal(t, len(alone)+3, len(beside))
	assert.Subset(t, beside, []string{"cpu-J/req", "all-J/req", "all-tokens/J"})
	r := result{report: powertest.Report{Measurement: &energy.Measurement{Kinds: []energy.KindMeasurement{missing}}}}
	assert.Equal(t, []string{"all: source_unavailable (rapl): permission denied"}, r.notes())
}
