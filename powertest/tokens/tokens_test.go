package tokens

import (
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/joulebench/joulebench/powertest/energy"
)

var kinds = []string{"vllm", "sglang", "tgi", "trtllm", "lmdeploy", "dynamo", "llamacpp"}

// window counts a window of an engine that is loaded all the time.
func window(t *testing.T, s *Source, d time.Duration, l Lengths) Counts {
	x := s.Begin(t.Context(), false)
	from := time.Now()
	time.Sleep(d)
	to := time.Now()
	x.End()
	return x.Count(t.Context(), Window{From: from, To: to, Lengths: l})
}

// TestInFlight: windows are cut anywhere into a load, and what was computed in them is in the
// interval, whatever kind of counter the server has.
func TestInFlight(t *testing.T) {
	for _, kind := range kinds {
		t.Run(kind, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				e := &engine{kind: kind, tp: 4, dp: 2, took: 6 * time.Millisecond, born: time.Now()}
				e.load(time.Now().Add(time.Second), 8, 400)
				s := open1(t, "host:8000", e)
				rng := rand.New(rand.NewPCG(3, 4))
				lengths := Lengths{}
				if kind == "llamacpp" { // counts no requests
					lengths = Lengths{Prompt: 250, Output: 150}
				}
				inside, all := 0, 0
				for range 12 {
					time.Sleep(time.Duration(rng.IntN(700)) * time.Millisecond)
					c := window(t, s, 2*time.Second+time.Duration(rng.IntN(3000))*time.Millisecond, lengths)
					prompt, output := e.truth(c.Start, c.End)
					require.NotNil(t, c.Output, "%v", c.Reasons)
					require.NotNil(t, c.Prompt, "%v", c.Reasons)
					for _, p := range []struct {
						got  *Count
						want float64
					}{{c.Output, output}, {c.Prompt, prompt}} {
						all++
						if contains(p.got, p.want) {
							inside++
						} else {
							t.Logf("%v, truth %.0f, %+v", p.got, p.want, c)
						}
					}
					assert.Equal(t, kind, c.Server)
				}
				assert.GreaterOrEqual(t, inside, all-1, "of %d", all)
			})
		})
	}
}

// TestIdleEdges: where nothing runs at the edges, counts are exact, but for what is counted late.
func TestIdleEdges(t *testing.T) {
	for _, kind := range kinds {
		t.Run(kind, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				e := &engine{kind: kind, tp: 2, dp: 1, took: 6 * time.Millisecond, lag: 20 * time.Millisecond, born: time.Now()}
				s := open1(t, kind+"=host", e)
				x := s.Begin(t.Context(), false)
				from := time.Now()
				e.load(from, 4, 40)
				end := e.requests[len(e.requests)-1].ends
				for _, r := range e.requests {
					if r.ends.After(end) {
						end = r.ends
					}
				}
				time.Sleep(time.Until(end))
				to := time.Now()
				x.End()
				c := x.Count(t.Context(), Window{From: from, To: to})
				prompt, output := e.truth(from, to)
				require.NotNil(t, c.Output, "%v", c.Reasons)
				assert.InDelta(t, output, c.Output.Value, 2)
				assert.InDelta(t, prompt, c.Prompt.Value, 2)
				assert.True(t, contains(c.Output, output) && contains(c.Prompt, prompt), "%v", c)
				if c.Requests != nil {
					assert.True(t, contains(c.Requests, 40), "%v", c.Requests)
				}
				assert.Equal(t, 3, e.reads, "before, after, and once more when it is at rest")
				if kind == "vllm" {
					assert.InDelta(t, prompt/4, c.Cached.Value, 1)
				}
			})
		})
	}
}

// TestNothingRunning: without a count of requests and of their length, a counter that is added to
// when they end has no number while some run.
func TestNothingRunning(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := &engine{kind: "llamacpp"}
		e.load(time.Now(), 2, 50)
		c := window(t, open1(t, "llamacpp=host", e), 3*time.Second, Lengths{})
		assert.Nil(t, c.Output)
		require.NotEmpty(t, c.Reasons)
		assert.Contains(t, c.Reasons[0].Detail, "when a request ends")

		e.kind = "triton"
		c = window(t, open1(t, "triton=host", e), 3*time.Second, Lengths{})
		assert.Nil(t, c.Output)
		require.NotNil(t, c.Requests)
		assert.Positive(t, c.Requests.Value)
	})
}

// TestRestart: a server that is started anew has no counts, also if it has counted more since than
// before.
func TestRestart(t *testing.T) {
	for _, more := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			e := &engine{kind: "vllm", born: time.Now()}
			if e.load(time.Now(), 2, 10); more {
				e.requests = e.requests[:1]
			}
			s := open1(t, "vllm=host", e)
			time.Sleep(3 * time.Second)
			x := s.Begin(t.Context(), false)
			from := time.Now()
			time.Sleep(time.Second)
			e.born, e.requests = time.Now(), nil
			if e.load(time.Now(), 1, 1); more {
				e.load(time.Now(), 20, 100)
			}
			time.Sleep(20 * time.Second)
			c := x.Count(t.Context(), Window{From: from, To: time.Now()})
			assert.False(t, c.Valid(), "%v", c)
			require.NotEmpty(t, c.Reasons)
			assert.Equal(t, energy.CounterReset, c.Reasons[0].Reason)
			assert.True(t, c.Reasons[0].Withholds())
		})
	}
}

// TestReplicas: they add up, and one that has two addresses counts once.
func TestReplicas(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		now := time.Now()
		a, b := &engine{kind: "vllm", born: now}, &engine{kind: "vllm", born: now.Add(-time.Hour)}
		s := open1(t, "vllm=http://a:1,http://b:1,http://alias:1,http://a:1", hosts{"a:1": a, "b:1": b, "alias:1": a})
		x := s.Begin(t.Context(), false)
		from := time.Now()
		a.load(from, 2, 20)
		b.load(from, 3, 10)
		time.Sleep(30 * time.Second)
		c := x.Count(t.Context(), Window{From: from, To: time.Now()})
		_, ofA := a.truth(from, time.Now())
		_, ofB := b.truth(from, time.Now())
		require.NotNil(t, c.Output, "%v", c.Reasons)
		assert.InDelta(t, ofA+ofB, c.Output.Value, 2)
		assert.Equal(t, 2, c.Replicas)
		require.Len(t, c.Reasons, 1)
		assert.Contains(t, c.Reasons[0].Detail, "are one server")
		assert.False(t, c.Reasons[0].Withholds())

		b.broken = errRefused
		x = s.Begin(t.Context(), false)
		c = x.Count(t.Context(), Window{From: time.Now(), To: time.Now()})
		assert.False(t, c.Valid(), "a sum without one of them is too small")
	})
}

// TestSlowPage: one that does not answer holds nobody up for longer than 2 s, nor again for as
// long.
func TestSlowPage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := &engine{kind: "vllm", took: time.Hour}
		s := open1(t, "vllm=host", e)
		began := time.Now()
		x := s.Begin(t.Context(), false)
		assert.Equal(t, patience, time.Since(began))
		began = time.Now()
		c := x.Count(t.Context(), Window{From: began, To: time.Now()})
		assert.LessOrEqual(t, time.Since(began), impatience+lateCounting)
		assert.False(t, c.Valid())
		require.NotEmpty(t, c.Reasons)
		assert.Equal(t, energy.SourceStalled, c.Reasons[0].Reason)
	})
}

// TestFollow: where the edges of the window are known afterwards, readings go on.
func TestFollow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := &engine{kind: "vllm", born: time.Now(), took: 4 * time.Millisecond}
		e.load(time.Now().Add(5*time.Second), 8, 200)
		x := open1(t, "vllm=host", e).Begin(t.Context(), true)
		time.Sleep(time.Minute)
		from, to := time.Now().Add(-50*time.Second), time.Now().Add(-35300*time.Millisecond)
		c := x.Count(t.Context(), Window{From: from, To: to})
		_, output := e.truth(from, to)
		require.NotNil(t, c.Output, "%v", c.Reasons)
		assert.True(t, contains(c.Output, output), "%v, truth %.1f", c.Output, output)
		assert.Less(t, (c.Output.High-c.Output.Low)/2, 0.15*c.Output.Value)
		assert.Greater(t, e.reads, 50)
	})
}

// TestPauses: a counter counts in pauses, too.
func TestPauses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := &engine{kind: "vllm", born: time.Now()}
		e.load(time.Now(), 4, 1000)
		x := open1(t, "vllm=host", e).Begin(t.Context(), false)
		from := time.Now()
		time.Sleep(10 * time.Second)
		c := x.Count(t.Context(), Window{From: from, To: time.Now(), Active: 8 * time.Second})
		_, output := e.truth(from, time.Now())
		assert.True(t, contains(c.Output, 0.8*output), "%v", c.Output)
	})
}
