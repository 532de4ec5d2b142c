package smisource

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/joulebench/joulebench/powertest/energy"
)

func TestArgument(t *testing.T) {
	berlin := berlin(t)
	for arg, want := range map[string]Config{
		"gpu.csv":  {Path: "gpu.csv"},
		"gpu.csv?": {Path: "gpu.csv"},
		"/a b/gpu.csv?tz=Europe/Berlin&offset=-1.5s&gap=5s": {Path: "/a b/gpu.csv", Location: berlin, Offset: -1500 * time.Millisecond, MaxGap: 5 * time.Second},
		"gpu.csv?tz=UTC":                      {Path: "gpu.csv", Location: time.UTC},
		"gpu.csv?offset=%2B2s":                {Path: "gpu.csv", Offset: 2 * time.Second},
		"gpu.csv?offset=+2s&":                 {Path: "gpu.csv", Offset: 2 * time.Second},
		"what?.csv":                           {Path: "what?.csv"},
		"what?/gpu.csv":                       {Path: "what?/gpu.csv"},
		"run?a=1/gpu.csv?gap=2s":              {Path: "run?a=1/gpu.csv", MaxGap: 2 * time.Second},
		"gpu.csv?a=b?":                        {Path: "gpu.csv?a=b"},
		"C:\\logs\\gpu.csv?gap=3s":            {Path: "C:\\logs\\gpu.csv", MaxGap: 3 * time.Second},
		"g?energy_start=a&energy_end=b/c.csv": {Path: "g", EnergyStart: "a", EnergyEnd: "b/c.csv"},
	} {
		cfg, err := parse(arg)
		require.NoError(t, err, arg)
		assert.Equal(t, want, cfg, arg)
	}
	for _, arg := range []string{"", " ", "?gap=3s", "gpu.csv?gap=0s", "gpu.csv?gap=-1s", "gpu.csv?gap=", "gpu.csv?gap=3", "gpu.csv?tz=Nowhere/At", "gpu.csv?tz=", "gpu.csv?offset=x", "gpu.csv?colour=red", "gpu.csv?=3"} {
		cfg, err := parse(arg)
		if err == nil {
			_, err = cfg.complete()
		}
		assert.ErrorIs(t, err, energy.ErrMalformed, arg)
	}
	for _, cfg := range []Config{{}, {Path: "a", MaxGap: -1}, {Path: "a", Offset: 1e6 * time.Hour}} {
		_, err := Open(cfg)
		assert.ErrorIs(t, err, energy.ErrMalformed, "%+v", cfg)
	}
}

func TestRegistered(t *testing.T) {
	path := write(t, nvidiaLog(constant(0, -1, 11, 100), constant(1, -1, 11, 100)))
	s, err := energy.Open("smi", path+"?tz=UTC", []string{"1"})
	require.NoError(t, err)
	defer s.Close()
	assert.Equal(t, "smi:gpu_metrics.csv:1", s.Devices()[0].UUID)
	m := energy.MeasurePast(t.Context(), s.(energy.HistorySource), span(0, 10))
	assert.True(t, m.Valid, "%v", m.Reasons)
	s, err = energy.Open("smi", path+"?gap=x", nil)
	assert.ErrorIs(t, err, energy.ErrMalformed)
	assert.Nil(t, s)
	s, err = energy.Open("smi", path+".none", nil)
	assert.Error(t, err)
	assert.Nil(t, s)
}
