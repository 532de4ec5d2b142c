package energy

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
)

func TestRegistry(t *testing.T) {
	failure := errors.New("cannot open")
	Register("registry-test", func(arg string, devices []string) (Source, error) {
		assert.Equal(t, "x", arg)
		assert.Equal(t, []string{"0"}, devices)
		return nil, failure
	})
	assert.True(t, slices.Contains(Registered(), "registry-test"))
	_, err := Open("registry-test", "x", []string{"0"})
	assert.ErrorIs(t, err, failure)
	_, err = Open("nonesuch", "", nil)
	assert.ErrorIs(t, err, ErrUnknownSource)
	assert.ErrorContains(t, err, "registry-test", "the error lists what there is")
	assert.Panics(t, func() { Register("registry-test", nil) })
}

// TestOpenContext: a source that takes long is given up as the context ends, and closed
// when it comes; one that is quick is opened even then.
func TestOpenContext(t *testing.T) {
	Register("slow-test", func(arg string, _ []string) (Source, error) {
		d, err := time.ParseDuration(arg)
		time.Sleep(d)
		return &closing{}, err
	})
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		began := time.Now()
		_, err := OpenContext(ctx, "slow-test", "1h", nil)
		assert.ErrorIs(t, err, context.DeadlineExceeded)
		assert.Equal(t, 1500*time.Millisecond, time.Since(began))
		src, err := OpenContext(ctx, "slow-test", "10ms", nil)
		assert.NoError(t, err)
		assert.False(t, src.(*closing).closed)
		time.Sleep(2 * time.Hour)
		synctest.Wait()
	})
	assert.EqualValues(t, 1, closings.Load(), "the one that came too late")
}

var closings atomic.Int32

type closing struct {
	Source
	closed bool
}

func (c *closing) Close() error {
	c.closed = true
	closings.Add(1)
	return nil
}

func TestReasonsThatMark(t *testing.T) {
	for _, r := range []Reason{NoInWindowSamples, CounterDisagrees, MIGParentScope, SharedGPU, Throttled} {
		assert.False(t, r.Withholds(), r)
	}
	for _, r := range []Reason{WindowTooShort, WindowMismatch, PartialCohort, CounterReset, CounterStale, DeviceLost, SourceStalled, "a_new_one"} {
		assert.True(t, r.Withholds(), r)
	}
	assert.Equal(t, "throttled (GPU-1): 40 %", Finding{Reason: Throttled, Device: "GPU-1", Detail: "40 %"}.String())
	assert.Equal(t, "counter_reset", Finding{Reason: CounterReset}.String())
	out, err := json.Marshal(Measurement{})
	assert.NoError(t, err)
	assert.Contains(t, string(out), `"valid":false`)
}
