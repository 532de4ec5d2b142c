// The tour: what a chat completion costs in energy, with one user, with many,
// and in its two phases. Run it with
//
//	go test -run '^$' -bench . -count 6 .
//
// It needs nothing: the server is embedded (internal/chat), and its GPU is a
// simulated one, which the line "energy-source: simulated" says. On a machine with
// a GPU start a real server there, such as vLLM, and name it; the benchmarks stay
// the same:
//
//	TOUR_URL=http://localhost:8000 TOUR_MODEL=my-model go test -run '^$' -bench . -count 6 .
//
// If the server is on other machines, name their exporters, or the Prometheus
// server that scrapes them, as well:
//
//	POWERTEST_SOURCE=dcgm=gpu-node-01,gpu-node-02
package joulebench_test

import (
	"fmt"
	"os"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/joulebench/joulebench/internal/chat"
	"github.com/joulebench/joulebench/powertest"
	"github.com/joulebench/joulebench/simsource"

	// GPUs of other machines.
	_ "github.com/joulebench/joulebench/dcgmsource"
	_ "github.com/joulebench/joulebench/promsource"
)

// gpu is what is measured: the GPU of this machine, or whatever POWERTEST_SOURCE
// names; but the embedded server's, which is simulated, if that is what is asked.
var gpu = func() powertest.Option {
	if os.Getenv("TOUR_URL") == "" && os.Getenv("POWERTEST_SOURCE") == "" {
		return powertest.From(simsource.Default())
	}
	return powertest.Fallback(simsource.Default())
}()

// A word is a token to the embedded server. The counter of a GPU changes every
// 100 ms or so: phases that are to be told apart must last for about as long.
var (
	short = chat.Question{Prompt: strings.Repeat("how many joules is that ? ", 8), MaxTokens: 12}
	long  = chat.Question{Prompt: strings.Repeat("how many joules is that ? ", 400), MaxTokens: 80}
)

// BenchmarkChat is one user who waits for each answer before asking again.
func BenchmarkChat(tb *testing.B) {
	llm := newClient(tb)
	b := powertest.Wrap(tb, gpu) // after set-up, just before the loop
	for b.Loop() {
		u, err := llm.Chat(b.Context(), short, nil)
		if err != nil {
			b.Fatal(err)
		}
		b.AddTokens(u.Prompt, u.Completion)
		b.AddRequests(1)
	}
}

// BenchmarkChatParallel is what batching is worth: tokens/J by number of users.
func BenchmarkChatParallel(tb *testing.B) {
	b := powertest.Wrap(tb, gpu)
	for _, users := range []int{1, 4, 16} {
		b.Run(fmt.Sprintf("users=%d", users), func(b *powertest.B) {
			llm := newClient(b)
			b.ResetTimer()
			chatInParallel(b, llm, users)
		})
	}
}

// chatInParallel asks b.N questions, as that many users at a time. RunParallel
// starts a multiple of GOMAXPROCS; those that are too many leave.
func chatInParallel(b *powertest.B, llm *chat.Client, users int) {
	procs := runtime.GOMAXPROCS(0)
	b.SetParallelism((users + procs - 1) / procs)
	b.SetConcurrency(users)
	var seats atomic.Int64
	b.RunParallel(func(pb *testing.PB) {
		if seats.Add(1) > int64(users) {
			return
		}
		for pb.Next() {
			u, err := llm.Chat(b.Context(), short, nil)
			if err != nil {
				b.Error(err)
				return
			}
			b.AddTokens(u.Prompt, u.Completion)
			b.AddRequests(1)
		}
	})
}

// BenchmarkPhases separates the energy of reading the prompt from that of writing
// the answer: prefill lasts until the first token is here.
func BenchmarkPhases(tb *testing.B) {
	llm := newClient(tb)
	b := powertest.Wrap(tb, gpu)
	for b.Loop() {
		end := b.Phase("prefill")
		u, err := llm.Chat(b.Context(), long, sync.OnceFunc(func() { // with the first token
			end()
			end = b.Phase("decode")
		}))
		end()
		if err != nil {
			b.Fatal(err)
		}
		b.AddTokens(u.Prompt, u.Completion)
	}
}

// newClient returns a client of the server at TOUR_URL, or of an embedded one
// that lives as long as the benchmark.
func newClient(tb testing.TB) *chat.Client {
	url := os.Getenv("TOUR_URL")
	if url == "" {
		server, err := chat.Serve(simsource.Default())
		if err != nil {
			tb.Fatal(err)
		}
		tb.Cleanup(func() { server.Close() })
		url = server.URL
	}
	llm, err := chat.NewClient(chat.Config{URL: url, Model: os.Getenv("TOUR_MODEL")})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(llm.Close)
	return llm
}
