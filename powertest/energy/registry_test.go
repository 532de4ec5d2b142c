package energy

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
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

// TestSplitSource: a plus sign in an address or the name of a file does not separate, unless
// the name of a source follows.
func TestSplitSource(t *testing.T) {
	for value, want := range map[string][]string{
		"nvml":                                  {"nvml"},
		"nvml+rapl":                             {"nvml", "rapl"},
		"nvml+rapl=root=/host+amd":              {"nvml", "rapl=root=/host", "amd"},
		"dcgm=http://a:9400,http://b:9400+rapl": {"dcgm=http://a:9400,http://b:9400", "rapl"},
		"rapl+smi=log+of+today.csv":             {"rapl", "smi=log+of+today.csv"},
		"smi=a+nvml.csv":                        {"smi=a+nvml.csv"},
		"smi=a+nvml":                            {"smi=a", "nvml"},
		"smi=a%2Bnvml":                          {"smi=a%2Bnvml"},
		"smi=a+nvml+b.csv":                      {"smi=a+nvml+b.csv"},
		"smi=a+nvml+amd":                        {"smi=a", "nvml", "amd"},
		"nvml+bogus":                            {"nvml", "bogus"},
		"dcgm=http://u:p+q@h+rapl=root=/a+b":    {"dcgm=http://u:p+q@h", "rapl=root=/a+b"},
		"nvml+":                                 {"nvml", ""},
		"":                                      {""},
	} {
		assert.Equal(t, want, SplitSource(value, "nvml", "rapl", "amd", "dcgm", "smi"), value)
	}
}

func FuzzSplitSource(f *testing.F) {
	f.Add("nvml+dcgm=http://h/?a=b+c+rapl")
	f.Add("smi=a+nvml+b+nvml")
	f.Fuzz(func(t *testing.T, value string) {
		parts := SplitSource(value, "nvml", "rapl")
		assert.Equal(t, value, strings.Join(parts, "+"))
		for _, p := range parts {
			assert.Equal(t, []string{p}, SplitSource(p, "nvml", "rapl"))
		}
	})
}

// TestOpenSeveral: what cannot be opened is missing, unless nothing could be, or what was
// asked of it cannot be right; all is closed that was opened in vain.
func TestOpenSeveral(t *testing.T) {
	n := opensSeveral.Add(1) // a name can be registered once, and tests run several times
	one, two, no, bad := fmt.Sprint("one-test", n), fmt.Sprint("two-test", n), fmt.Sprint("denied-test", n), fmt.Sprint("wrong-test", n)
	denied, wrong := errors.New(no+": permission"), fmt.Errorf("wrong: %w", ErrMalformed)
	var closed []string
	open := func(uuid string, err error) OpenFunc {
		return func(arg string, devices []string) (Source, error) {
			if err != nil {
				return nil, err
			}
			for _, sel := range devices {
				assert.Equal(t, "all", sel, "the join selects")
			}
			return &listed{devices: []Device{{UUID: uuid + "0"}, {UUID: uuid + "1", Index: 1}}, close: func() { closed = append(closed, uuid) }}, nil
		}
	}
	Register(one, open("GPU-a", nil))
	Register(two, open("GPU-b", nil))
	Register(no, open("", denied))
	Register(bad, open("", wrong))

	src, err := Open(one, "x+"+two+"+"+no, nil)
	require.NoError(t, err)
	assert.Equal(t, "listed+listed#2", src.Info().Name)
	assert.Len(t, src.Devices(), 4)
	assert.EqualError(t, Missing(src), denied.Error(), "its error has its name")
	require.NoError(t, src.Close())
	assert.Equal(t, []string{"GPU-a", "GPU-b"}, closed)

	src, err = Open(one+"+"+two, "", []string{"GPU-b1"})
	require.NoError(t, err)
	assert.Equal(t, "listed#2", src.Info().Name)
	require.Len(t, src.Devices(), 1)
	assert.Equal(t, "GPU-b1", src.Devices()[0].UUID)

	for value, want := range map[string]error{
		one + "+" + bad:             ErrMalformed,
		one + "+nonesuch":           ErrUnknownSource,
		one + "+" + one:             ErrMalformed,
		no + "+" + no:               denied,
		one + "+" + two + "+" + bad: ErrMalformed,
	} {
		closed = nil
		_, err := Open(value, "", nil)
		assert.ErrorIs(t, err, want, value)
		assert.Len(t, closed, strings.Count(value, one)+strings.Count(value, two), value)
	}
	_, err = Open(one+"+"+no, "", []string{"GPU-z"})
	assert.ErrorIs(t, err, ErrNoDevice)
	assert.ErrorIs(t, err, denied, "why it may not be there")
}

var opensSeveral atomic.Int32

// listed is a source that has devices only.
type listed struct {
	Source
	devices []Device
	close   func()
}

func (l *listed) Info() Info        { return Info{Name: "listed"} }
func (l *listed) Devices() []Device { return l.devices }
func (l *listed) Close() error      { l.close(); return nil }
