package annotate

import (
	"context"
	"fmt"
	"io"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/joulebench/joulebench/powertest/energy"
)

// faulty is a source of many GPUs, all of which have something the matter.
type faulty struct{ devices []energy.Device }

func newFaulty(gpus int) *faulty {
	f := &faulty{}
	for i := range gpus {
		f.devices = append(f.devices, energy.Device{UUID: fmt.Sprintf("GPU-%08x", i), Index: i, Method: energy.Counter, Host: fmt.Sprint("node-", i/8)})
	}
	return f
}

func (f *faulty) Info() energy.Info         { return energy.Info{Name: "faulty", Period: time.Second} }
func (f *faulty) Devices() []energy.Device  { return f.devices }
func (f *faulty) Read(dst []energy.Reading) { panic("it is asked for the past") }
func (f *faulty) Close() error              { return nil }

func (f *faulty) ReadRange(context.Context, []energy.Span, []*energy.History) (list []energy.Finding, err error) {
	for _, d := range f.devices {
		list = append(list, energy.Finding{Reason: energy.DeviceLost, Device: d.UUID, Detail: "it is lost"})
	}
	return list, nil
}

func (f *faulty) Audit(energy.Span) (a energy.Audit) {
	for i, d := range f.devices {
		a.Devices = append(a.Devices, energy.DeviceAudit{ID: strconv.Itoa(i), UUID: d.UUID, Samples: 1})
	}
	return a
}

// TestManyFaultyGPUs: ten times the faulty GPUs take about ten times as long, not a hundred.
// Both sides are as much work, so that a machine that is busy slows them alike.
func TestManyFaultyGPUs(t *testing.T) {
	tenTimes := func() (took time.Duration) {
		for range 10 {
			took += reportFaulty(t, 500)
		}
		return took
	}
	few := min(tenTimes(), tenTimes())
	many := min(reportFaulty(t, 5000), reportFaulty(t, 5000))
	assert.Less(t, many, 5*few)
}

// reportFaulty returns how long it takes to measure so many GPUs that fail, and to say so.
func reportFaulty(t *testing.T, n int) time.Duration {
	src := newFaulty(n)
	began := time.Now()
	span := energy.Span{Start: began.Add(-time.Minute), End: began}
	m := energy.MeasurePast(t.Context(), src, span)
	tm := telemetry{measurement: m, measured: true}.audited(src, span)
	r := judge(Options{}, harness{}, Workload{Start: span.Start, End: span.End, Seconds: 60, Requests: 1}, tm, nil, nil)
	require.False(t, r.Valid())
	require.NoError(t, r.WriteTable(io.Discard))
	assert.Len(t, r.validation().DeviceIssues, len(src.devices))
	return time.Since(began)
}
