package energy

import (
	"encoding/json"
	"errors"
	"slices"
	"testing"

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

func TestReasonsThatMark(t *testing.T) {
	for _, r := range []Reason{NoInWindowSamples, CounterDisagrees, MIGParentScope, SharedGPU, Throttled} {
		assert.False(t, r.Withholds(), r)
	}
	for _, r := range []Reason{WindowTooShort, WindowMismatch, PartialCohort, CounterReset, CounterStale, DeviceLost, SourceStalled, "a_new_one"} {
		assert.True(t, r.Withholds(), r)
	}
	assert.Equal(t, "throttled (GPU-1): 40 %", Finding{Throttled, "GPU-1", "40 %"}.String())
	assert.Equal(t, "counter_reset", Finding{Reason: CounterReset}.String())
	out, err := json.Marshal(Measurement{})
	assert.NoError(t, err)
	assert.Contains(t, string(out), `"valid":false`)
}
