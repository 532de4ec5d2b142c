package smisource

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/joulebench/joulebench/powertest/energy"
)

func TestAudit(t *testing.T) {
	s := open(t, nvidiaLog(
		// From the longest gap before to the longest gap after it are 9, of which
		// two are of one time.
		series(0, 0, -4, 100, -3, 100, -1, 100, 1, 100, 3.5, 100, 6, 100, 6, 100, 8.5, 100, 10.1, 100, 13, 100, 14, 100),
		series(1, 0, 1, 100, 3, 100, 20, 100),
	)+nvidia(5)+", 0, [N/A], 64\n"+nvidia(5)+", 0, [N/A], 64\ngarbage, 1, 500 W, 64\n"+nvidia(60)+", 0, 500 W, 64\n"+nvidia(4)+", , 500 W, 64\n")
	a := s.Audit(span(0, 10))
	require.Len(t, a.Devices, 2)
	zero, one := a.Devices[0], a.Devices[1]
	assert.Equal(t, []any{"0", "smi:gpu_metrics.csv:0", 8, 2500 * time.Millisecond, true}, []any{zero.ID, zero.UUID, zero.Samples, zero.MaxGap, zero.Bracketed})
	assert.Equal(t, []energy.Reason{energy.InvalidPowerSample, GPUIdentityMissing}, codes(zero.Findings))
	assert.Equal(t, "line 16 of gpu_metrics.csv has no value, and 1 more have near the window", zero.Findings[0].Detail)
	assert.Equal(t, zero.UUID, zero.Findings[0].Device)
	assert.Equal(t, []any{"1", 2, time.Duration(0), false}, []any{one.ID, one.Samples, one.MaxGap, one.Bracketed})
	assert.Equal(t, []energy.Reason{InvalidTimestampSample, GPUIdentityMissing}, codes(one.Findings))
	assert.Empty(t, a.Findings)

	a = s.Audit(span(1000, 1010))
	assert.Equal(t, []energy.Reason{NoUsablePowerSamples}, codes(a.Findings))
	assert.Zero(t, a.Devices[0].Samples)
	assert.Empty(t, a.Devices[0].Findings)
}
