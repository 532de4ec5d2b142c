//go:build slow

package promsource

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/joulebench/joulebench/internal/prometheustest"
	"github.com/joulebench/joulebench/powertest/energy"
)

// TestSlowImpossible is TestImpossible on a real server.
func TestSlowImpossible(t *testing.T) {
	t.Parallel() // it waits for scrapes
	began := time.Now()
	var jump time.Time // before which there was none
	exporter := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		mj := 1e9 + 350e3*time.Since(began).Truncate(100*time.Millisecond).Seconds()
		more := 0.0
		if !jump.IsZero() && time.Now().After(jump) {
			more = 1e9
		}
		for i, x := range []float64{mj, mj + more, mj / 1000} {
			labels := fmt.Sprintf(`{gpu="%d",UUID="GPU-%d",modelName="NVIDIA H200",Hostname="n1"}`, i, i)
			fmt.Fprintf(w, "DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION%s %.0f\nDCGM_FI_DEV_POWER_USAGE%s 350.%d\n", labels, x, labels, time.Now().Unix()%7)
		}
	}))
	defer exporter.Close()
	jump = time.Now().Add(time.Hour)
	url := prometheustest.Start(t, strings.TrimPrefix(exporter.URL, "http://"))
	s, err := Open(Config{URL: url})
	require.NoError(t, err)
	defer s.Close()
	time.Sleep(6 * time.Second) // of which the server is to know something
	start := time.Now()
	jump = start.Add(4 * time.Second)
	time.Sleep(8 * time.Second)
	m := energy.MeasurePast(t.Context(), s, energy.Span{Start: start, End: time.Now()})
	require.Len(t, m.Devices, 3)
	assert.True(t, m.Devices[0].Valid, "%v", m.Reasons)
	assert.InEpsilon(t, 350, m.Devices[0].Watts, 0.1)
	assert.True(t, m.Devices[1].Has(energy.CounterJump), "%v", m.Reasons)
	assert.True(t, m.Devices[2].Has(energy.CounterDisagrees), "%v", m.Reasons)
	assert.False(t, m.Devices[1].Valid || m.Devices[2].Valid || m.Valid)
	assert.True(t, m.Has(energy.PartialCohort))
}
