package promsource

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"regexp"
	"runtime"
	heapmetrics "runtime/metrics"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/joulebench/joulebench/powertest/energy"
)

// bigServer answers for a fleet with bodies that it has rendered before, so
// that hardly any of the time is its own. Every GPU is scraped once a second.
type bigServer struct {
	gpus int
	rng  *rand.Rand // if set, each answer comes in an order of its own

	mu       sync.Mutex
	rendered map[string][]byte
}

func (s *bigServer) RoundTrip(req *http.Request) (*http.Response, error) {
	text, err := io.ReadAll(req.Body)
	if err != nil {
		return nil, err
	}
	form, err := url.ParseQuery(string(text))
	if err != nil {
		return nil, err
	}
	body := s.body(form.Get("query"), form.Get("time"))
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{"Date": {time.Now().UTC().Format(http.TimeFormat)}}, Body: io.NopCloser(bytes.NewReader(body)), Request: req}, nil
}

func (s *bigServer) body(expr, at string) []byte {
	if expr == "vector(time())" {
		now := fmt.Sprintf("%.3f", float64(time.Now().UnixMilli())/1000)
		return fmt.Appendf(nil, `{"status":"success","data":{"resultType":"vector","result":[{"metric":{},"value":[%s,"%s"]}]}}`, now, now)
	}
	seconds, _ := strconv.ParseFloat(at, 64)
	to := int64(seconds*1000 + 0.5)
	if to == 0 {
		to = time.Now().UnixMilli()
	}
	var back int64
	if m := rangeForm.FindStringSubmatch(expr); m != nil {
		back, _ = strconv.ParseInt(m[1], 10, 64)
	}
	// Where the clock was looked at anew, edges differ by a millisecond.
	key := fmt.Sprint(rangeForm.ReplaceAllString(expr, "[]"), (to+500)/1000, (back+500)/1000)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.rendered == nil {
		s.rendered = map[string][]byte{}
	}
	if s.rendered[key] == nil || s.rng != nil {
		s.rendered[key] = s.render(expr, to, back)
	}
	return s.rendered[key]
}

var uuidForm = regexp.MustCompile(`UUID=~("[^"]*")`)

func (s *bigServer) render(expr string, to, back int64) []byte {
	only := regexp.MustCompile("")
	if m := uuidForm.FindStringSubmatch(expr); m != nil {
		value, _ := strconv.Unquote(m[1])
		only = regexp.MustCompile("^(?:" + value + ")$")
	}
	rows := make([]string, 0, s.gpus)
	for i := range s.gpus {
		if uuid := bigUUID(i); only.MatchString(uuid) {
			rows = append(rows, s.row(expr, i, uuid, to, back))
		}
	}
	if s.rng != nil {
		s.rng.Shuffle(len(rows), func(i, j int) { rows[i], rows[j] = rows[j], rows[i] })
	}
	kind := "vector"
	if back != 0 && !strings.Contains(expr, "(") {
		kind = "matrix"
	}
	return []byte(`{"status":"success","data":{"resultType":"` + kind + `","result":[` + strings.Join(rows, ",") + `]}}`)
}

func bigUUID(i int) string {
	return fmt.Sprintf("GPU-%08x-5d3c-4b2a-9f1e-7c6b5a4d3e2f", uint32(i)*2654435761)
}

func (s *bigServer) row(expr string, i int, uuid string, to, back int64) string {
	var b strings.Builder
	b.WriteString(`{"metric":{`)
	if !strings.Contains(expr, "(") {
		b.WriteString(`"__name__":"` + energyName + `",`)
	}
	fmt.Fprintf(&b, `"DCGM_FI_DRIVER_VERSION":"570.124.06","Hostname":"gpu-node-%04d","UUID":"%s","device":"nvidia%d","gpu":"%d","instance":"10.0.%d.%d:9400","job":"dcgm","modelName":"NVIDIA H200","pci_bus_id":"00000000:%02X:00.0"},`,
		i/8, uuid, i%8, i%8, i/8/250, i/8%250, 0x18+i%8*0x11)
	switch phase := int64(i / 8 * 137 % 1000); {
	case back == 0:
		fmt.Fprintf(&b, `"value":[%d.%03d,"1"]}`, to/1000, to%1000)
	case strings.Contains(expr, "("):
		fmt.Fprintf(&b, `"value":[%d.%03d,"0"]}`, to/1000, to%1000)
	default:
		b.WriteString(`"values":[`)
		for t := (to-back)/1000*1000 + phase; t <= to; t += 1000 {
			if t >= to-back {
				fmt.Fprintf(&b, `[%d.%03d,"%d"],`, t/1000, t%1000, bigCounter(i, t))
			}
		}
		return strings.TrimSuffix(b.String(), ",") + "]}"
	}
	return b.String()
}

// bigCounter is the counter of a GPU in mJ: some 600 W, a little more in each
// odd second.
func bigCounter(i int, t int64) int64 {
	watts := int64(500 + i%200)
	return (t-1_500_000_000_000)*watts + t/1000%2*int64(i%1000)
}

// settledSpan is a window of the recent past.
func settledSpan(d time.Duration) energy.Span {
	end := time.Now().Add(-20 * time.Second).Truncate(time.Second).Add(500 * time.Millisecond)
	return energy.Span{Start: end.Add(-d), End: end}
}

func (s *bigServer) open(t testing.TB) *Source {
	src, err := Open(Config{URL: "http://prometheus.test:9090", Selector: `{job="dcgm"}`, HTTP: HTTP{Client: &http.Client{Transport: s}}})
	require.NoError(t, err)
	t.Cleanup(func() { src.Close() })
	require.Len(t, src.Devices(), s.gpus)
	return src
}

// BenchmarkFleet reports what a window of 60 s costs that is over, from the
// queries to the measurement, without the server's own time.
func BenchmarkFleet(b *testing.B) {
	for _, gpus := range []int{8, 1000, 10000} {
		b.Run(fmt.Sprintf("gpus=%d", gpus), func(b *testing.B) {
			src := (&bigServer{gpus: gpus}).open(b)
			span := settledSpan(time.Minute)
			m := measured(b, src, span) // and the answers are rendered
			require.True(b, m.Valid, "%.2000v", m.Reasons)
			runtime.GC()
			peak := watchHeap()
			b.ReportAllocs()
			var past time.Duration
			for b.Loop() {
				_, r, err := recalled(b.Context(), src, span)
				require.NoError(b, err)
				past += r.took
			}
			n := float64(b.N)
			b.ReportMetric(float64(peak())/1e6, "peak-MB")
			b.ReportMetric(past.Seconds()*1000/n, "past-ms")
			b.ReportMetric((b.Elapsed()-past).Seconds()*1000/n, "measure-ms")
			b.ReportMetric(float64(past)/n/float64(gpus), "past-ns/GPU")
		})
	}
}

// watchHeap samples the size of the heap, until the function it returns is
// called, which returns the largest.
func watchHeap() func() uint64 {
	done, result := make(chan struct{}), make(chan uint64)
	go func() {
		heap := []heapmetrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}, {Name: "/memory/classes/heap/unused:bytes"}}
		tick := time.NewTicker(time.Millisecond)
		defer tick.Stop()
		most := uint64(0)
		for {
			heapmetrics.Read(heap)
			most = max(most, heap[0].Value.Uint64()+heap[1].Value.Uint64())
			select {
			case <-tick.C:
			case <-done:
				result <- most
				return
			}
		}
	}()
	return func() uint64 {
		close(done)
		return <-result
	}
}

// A server may answer in any order: the result is the same to the last bit. In a
// bubble, time stands still, and so the clocks agree as well.
func TestOrderOfReplies(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(20 * time.Hour * 24 * 365)
		span := settledSpan(40 * time.Second)
		want := measured(t, (&bigServer{gpus: 300}).open(t), span)
		require.True(t, want.Valid, "%.2000v", want.Reasons)
		src := (&bigServer{gpus: 300, rng: rand.New(rand.NewPCG(1, 2))}).open(t)
		for range 5 {
			got := measured(t, src, span)
			require.Equal(t, want.Energy, got.Energy)
		}
	})
}
