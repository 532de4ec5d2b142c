package powertest

import (
	"bytes"
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/joulebench/joulebench/internal/metrictable"
	"github.com/joulebench/joulebench/powertest/energy"
)

func TestParsePrice(t *testing.T) {
	for text, want := range map[string]Price{
		"0.30/kWh": {0.3, "cost"}, "EUR 0.30/kWh": {0.3, "EUR"}, "0.30€/kWh": {0.3, "EUR"}, "€0.30/kWh": {0.3, "EUR"}, "$0.12/kWh": {0.12, "USD"},
		"0.30 EUR/kWh": {0.3, "EUR"}, " 0.30 eur / kwh ": {0.3, "EUR"}, "85 EUR/MWh": {0.085, "EUR"}, "£.2/kWh": {0.2, "GBP"}, "25¥/kWh": {25, "JPY"}, "1e-1/kWh": {0.1, "cost"}, "CHF 1/kWh": {1, "CHF"},
	} {
		p, err := ParsePrice(text)
		require.NoError(t, err, text)
		assert.Equal(t, want, p, text)
		back, err := ParsePrice(p.String())
		require.NoError(t, err, p)
		assert.Equal(t, p, back)
	}
	for text, says := range map[string]string{
		"": "it does not say by what", "0.30": "by what", "0.30/Wh": "by what", "0.30/kW": "by what", "/kWh": "no number", "EUR/kWh": "no number", "0,30/kWh": "write a point", "1,000.5/kWh": "write a point",
		"-0.30/kWh": "more than 0", "0/kWh": "more than 0", "NaN/kWh": "no number", "1e999/kWh": "no number", "0.3.0/kWh": "no number", "EUR 0.30 USD/kWh": "two currencies", "0.30 cents/kWh": "three letters", "0.3/0.4/kWh": "by what",
	} {
		_, err := ParsePrice(text)
		require.ErrorIs(t, err, energy.ErrMalformed, text)
		assert.ErrorContains(t, err, says, text)
		assert.ErrorContains(t, err, "\nwrite it as 0.30/kWh", text)
	}
}

// TestSetPrice: what energy costs is the price times it, with its interval, and by what was done.
func TestSetPrice(t *testing.T) {
	m := energy.Measurement{Valid: true, Energy: energy.Estimate{Joules: 3.6e6, Low: 3.24e6, High: 3.96e6}, Watts: 1000, Duration: time.Hour,
		Devices: []energy.DeviceMeasurement{{Valid: true, Device: energy.Device{UUID: "GPU-0", Method: energy.Counter}}}, Source: energy.Info{Name: "nvml"}}
	r := NewReport("BenchmarkServe", Work{Requests: 100, OutputTokens: 500_000, Elapsed: time.Hour}, m)
	r.SetPrice(Price{0.1, "USD"})
	r.SetPrice(Price{0.3, "EUR"})
	assert.Equal(t, "GPUs", r.Cost.Of)
	near := func(value float64, got *Interval) {
		t.Helper()
		require.NotNil(t, got)
		assert.InEpsilon(t, value, got.Value, 1e-12)
		assert.InEpsilon(t, 0.9*value, got.Low, 1e-12)
		assert.InEpsilon(t, 1.1*value, got.High, 1e-12)
	}
	near(0.3, r.Cost.Total)
	near(0.003, r.Cost.PerRequest)
	near(0.6, r.Cost.PerMillionTokens)
	var out bytes.Buffer
	require.NoError(t, r.WriteBenchmark(&out))
	assert.Contains(t, out.String(), "Unit EUR/Mtoken better=lower\n")
	assert.Contains(t, out.String(), " 0.6 EUR/Mtoken")
	assert.Contains(t, out.String(), " 0.003 EUR/req")
	assert.NotContains(t, out.String(), "USD")
	var back Report
	text, err := json.Marshal(r)
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(text, &back))
	assert.Equal(t, r.Cost, back.Cost)

	m.Valid = false
	for _, withheld := range []Report{NewReport("BenchmarkServe", Work{Requests: 100}, m), {}} {
		withheld.SetPrice(Price{0.3, "EUR"})
		assert.Nil(t, withheld.Cost.Total)
		assert.Nil(t, withheld.Cost.PerRequest)
		_, ok := withheld.Value("EUR/req")
		assert.False(t, ok)
	}
	m.Valid = true
	r = NewReport("BenchmarkServe", Work{Requests: 100}, m)
	r.SetPrice(Price{0.3, "EUR"})
	assert.Nil(t, r.Cost.PerMillionTokens, "no token was counted")
}

// FuzzParsePrice: a price that is taken is above 0, and in a unit that has a direction.
func FuzzParsePrice(f *testing.F) {
	for _, s := range []string{"0.30/kWh", "EUR 0.30/kWh", "0.30€/kWh", "$1e-300/MWh", "0,3 /kwh", "€$1/kWh"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		p, err := ParsePrice(s)
		if err != nil {
			require.ErrorIs(t, err, energy.ErrMalformed)
			return
		}
		require.True(t, metrictable.Finite(p.PerKWh) && p.PerKWh > 0)
		dir, known := metrictable.Better(p.Currency + "/Mtoken")
		require.True(t, known)
		require.Equal(t, metrictable.Lower, dir)
	})
}
