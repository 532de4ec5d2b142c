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

	burst := "timestamp, power.draw [W]\n"
	for at := 0.0; at < 2; at += 0.1 {
		for k := range 4 {
			burst += fmt.Sprintf("%s, %d00 W\n", nvidia(at+0.003*float64(k)), k)
		}
	}
	for text, says := range map[string]string{
		burst: "the rows come in groups of 4",
		one + nvidia(11) + ", 500\n" + nvidia(11) + ", 300\n":                                              "line 123 has the time stamp of the line before it",
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
