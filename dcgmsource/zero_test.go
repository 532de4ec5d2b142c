package dcgmsource

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/joulebench/joulebench/powertest/energy"
)

// Counters that show 0 are recognised on the first pages: after minutes of waiting for a
// tick they still counted nothing.
func TestCountersAtZero(t *testing.T) {
	open := func(page func(elapsed time.Duration) string) (*Source, time.Duration, error) {
		start := time.Now()
		n := network{"a:9400": func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, page(time.Since(start))) }}
		s, err := Open(Config{Endpoints: []Endpoint{{URL: "a"}}, HTTP: n.client()})
		return s, time.Since(start), err
	}
	zero := gpuPage("GPU-1", 0, "GPU-2", 0)
	power := strings.NewReplacer("DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION", "DCGM_FI_DEV_POWER_USAGE", "} 0", "} 400").Replace(zero)
	synctest.Test(t, func(t *testing.T) {
		_, took, err := open(func(time.Duration) string { return zero })
		require.ErrorIs(t, err, energy.ErrNoDevice)
		assert.ErrorContains(t, err, "energy counters of the page are 0")
		assert.Less(t, took, 6*time.Second)

		s, took, err := open(func(time.Duration) string { return zero + power })
		require.NoError(t, err)
		defer s.Close()
		assert.Less(t, took, 6*time.Second)
		for _, d := range s.Devices() {
			assert.Equal(t, energy.Gauge, d.Method, "its power is known")
		}

		one, _, err := open(func(elapsed time.Duration) string { return gpuPage("GPU-1", 1e9+elapsed.Milliseconds(), "GPU-2", 0) })
		require.NoError(t, err)
		defer one.Close()
		require.Len(t, one.Devices(), 2, "it is not left out in silence")
		assert.ErrorIs(t, readAll(one)[1].Err, energy.ErrNoDevice)

		fresh, _, err := open(func(elapsed time.Duration) string {
			return gpuPage("GPU-1", int64(elapsed/time.Second)*400_000)
		})
		require.NoError(t, err, "it has just begun to count")
		defer fresh.Close()
		assert.Equal(t, energy.Counter, fresh.Devices()[0].Method)
	})
}
