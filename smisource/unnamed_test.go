package smisource

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/joulebench/joulebench/powertest/energy"
)

// TestUnnamed: a log whose rows name no GPU is that of one GPU if each is later than
// the one before; otherwise it is refused, and what shows that is said.
func TestUnnamed(t *testing.T) {
	one := "timestamp, power.draw.instant [W]\n"
	for at := -1.0; at <= 11; at += 0.1 {
		one += fmt.Sprintf("%s, 500\n", nvidia(at))
	}
	m := measure(t, one, 0, 10)
	require.True(t, m.Valid, "%v", m.Reasons)
	assert.InEpsilon(t, 5000, m.Energy.Joules, 1e-9)
	assert.Equal(t, "smi:gpu_metrics.csv:0", m.Devices[0].Device.UUID)

	for _, n := range []int{2, 3, 8} { // rows that are evenly spaced are not those of several
		_, err := Open(Config{Path: write(t, one), Location: time.UTC, GPUs: n})
		assert.ErrorContains(t, err, "do not come in groups of")
	}

	burst := "timestamp, power.draw [W]\n"
	for at := 0.0; at < 2; at += 0.1 {
		for k := range 4 {
			burst += fmt.Sprintf("%s, %d00 W\n", nvidia(at+0.003*float64(k)), k)
		}
	}
	for text, says := range map[string]string{
		burst: "the rows come in groups of 4",
		one + nvidia(11) + ", 500\n" + nvidia(11) + ", 300\n":                                               "line 123 has the time stamp of the line before it",
		"timestamp, name, power.draw [W]\n" + nvidia(0) + ", A100, 300 W\n" + nvidia(0.05) + ", L4, 70 W\n": `rows of "A100" and of "L4"`,
	} {
		_, err := Open(Config{Path: write(t, text), Location: time.UTC})
		assert.Equal(t, []energy.Reason{GPUIdentityColumnMissing}, reasons(t, err))
		assert.ErrorContains(t, err, says)
	}
	for _, header := range []string{"timestamp,hostname,power.draw [W]", "timestamp,gpu0_power,gpu1_power", "timestamp,rank,power.draw [W]"} {
		_, err := Open(Config{Path: write(t, header+"\n"+nvidia(0)+strings.Repeat(",0", strings.Count(header, ","))+"\n"), Location: time.UTC})
		assert.Equal(t, []energy.Reason{GPUIdentityColumnMissing}, reasons(t, err), header)
	}
}

// TestCountedUnnamed: where it is said of how many GPUs the rows are, they are theirs in
// turn; groups that are not complete are nobody's.
func TestCountedUnnamed(t *testing.T) {
	log := func(spread float64, lost int) string {
		text := "timestamp, power.draw [W]\n"
		n := 0
		for at := -1.0; at <= 11; at += 0.1 {
			for k := range 3 {
				if n++; n != lost {
					text += fmt.Sprintf("%s, %d00 W\n", nvidia(at+spread*float64(k)), k+1)
				}
			}
		}
		return text
	}
	for _, spread := range []float64{0, 0.004} {
		path := write(t, log(spread, 0))
		_, err := Open(Config{Path: path, Location: time.UTC})
		assert.Equal(t, []energy.Reason{GPUIdentityColumnMissing}, reasons(t, err))
		assert.ErrorContains(t, err, "-gpus N (gpus=N")
		s, err := Open(Config{Path: path, Location: time.UTC, GPUs: 3})
		require.NoError(t, err)
		defer s.Close()
		m := energy.MeasurePast(t.Context(), s, span(0, 10))
		require.True(t, m.Valid, "%v", m.Reasons)
		assert.InDeltaSlice(t, []float64{1000, 2000, 3000}, joules(m), 1e-6)

		// A row that is lost does not move those after it to another GPU.
		for _, lost := range []int{100, 101, 102} {
			s, err = Open(Config{Path: write(t, log(spread, lost)), Location: time.UTC, GPUs: 3})
			require.NoError(t, err)
			defer s.Close()
			m = energy.MeasurePast(t.Context(), s, span(0, 10))
			assert.False(t, m.Valid)
			assert.True(t, m.Has(GPUIdentityMissing), "%v", m.Reasons)
			for i, g := range s.log.gpus {
				for _, x := range g.samples {
					require.Equal(t, float64(i+1)*100, x.value)
				}
			}
		}
		_, err = Open(Config{Path: path, Location: time.UTC, GPUs: 2})
		assert.Equal(t, []energy.Reason{GPUIdentityColumnMissing}, reasons(t, err))
		assert.ErrorContains(t, err, "do not come in groups of 2")
		s, err = Open(Config{Path: path, Location: time.UTC, GPUs: 1})
		require.NoError(t, err, "it was said so")
		s.Close()
	}
}

// TestUnnamedLater: what a log shows after it was opened counts, too.
func TestUnnamedLater(t *testing.T) {
	path := write(t, "timestamp, power.draw [W]\n"+nvidia(-2)+", 500 W\n"+nvidia(-1.5)+", 500 W\n")
	s, err := Open(Config{Path: path, Location: time.UTC})
	require.NoError(t, err)
	defer s.Close()
	for at := -1.0; at <= 11; at += 0.1 {
		more(t, path, nvidia(at)+", 500 W\n"+nvidia(at+0.004)+", 300 W\n")
	}
	m := energy.MeasurePast(t.Context(), s, span(0, 10))
	assert.False(t, m.Valid)
	assert.True(t, m.Has(GPUIdentityMissing), "%v", m.Reasons)

	// Rows that name no GPU are not those of the first that was named.
	m = measure(t, nvidiaLog(constant(3, -1, 5, 500))+"timestamp, power.draw [W]\n"+nvidia(5.5)+", 9 W\n"+nvidia(6)+", 9 W\n"+nvidiaLog(constant(3, 7, 11, 500)), 0, 10)
	require.True(t, m.Valid, "%v", m.Reasons)
	assert.InEpsilon(t, 5000, m.Energy.Joules, 1e-9)
}
