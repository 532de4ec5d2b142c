package promsource

import (
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/joulebench/joulebench/internal/promapi"
)

// VictoriaMetrics tells the time in its own way, and has its samples late.
func TestVictoriaMetrics(t *testing.T) {
	for _, offset := range []string{"", "1ms"} {
		t.Run("latency_offset="+offset, func(t *testing.T) {
			bubble(t, 3, func(t *testing.T, w *world) {
				time.Sleep(1234 * time.Millisecond)
				w.victoria, w.skew = true, 7*time.Second
				cfg := w.config()
				if offset != "" {
					cfg.Params = url.Values{promapi.LatencyOffset: {offset}}
				}
				s, err := Open(cfg)
				require.NoError(t, err)
				defer s.Close()
				_, ahead, within := s.Scraping()
				assert.InDelta(t, 7*time.Second, ahead, float64(2*time.Millisecond+within), "its clock is not rounded")
				assert.Equal(t, "1ms", s.client.Params.Get(promapi.LatencyOffset))
				for i := range 12 {
					w.mu.Lock()
					asked := len(w.queries)
					w.mu.Unlock()
					span := w.work(20*time.Second + time.Duration(i)*77*time.Millisecond)
					w.right(t, measured(t, s, span))
					assert.Less(t, time.Since(span.End), 6500*time.Millisecond, "window %d", i)
					assert.Less(t, len(w.asked(""))-asked, 16, "window %d: %v", i, w.queries[asked:])
				}
				assert.InDelta(t, 1500*time.Millisecond, s.delay.get(), float64(600*time.Millisecond), "learnt: of 1 to 1.5 s the most, and a little more")
				span := w.work(3 * time.Minute)
				w.right(t, measured(t, s, span))
			})
		})
	}
}

// What it is asked to wait for late samples is said, and not believed.
func TestVictoriaMetricsOfSomeTimeAgo(t *testing.T) {
	bubble(t, 1, func(t *testing.T, w *world) {
		w.victoria = true
		cfg := w.config()
		cfg.Params = url.Values{promapi.LatencyOffset: {"30s"}}
		_, err := Open(cfg)
		assert.ErrorContains(t, err, "lags by 30s")
	})
}
