package dcgmsource_test

import (
	"net/http"
	"net/http/httptest"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/joulebench/joulebench/dcgmsource"
	"github.com/joulebench/joulebench/dcgmsource/dcgmtest"
	"github.com/joulebench/joulebench/powertest/energy"
	"github.com/joulebench/joulebench/simsource"
)

// millijoules are the rows of an exporter's page with the energy of a GPU.
var millijoules = regexp.MustCompile(`(?m)^(DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION\{gpu="(\d+)".*\} )(\d+)$`)

// relabelled is an exporter between which and its readers something changes the
// millijoules of its GPUs.
func relabelled(e http.Handler, change func(gpu string, mj float64) float64) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		page := httptest.NewRecorder()
		e.ServeHTTP(page, r)
		var b strings.Builder
		body, at := page.Body.String(), 0
		for _, m := range millijoules.FindAllStringSubmatchIndex(body, -1) {
			mj, _ := strconv.ParseFloat(body[m[6]:m[7]], 64)
			b.WriteString(body[at:m[6]])
			b.WriteString(strconv.FormatFloat(change(body[m[4]:m[5]], mj), 'f', 0, 64))
			at = m[7]
		}
		b.WriteString(body[at:])
		_, _ = w.Write([]byte(b.String()))
	}
}

// TestImpossible: what a GPU cannot have used is not published, and of two GPUs the other
// keeps its number. A GPU at its power limit is published.
func TestImpossible(t *testing.T) {
	began := time.Time{} // when the load began
	for name, c := range map[string]struct {
		change func(gpu string, mj float64) float64
		reason energy.Reason
		says   string
	}{
		"true": {change: func(_ string, mj float64) float64 { return mj }},
		"1 MJ more": {func(gpu string, mj float64) float64 {
			if gpu == "1" && !began.IsZero() && time.Since(began) > 7*time.Second {
				mj += 1e9
			}
			return mj
		}, energy.CounterJump, "the counter went up by"},
		"joules as millijoules": {func(gpu string, mj float64) float64 {
			if gpu == "1" {
				mj /= 1000
			}
			return mj
		}, energy.CounterDisagrees, "joules under a name of millijoules"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				began = time.Time{}
				sim := simsource.New(simsource.Config{GPUs: 2, Peak: 700})
				exporter := dcgmtest.New(dcgmtest.Config{Source: sim, Collect: time.Second})
				hosts := map[string]http.Handler{"node:9400": relabelled(exporter, c.change)}
				src, err := dcgmsource.Open(dcgmsource.Config{
					Endpoints: []dcgmsource.Endpoint{{URL: dcgmsource.Address("node")}},
					HTTP:      dcgmsource.HTTP{Client: &http.Client{Transport: dcgmtest.Transport(hosts)}},
				})
				require.NoError(t, err)
				defer src.Close()
				w := energy.NewRecorder(src).Open()
				require.NoError(t, w.WaitTicks(t.Context(), 3))
				began = time.Now()
				done := sim.Busy()
				w.Resume()
				time.Sleep(20 * time.Second)
				w.Pause()
				done()
				m := w.Measure(t.Context())
				require.Len(t, m.Devices, 2)
				require.True(t, m.Devices[0].Valid, "%v", m.Reasons)
				assert.InEpsilon(t, 700, m.Devices[0].Watts, 0.05)
				assert.Equal(t, c.reason == "", m.Valid, "%v", m.Reasons)
				assert.Equal(t, m.Valid, m.Devices[1].Valid)
				if c.reason != "" {
					assert.Zero(t, m.Watts)
					assert.True(t, m.Has(energy.PartialCohort))
					require.True(t, m.Devices[1].Has(c.reason), "%v", m.Reasons)
					assert.Contains(t, m.Devices[1].Reasons[0].Detail, c.says)
				}
			})
		})
	}
}
