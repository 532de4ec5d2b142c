package main

import (
	"errors"
	"fmt"
	"io/fs"
	"testing"
	"time"

	"github.com/joulebench/joulebench/powertest/energy"
	"github.com/stretchr/testify/assert"
)

// ills are sources that joules can't be measured with, and why.
var ills = map[string]struct {
	admit  func() *patient
	reason energy.Reason
	says   string
}{
	"a dead counter": {func() *patient {
		p := healthy(exact)()
		p.read = func(dst []energy.Reading) {
			for i := range dst {
				dst[i].Joules = 4711
			}
		}
		return p
	}, energy.CounterStale, "the counter did not change in 5s"},
	"a counter that dies": {func() *patient {
		p := healthy(exact)()
		began := time.Now()
		p.read = func(dst []energy.Reading) {
			for i := range dst {
				if time.Since(began) > 2*time.Second {
					dst[i].Joules = 4711
				}
			}
		}
		return p
	}, energy.CounterStale, "the counter has not changed for"},
	"a device that is lost": {func() *patient {
		p := healthy(exact)()
		began := time.Now()
		p.read = func(dst []energy.Reading) {
			if time.Since(began) > 2*time.Second {
				dst[1].Err, dst[1].HasJoules = fmt.Errorf("xid 79: %w", energy.ErrDeviceLost), false
			}
		}
		return p
	}, energy.DeviceLost, "xid 79"},
	"no permission to read": {func() *patient {
		p := healthy(exact)()
		p.read = func(dst []energy.Reading) {
			for i := range dst {
				dst[i].Err, dst[i].HasJoules = fmt.Errorf("read: %w: run as a member of the group video", fs.ErrPermission), false
			}
		}
		return p
	}, energy.InsufficientPowerSamples, "run as a member of the group video"},
	"a reading without a value": {func() *patient {
		p := healthy(exact)()
		p.read = func(dst []energy.Reading) {
			for i := range dst {
				dst[i].HasJoules = false
			}
		}
		return p
	}, energy.InsufficientPowerSamples, "the reading has no value"},
	"a counter that goes down": {func() *patient {
		p := healthy(exact)()
		began := time.Now()
		p.read = func(dst []energy.Reading) {
			for i := range dst {
				if time.Since(began) > 3*time.Second {
					dst[i].Joules -= 200
				}
			}
		}
		return p
	}, energy.CounterReset, "the counter went down"},
	"a driver that hangs": {func() *patient {
		p := healthy(exact)()
		p.read = func([]energy.Reading) { time.Sleep(time.Hour) }
		return p
	}, energy.SourceStalled, "a call did not come back within 2s"},
}

// TestDoctorIll: what is wrong is in the verdict, and the exit code tells.
func TestDoctorIll(t *testing.T) {
	for name, ill := range ills {
		t.Run(name, func(t *testing.T) {
			v := see(t, ill.admit)
			assert.Equal(t, exitFailed, v.code)
			assert.False(t, v.Measurable)
			assert.Contains(t, v.Verdict, "joules can't be measured of ")
			assert.Contains(t, v.Verdict, string(ill.reason))
			assert.Contains(t, v.Verdict, ill.says)
			assert.NotContains(t, v.text, "NaN")
		})
	}
}

// TestDoctorUnopened: a source that can't be opened says what kind of trouble it is.
func TestDoctorUnopened(t *testing.T) {
	for kind, err := range map[string]error{
		"no permission":     fs.ErrPermission,
		"not there":         fs.ErrNotExist,
		"not in this build": errors.ErrUnsupported,
		"no device":         energy.ErrNoDevice,
		"no answer":         energy.ErrStalled,
		"device lost":       energy.ErrDeviceLost,
		"failed":            errors.New("out of luck"),
	} {
		v := seeWith(t, nil, func() (energy.Source, error) { return nil, fmt.Errorf("patient: %w: do something", err) })
		assert.Equal(t, exitFailed, v.code)
		i := len(v.Sources) - 1
		assert.Equal(t, sourceCheck{Name: "ward", Chosen: true, Linked: true, Status: kind, Detail: fmt.Sprintf("patient: %v: do something", err)}, v.Sources[i])
		assert.Contains(t, v.text, "joules can't be measured: patient: ")
	}
	v := seeWith(t, nil, func() (energy.Source, error) { return nil, fmt.Errorf("patient: %w", energy.ErrMalformed) })
	assert.Equal(t, exitUsage, v.code)
}
