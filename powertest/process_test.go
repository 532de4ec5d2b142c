package powertest

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/perf/benchfmt"

	"github.com/joulebench/joulebench/powertest/energy"
)

// TestHeaderChanges: a process that measures with several sources says which
// results are of which; what no longer holds is unset.
func TestHeaderChanges(t *testing.T) {
	var h headerLines
	var out strings.Builder
	result := "BenchmarkX 1 1 J/op\n"
	h.change(&out, []setting{{"energy-source", "nvml"}, {"gpu", "NVIDIA H200"}, {"power-limit", "700W"}})
	out.WriteString(result)
	h.change(&out, []setting{{"energy-source", "nvml"}, {"gpu", "NVIDIA H200"}, {"power-limit", "700W"}})
	out.WriteString(result)
	h.change(&out, []setting{{"energy-source", "simulated"}, {"gpu", "NVIDIA H200"}})
	out.WriteString(result)
	h.change(&out, nil)
	out.WriteString(result)
	assert.Equal(t, 1, strings.Count(out.String(), "gpu: NVIDIA H200\n"), "what holds already is not repeated")

	var got []string
	reader := benchfmt.NewReader(strings.NewReader(out.String()), "")
	for reader.Scan() {
		r := reader.Result().(*benchfmt.Result)
		got = append(got, r.GetConfig("energy-source")+"/"+r.GetConfig("gpu")+"/"+r.GetConfig("power-limit"))
	}
	require.NoError(t, reader.Err())
	assert.Equal(t, []string{
		"nvml/NVIDIA H200/700W",
		"nvml/NVIDIA H200/700W",
		"simulated/NVIDIA H200/",
		"//",
	}, got)
}

func TestSettings(t *testing.T) {
	of := func(devices ...energy.Device) []setting {
		return settings("nvml", devices, nil)
	}
	assert.Equal(t,
		[]setting{{"energy-source", "nvml"}, {"gpu", "A, B C"}, {"gpus", "3"}, {"power-limit", "350.5W, 700W"}},
		of(energy.Device{UUID: "1", Name: "B\nC", PowerLimit: 700}, energy.Device{UUID: "2", Name: "A", PowerLimit: 350.5}, energy.Device{UUID: "3", Name: "A", PowerLimit: 700}))
	assert.Equal(t, []setting{{"energy-source", "nvml"}, {"gpus", "1 of 3"}}, settings("nvml", []energy.Device{{UUID: "1"}}, make([]energy.LeftOut, 2)))
	assert.Equal(t, []setting{{"energy-source", "nvml"}, {"gpus", "1"}}, of(energy.Device{UUID: "1"}), "what is unknown is left out")
}
