package joulebench_test

import (
	"fmt"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/joulebench/joulebench/internal/chat"
	"github.com/joulebench/joulebench/internal/chat/chattest"
	"github.com/joulebench/joulebench/powertest"
	"github.com/joulebench/joulebench/simsource"
)

// inMemory returns a client of an embedded server inside a bubble.
func inMemory(t *testing.T, gpu *simsource.Source) *chat.Client {
	t.Helper()
	return chattest.Client(t, chat.NewHandler(gpu), chat.Config{})
}

// TestTheTourTellsTheTruth compares what the tour's benchmark reports with what
// the simulation knows that it used. The error that is stated is the tolerance.
func TestTheTourTellsTheTruth(t *testing.T) {
	for _, users := range []int{1, 4, 16} {
		t.Run(fmt.Sprintf("users=%d", users), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				gpu := simsource.New(simsource.Config{})
				llm := inMemory(t, gpu)
				var from, to time.Time // of the last round, which counts
				r := testing.Benchmark(func(tb *testing.B) {
					b := powertest.Wrap(tb, powertest.From(gpu))
					from = time.Now()
					chatInParallel(b, llm, users)
					to = time.Now()
				})
				require.Greater(t, r.N, users)
				truth := gpu.TrueJoules(from, to)
				requireStated(t, truth/float64(r.N), r, "J/op")
				requireStated(t, truth/float64(users), r, "J/user")
				requireStated(t, float64(short.MaxTokens*r.N)/truth, r, "tokens/J")
				assert.Less(t, r.Extra["err-%"], 3.0)
			})
		})
	}
}

// requireStated requires a metric to be right within the error beside it.
func requireStated(t *testing.T, want float64, r testing.BenchmarkResult, unit string) {
	t.Helper()
	require.Contains(t, r.Extra, unit)
	require.InEpsilon(t, want, r.Extra[unit], r.Extra["err-%"]/100, "%s", unit)
}

// TestNoMoreUsersThanAsked: one user has the GPU alone, where RunParallel would
// start three.
func TestNoMoreUsersThanAsked(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(3))
	synctest.Test(t, func(t *testing.T) {
		gpu := simsource.New(simsource.Config{})
		llm := inMemory(t, gpu)
		r := testing.Benchmark(func(tb *testing.B) {
			chatInParallel(powertest.Wrap(tb, powertest.From(gpu)), llm, 1)
		})
		assert.Equal(t, chat.Alone(48, 12), time.Duration(r.NsPerOp()))
	})
}

// TestManyUsersShareTheGPU: the tour shows what it is there to show.
func TestManyUsersShareTheGPU(t *testing.T) {
	perJoule := func(users int) (v float64) {
		synctest.Test(t, func(t *testing.T) {
			gpu := simsource.New(simsource.Config{})
			llm := inMemory(t, gpu)
			v = testing.Benchmark(func(tb *testing.B) {
				chatInParallel(powertest.Wrap(tb, powertest.From(gpu)), llm, users)
			}).Extra["tokens/J"]
		})
		return v
	}
	one, four, sixteen := perJoule(1), perJoule(4), perJoule(16)
	assert.Greater(t, four, 1.2*one)
	assert.Greater(t, sixteen, 1.5*four)
}

// TestThePhasesTellTheTruth is the same for phases, which state no error of their
// own: at the length that they have in the tour they are right within 2 %.
func TestThePhasesTellTheTruth(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gpu := simsource.New(simsource.Config{})
		llm := inMemory(t, gpu)
		var prefill, decode float64 // J, of the only round: b.Loop has one
		r := testing.Benchmark(func(tb *testing.B) {
			b := powertest.Wrap(tb, powertest.From(gpu))
			for b.Loop() {
				asked, end := time.Now(), b.Phase("prefill")
				var answered time.Time
				_, err := llm.Chat(b.Context(), long, sync.OnceFunc(func() {
					end()
					answered, end = time.Now(), b.Phase("decode")
				}))
				end()
				require.NoError(b, err)
				prefill += gpu.TrueJoules(asked, answered)
				decode += gpu.TrueJoules(answered, time.Now())
			}
		})
		assert.InEpsilon(t, prefill/float64(r.N), r.Extra["prefill-J/op"], 0.02)
		assert.InEpsilon(t, decode/float64(r.N), r.Extra["decode-J/op"], 0.02)
	})
}
