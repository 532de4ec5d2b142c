package dcgmsource

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/joulebench/joulebench/powertest/energy"
)

// BenchmarkRead reads eight GPUs of one exporter, by a real connection.
func BenchmarkRead(b *testing.B) {
	e := &exporter{body: string(fixture(b, "h200-8gpu-t0.prom"))}
	server := httptest.NewServer(http.HandlerFunc(e.ServeHTTP))
	defer server.Close()
	s, err := Open(Config{Endpoints: []Endpoint{{URL: Address(server.URL)}}})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	r := make([]energy.Reading, 8)
	for i := range r {
		r[i].Device = i
	}
	b.ReportAllocs()
	for b.Loop() {
		if s.Read(r); r[7].Err != nil {
			b.Fatal(r[7].Err)
		}
	}
}
