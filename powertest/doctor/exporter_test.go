package doctor_test

import (
	"bytes"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/joulebench/joulebench/dcgmsource"
	"github.com/joulebench/joulebench/dcgmsource/dcgmtest"
	"github.com/joulebench/joulebench/powertest/doctor"
	"github.com/joulebench/joulebench/simsource"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// examineExporter examines an exporter that collects at an interval, on the fake clock,
// as if it were at two addresses.
func examineExporter(t *testing.T, collect time.Duration, o doctor.Options) (r doctor.Report, text string, took time.Duration) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		e := dcgmtest.New(dcgmtest.Config{Source: simsource.New(simsource.Config{GPUs: 2, Idle: 90, Peak: 700, Jitter: -1}), Collect: collect, Jitter: -1, Only: true})
		s, err := dcgmsource.Open(dcgmsource.Config{
			Endpoints: []dcgmsource.Endpoint{{URL: "node-1:9400#decode"}, {URL: "node-2:9400#decode"}},
			HTTP:      dcgmsource.HTTP{Client: &http.Client{Transport: dcgmtest.Transport(map[string]http.Handler{"node-1:9400": e, "node-2:9400": e})}},
		})
		require.NoError(t, err)
		defer s.Close()
		began := time.Now()
		r, err = doctor.Examine(t.Context(), s, o)
		took = time.Since(began)
		require.NoError(t, err)
		var out bytes.Buffer
		require.NoError(t, r.WriteText(&out))
		text = out.String()
	})
	return r, text, took
}

// TestExporter: the refresh period is how often it collects, and a GPU that two
// addresses report counts once.
func TestExporter(t *testing.T) {
	t.Parallel()
	r, text, took := examineExporter(t, time.Second, doctor.Options{})
	require.True(t, r.Measurable, r.Verdict)
	require.Len(t, r.GPUs, 2)
	for _, g := range r.GPUs {
		assert.InDelta(t, time.Second, *g.Period, float64(10*time.Millisecond))
		assert.InDelta(t, 90, *g.Watts, 1)
		assert.Equal(t, 2, g.Rows)
		assert.Equal(t, "decode", g.Role)
		assert.GreaterOrEqual(t, *g.Within, 100*time.Millisecond, "it is not asked more often than that")
		assert.Nil(t, g.PowerLimit)
	}
	assert.Equal(t, &doctor.Server{Collapsed: 2}, r.Server)
	assert.GreaterOrEqual(t, took, 25*time.Second, "until 25 ticks were seen")
	assert.Less(t, took, 35*time.Second)
	require.NotNil(t, r.Benchtime.Recommended)
	assert.Contains(t, text, "rows left out because their GPU was already counted: 2")
}

// TestSeldomExporter: of one that collects seldom, short windows have no number.
func TestSeldomExporter(t *testing.T) {
	t.Parallel()
	r, _, took := examineExporter(t, 30*time.Second, doctor.Options{})
	require.True(t, r.Measurable, r.Verdict)
	assert.InDelta(t, 2*time.Minute, took, float64(time.Second))
	assert.InDelta(t, 30*time.Second, *r.GPUs[0].Period, float64(time.Second))
	assert.Nil(t, r.Windows[2].Seen)
	assert.Nil(t, r.Windows[1].Load)
	assert.NotEmpty(t, r.Windows[1].Reason)

	r, _, _ = examineExporter(t, 30*time.Second, doctor.Options{Watch: 10 * time.Second})
	assert.False(t, r.Measurable)
	assert.Contains(t, r.Verdict, "watch for longer, with -for; start dcgm-exporter with -c 1000")
}
