package powertest

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/joulebench/joulebench/powertest/energy"
	"github.com/joulebench/joulebench/powertest/tokens"
	"github.com/joulebench/joulebench/simsource"
)

// inference is an inference server with a page like vLLM's, and the network that leads to it.
type inference struct {
	sim *simsource.Source

	mu                                sync.Mutex
	prompt, output, requests, running int
	reads                             int
	broken                            error
}

func (s *inference) RoundTrip(r *http.Request) (*http.Response, error) {
	time.Sleep(3 * time.Millisecond)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.reads++; s.broken != nil {
		return nil, s.broken
	}
	page := fmt.Sprintf("vllm:generation_tokens_total{model_name=\"m\"} %d\nvllm:prompt_tokens_total{model_name=\"m\"} %d\nvllm:request_success_total{model_name=\"m\"} %d\nvllm:num_requests_running{model_name=\"m\"} %d\n",
		s.output, s.prompt, s.requests, s.running)
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(page)), Request: r}, nil
}

func (s *inference) add(prompt, output, requests, running int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.prompt, s.output, s.requests, s.running = s.prompt+prompt, s.output+output, s.requests+requests, s.running+running
}

// answer is a request of 50 prompt and 10 output tokens, a token each ms.
func (s *inference) answer() {
	done := s.sim.Busy()
	defer done()
	s.add(0, 0, 0, 1)
	for i := range 10 {
		time.Sleep(time.Millisecond)
		s.add(50*(1-min(i, 1)), 1, 0, 0)
	}
	s.add(0, 0, 1, -1)
}

// serves makes a server the network of a test, and forgets what servers of others were opened.
func serves(t *testing.T, s *inference) {
	network := http.DefaultTransport
	http.DefaultTransport = s
	process.servers.opened = nil
	t.Cleanup(func() { http.DefaultTransport, process.servers.opened = network, nil })
}

// TestBenchmarkByServer: a benchmark whose client counts nothing has tokens/J all the same, with
// the interval of both.
func TestBenchmarkByServer(t *testing.T) {
	s := &inference{}
	serves(t, s)
	s.add(7000, 9000, 100, 0) // of before
	body := func(b *B, sim *simsource.Source) {
		s.sim = sim
		for b.Loop() {
			s.answer()
		}
	}
	r := exact(t, []Option{TokensFrom("vllm=http://gpu-host:8000")}, body)
	requireNear(t, 0.7, r, "J/token")
	requireNear(t, 1/0.7, r, "tokens/J")
	requireNear(t, 7, r, "J/req")
	assert.InEpsilon(t, 1000, r.Extra["tokens/s"], 1e-3)
	assert.InDelta(t, r.Extra["err-%"], r.Extra["tokens-err-%"], 0.3)
	assert.LessOrEqual(t, s.reads, 8, "it is read at edges")

	s.reads = 0
	r = exact(t, nil, body)
	assert.Zero(t, s.reads)
	assert.NotContains(t, r.Extra, "tokens/J")
	t.Setenv("POWERTEST_TOKENS", "http://gpu-host:8000/metrics")
	r = exact(t, nil, body)
	requireNear(t, 0.7, r, "J/token")
	assert.Contains(t, r.Extra, "tokens-err-%")
}

// TestServerReset: what a server counts before ResetTimer is forgotten.
func TestServerReset(t *testing.T) {
	s := &inference{}
	serves(t, s)
	r := exact(t, []Option{TokensFrom("gpu-host")}, func(b *B, sim *simsource.Source) {
		s.sim = sim
		s.answer()
		b.ResetTimer()
		for range b.N {
			s.answer()
		}
	})
	requireNear(t, 0.7, r, "J/token")
	assert.Equal(t, int64(10*time.Millisecond), r.NsPerOp(), "reading the page is not timed")
}

// serving1 measures a window of a meter by a server, in which the client counts what it does.
func serving1(t *testing.T, s *inference, load func(w *Window)) (r Report, err error) {
	serves(t, s)
	synctest.Test(t, func(t *testing.T) {
		s.sim = simsource.New(simsource.Config{Jitter: -1})
		m := newMeter(t, From(s.sim), TokensFrom("vllm=http://gpu-host:8000"))
		w := m.Start("BenchmarkServe")
		load(w)
		r, err = w.Stop(t.Context())
		require.NoError(t, m.Close())
		time.Sleep(time.Minute)
	})
	return r, err
}

// TestSideBySide: client's and server's counts are both in the report, and compared.
func TestSideBySide(t *testing.T) {
	agree := func(w *Window, s *inference, output int) {
		for range 100 {
			s.answer()
			w.AddTokens(50, output)
			w.AddRequests(1)
		}
	}
	s := &inference{}
	r, err := serving1(t, s, func(w *Window) { agree(w, s, 10) })
	require.NoError(t, err)
	require.NotNil(t, r.Server)
	assert.Equal(t, int64(1000), r.Work.OutputTokens)
	assert.InDelta(t, 1000, r.Server.Output.Value, 1)
	assert.InDelta(t, 5000, r.Server.Prompt.Value, 1)
	assert.InDelta(t, 100, r.Server.Requests.Value, 1)
	assert.Empty(t, r.Server.Reasons)
	assert.Empty(t, r.Reasons)
	assert.InEpsilon(t, 1/0.7, r.Server.TokensPerJoule.Value, 0.02)
	assert.Less(t, r.Server.TokensPerJoule.Low, r.Server.TokensPerJoule.Value)

	s = &inference{}
	r, err = serving1(t, s, func(w *Window) { agree(w, s, 11) })
	require.NoError(t, err)
	require.Len(t, r.Reasons, 1, "%v", r.Reasons)
	assert.Equal(t, energy.TokenMismatch, r.Reasons[0].Reason)
	assert.Contains(t, r.Reasons[0].Detail, "the client counted 1100 output tokens and the server 1000")
	assert.True(t, r.Valid(), "it is marked")
	var keys struct {
		Work   Work
		Server struct {
			Output       tokens.Count `json:"output_tokens"`
			PerJoule     Interval     `json:"tokens_per_joule"`
			Reasons      []energy.Finding
			RunningAfter *float64 `json:"running_after"`
		}
	}
	data, err := json.Marshal(r)
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(data, &keys))
	assert.InDelta(t, 1000, keys.Server.Output.Value, 1)
	assert.InEpsilon(t, r.Server.TokensPerJoule.Value, keys.Server.PerJoule.Value, 1e-9)
	assert.Len(t, keys.Server.Reasons, 1)
	assert.NotNil(t, keys.Server.RunningAfter)
}

// TestCutLoad: a window that ends while requests run is not blamed for what its client adds when
// they end.
func TestCutLoad(t *testing.T) {
	s := &inference{}
	r, err := serving1(t, s, func(w *Window) {
		users := 16
		var ended atomic.Bool
		for u := range users {
			go func() {
				time.Sleep(time.Duration(u) * time.Millisecond / 2)
				for range 3 {
					if s.answer(); !ended.Load() {
						w.AddTokens(50, 10)
						w.AddRequests(1)
					}
				}
			}()
		}
		time.Sleep(24*time.Millisecond + 250*time.Microsecond)
		ended.Store(true)
		w.End()
		time.Sleep(time.Second)
	})
	require.NoError(t, err)
	require.NotNil(t, r.Server)
	assert.Empty(t, r.Server.Reasons, "%v, client %+v", r.Server, r.Work)
}

// TestServerStrict: a server that cannot be read takes nothing else with it, and fails in strict
// mode.
func TestServerStrict(t *testing.T) {
	s := &inference{broken: errors.New("connection refused")}
	load := func(w *Window) {
		done := s.sim.Busy()
		time.Sleep(time.Second)
		done()
		w.AddTokens(1, 100)
	}
	r, err := serving1(t, s, load)
	require.NoError(t, err)
	assert.True(t, r.Valid())
	assert.Empty(t, r.Reasons)
	require.NotEmpty(t, r.Server.Reasons)
	assert.Equal(t, energy.SourceStalled, r.Server.Reasons[0].Reason)
	_, ok := r.Value("tokens/J")
	assert.True(t, ok, "by the client")

	t.Setenv("POWERTEST_STRICT", "1")
	_, err = serving1(t, s, load)
	require.ErrorIs(t, err, ErrWithheld)
	assert.ErrorContains(t, err, "connection refused")

	_, err = NewMeter(t.Context(), From(s.sim), TokensFrom("ollama=http://host"))
	require.ErrorIs(t, err, energy.ErrMalformed)
	t.Setenv("POWERTEST_TOKENS", "http://u:hunter2@host /x")
	_, err = NewMeter(t.Context(), From(s.sim))
	require.ErrorIs(t, err, energy.ErrMalformed)
	assert.NotContains(t, err.Error(), "hunter2")
	t.Setenv("POWERTEST_SOURCE", "off")
	t.Setenv("POWERTEST_TOKENS", "http://host")
	m := newMeter(t, TokensFrom("http://host"))
	assert.Nil(t, m.server, "off measures nothing")
}

// TestQuotient: the interval of a quotient has the squares of both shares.
func TestQuotient(t *testing.T) {
	q := Quotient(Interval{100, 97, 103}, Interval{50, 48, 52})
	assert.InDelta(t, 2, q.Value, 1e-12)
	assert.InDelta(t, 1.9, q.Low, 1e-9)
	assert.InDelta(t, 2.1, q.High, 1e-9)
	assert.InDelta(t, 5, q.ErrPercent(), 1e-9)
	assert.Equal(t, &Interval{}, Quotient(Interval{}, Interval{50, 48, 52}), "of nothing it is 0")
	q = Quotient(Interval{0, 0, 10}, Interval{50, 48, 52})
	assert.Equal(t, &Interval{0, 0, 0.2}, q)
	assert.Nil(t, Quotient(Interval{1, 1, 1}, Interval{}))
}

// TestAddServer: a report of elsewhere can have the servers' counts, too.
func TestAddServer(t *testing.T) {
	m := energy.Measurement{Valid: true, Energy: energy.Estimate{Joules: 500, Low: 490, High: 510}, Watts: 50, Duration: 10 * time.Second, Devices: []energy.DeviceMeasurement{{Valid: true}}}
	r := NewReport("BenchmarkX", Work{}, m)
	counts := tokens.Counts{Output: &tokens.Count{Value: 1000, Low: 1000, High: 1000}, Requests: &tokens.Count{Value: 10, Low: 10, High: 10}}
	r.AddServer(counts)
	for unit, want := range map[string]float64{"J/token": 0.5, "tokens/J": 2, "J/req": 50, "J/op": 50, "tokens-err-%": 2} {
		got, ok := r.Value(unit)
		assert.True(t, ok, unit)
		assert.InDelta(t, want, got, 1e-9, unit)
	}
	assert.Equal(t, 1, r.GPUs)
}

// TestNobodyCounted: that no tokens were counted is a number, and that nobody counted is none.
func TestNobodyCounted(t *testing.T) {
	m := energy.Measurement{Valid: true, Energy: energy.Estimate{Joules: 500, Low: 490, High: 510}, Watts: 50, Duration: 10 * time.Second, Devices: []energy.DeviceMeasurement{{Valid: true}}}
	r := NewReport("BenchmarkX", Work{}, m)
	r.AddServer(tokens.Counts{Requests: &tokens.Count{Value: 10, Low: 10, High: 10}})
	assert.Nil(t, r.Server.TokensPerJoule)
	assert.Nil(t, r.Server.JoulesPerToken)
	r.AddServer(tokens.Counts{Output: &tokens.Count{}})
	assert.Equal(t, &Interval{}, r.Server.TokensPerJoule)
	assert.Nil(t, r.Server.JoulesPerToken)
	_, has := r.Value("tokens-err-%")
	assert.False(t, has, "of 0 there is no share")
}
