package poll

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/joulebench/joulebench/powertest/energy"
)

// A server that is late holds up no other, is asked by one request at a time, and gets its
// answer in when it comes, with the times of the request.
func TestRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var delay, asked atomic.Int64
		delay.Store(int64(time.Second))
		slow := New("slow", func(ctx context.Context) Answer {
			asked.Add(1)
			a := Answer{Before: time.Now()}
			select {
			case <-time.After(time.Duration(delay.Load())):
			case <-ctx.Done():
				a.Err = ctx.Err()
			}
			a.After = time.Now()
			return a
		})
		failing := New("failing", func(context.Context) Answer { return Answer{time.Now(), time.Now(), errors.New("broken")} })
		p := Start("test", 300*time.Millisecond)
		var after [3]time.Time
		read := func() []energy.Reading {
			dst := []energy.Reading{{Device: 0}, {Device: 1}, {Device: 2}}
			p.Read(dst, func(device int) []*Poller { return []*Poller{slow, failing}[device/2 : device/2+1] }, func(r *energy.Reading) {
				if []*Poller{slow, failing}[r.Device/2].Fill(r, &after[r.Device]) {
					r.Joules, r.HasJoules = 5, true
				}
			})
			return dst
		}
		start := time.Now()
		r := read()
		assert.Equal(t, 300*time.Millisecond, time.Since(start))
		require.ErrorIs(t, r[0].Err, energy.ErrNoAnswer)
		require.ErrorIs(t, r[0].Err, os.ErrDeadlineExceeded)
		require.ErrorContains(t, r[0].Err, "slow: no answer yet")
		require.ErrorContains(t, r[2].Err, "broken")
		read()
		assert.Equal(t, int64(1), asked.Load(), "one request at a time, for both devices")
		time.Sleep(time.Second)
		r = read()
		require.NoError(t, r[1].Err)
		assert.Equal(t, start, r[1].Before)
		assert.Equal(t, start.Add(time.Second), r[1].After)
		delay.Store(int64(time.Hour))
		read()
		start = time.Now()
		p.Close()
		p.Close()
		assert.Zero(t, time.Since(start), "what is under way is cancelled")
		require.ErrorIs(t, read()[0].Err, fs.ErrClosed)
		assert.Equal(t, int64(2), asked.Load())
	})
}
