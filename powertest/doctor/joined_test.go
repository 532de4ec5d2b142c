package doctor

import (
	"bytes"
	"io/fs"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/joulebench/joulebench/powertest/energy"
	"github.com/joulebench/joulebench/powertest/energy/energytest"
	"github.com/joulebench/joulebench/simsource"
)

// processor is a simulated processor with its memory.
func processor() energy.Source {
	cpus := simsource.New(simsource.Config{GPUs: 2, Seed: 7, Idle: 80, Period: 20 * time.Millisecond})
	return energytest.Redescribe(cpus, func(d *energy.Device) {
		d.Kind, d.Index = []energy.Kind{energy.CPU, energy.DRAM}[d.Index], 0
	})
}

// TestJoined: several sources are examined at once. Whether joules can be measured is about
// the GPUs; what stands beside them, or is missing, is named.
func TestJoined(t *testing.T) {
	for name, tt := range map[string]struct {
		other func() energy.Source // in the bubble, where the clock is another
		want  []string
	}{
		"all well": {processor, []string{"beside them 1 CPU; beside them 1 DRAM\n", "CPU 0: SIM-", "DRAM 0: SIM-", "cpu:0", "dram:0"}},
		"lost":     {func() energy.Source { return energytest.Lose(processor(), 0, 3) }, []string{"beside them 1 CPU, which can't be measured: device_lost: ", "beside them 1 DRAM"}},
		"missing":  {func() energy.Source { return energy.Unavailable("rapl", fs.ErrPermission) }, []string{"; without rapl: permission denied"}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				src, err := energy.Join(simsource.New(simsource.Config{}), tt.other())
				require.NoError(t, err)
				r, err := Examine(t.Context(), src, Options{Watch: 2 * time.Second})
				require.NoError(t, err)
				assert.True(t, r.Measurable, r.Verdict)
				var out bytes.Buffer
				require.NoError(t, r.WriteText(&out))
				assert.Contains(t, r.Verdict, "1 GPU by ")
				for _, want := range tt.want {
					assert.Contains(t, out.String(), want)
				}
			})
		})
	}
}

// TestJoinedOneHangs: a source that hangs is one finding, and the other is examined.
func TestJoinedOneHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gpus, release := energytest.Hang(simsource.New(simsource.Config{}), 10)
		defer release()
		src, err := energy.Join(gpus, processor())
		require.NoError(t, err)
		r, err := Examine(t.Context(), src, Options{Watch: 10 * time.Second})
		require.NoError(t, err)
		assert.False(t, r.Measurable)
		assert.Contains(t, r.Verdict, "can't be measured of 1 of 1 GPU by ")
		assert.Contains(t, r.Verdict, "source_stalled")
		require.Len(t, r.GPUs, 3)
		assert.True(t, r.GPUs[1].Measurable && r.GPUs[2].Measurable, "%v", r.GPUs[1].Findings)
	})
}

// TestSurveyOfSeveral: each of several sources has its own status.
func TestSurveyOfSeveral(t *testing.T) {
	src, err := energy.Join(simsource.New(simsource.Config{}), energy.Unavailable("rapl", fs.ErrPermission))
	require.NoError(t, err)
	status := map[string]string{}
	for _, s := range Survey("sim+rapl", src, nil) {
		if s.Chosen {
			status[s.Name] = s.Status
		}
	}
	assert.Equal(t, map[string]string{"sim": "usable", "rapl": "no permission"}, status)
}
