package dcgmsource

import (
	"fmt"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/joulebench/joulebench/powertest/energy"
	"github.com/joulebench/joulebench/powertest/energy/energytest"
)

// living answers with the page of an exporter that asks DCGM every 30 s, of two
// GPUs in MIG instances, at 700 W each since its start. The answer takes 3 ms.
func living(start time.Time) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		time.Sleep(3 * time.Millisecond)
		mj := int64(time.Since(start)/(30*time.Second)) * 30 * 700_000
		for gpu := range 2 {
			for instance := range 2 {
				labels := fmt.Sprintf("{gpu=\"%d\",UUID=\"GPU-%d\",GPU_I_ID=\"%d\",Hostname=\"n1\"}", gpu, gpu, instance)
				fmt.Fprintf(w, "DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION%s %d\n", labels, 5_000_000+mj+int64(instance))
				fmt.Fprintf(w, "DCGM_FI_DEV_POWER_USAGE%s 700.000000\n", labels)
			}
		}
	}
}

func TestConformance(t *testing.T) {
	for name, endpoints := range map[string][]Endpoint{
		"one endpoint":          {{URL: "a"}},
		"the same GPUs, thrice": {{URL: "a"}, {URL: "b"}, {URL: "c"}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				page := living(time.Now())
				c := Config{Endpoints: endpoints, HTTP: network{"a:9400": page, "b:9400": page, "c:9400": page}.client()}
				err := energytest.TestSource(func() (energy.Source, error) {
					s, err := Open(c)
					if err != nil {
						return nil, err
					}
					return s, nil
				}, energytest.Allocs(100*len(endpoints)))
				require.NoError(t, err)
			})
		})
	}
}

// The whole way: a recorder measures what the GPUs used while the exporter's
// pages change every 30 s.
func TestRecorderMeasuresAnExporter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, err := Open(Config{Endpoints: []Endpoint{{URL: "a"}}, HTTP: network{"a:9400": living(time.Now())}.client()})
		require.NoError(t, err)
		defer s.Close()
		rec := energy.NewRecorder(s)
		w := rec.Open()
		time.Sleep(2 * time.Minute)
		w.Resume()
		time.Sleep(10 * time.Minute)
		w.Pause()
		m := w.Measure(t.Context())
		require.True(t, m.Valid, "%v", m.Reasons)
		require.InEpsilon(t, 2*700*600, m.Energy.Joules, 0.01)
		require.Len(t, m.Devices, 2)
	})
}
