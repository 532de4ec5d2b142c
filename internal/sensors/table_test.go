package sensors

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/joulebench/joulebench/powertest/energy"
)

// readings are how the page calls the readings.
var readings = map[Reading]string{Draw: "draw", Instant: "instant", Average: "average"}

// line returns a row of the table as the page has it.
func (r Row) line() string {
	models := make([]string, len(r.Architectures))
	for i, a := range r.Architectures {
		models[i] = string(a)
	}
	if len(models) == 0 {
		models = []string{"any other"}
	}
	var kernels []string
	for _, k := range r.Sensor.Kernels {
		kernels = append(kernels, fmt.Sprintf("%v %d–%d ms", k.Manner, k.Shortest.Milliseconds(), k.Longest.Milliseconds()))
	}
	refresh := "as seen"
	if r.Sensor.Refresh > 0 {
		refresh = r.Sensor.Refresh.String()
	}
	return fmt.Sprintf("| %s | %s | %s | %s | %s |", readings[r.Reading], strings.Join(models, ", "), refresh, strings.Join(kernels, " or "), r.Evidence)
}

// TestPage: docs/sensors.md has the same table.
func TestPage(t *testing.T) {
	page, err := os.ReadFile("../../docs/sensors.md")
	require.NoError(t, err)
	var want []string
	for _, r := range Table {
		want = append(want, r.line())
	}
	assert.Equal(t, want, regexp.MustCompile(`(?m)^\| (?:draw|instant|average) .*$`).FindAllString(string(page), -1))
}

func TestArchitectures(t *testing.T) {
	for name, want := range map[string]Architecture{
		"NVIDIA H200": Hopper, "NVIDIA H100 80GB HBM3": Hopper, "NVIDIA GH200 480GB": Hopper, "NVIDIA B200": Blackwell, "NVIDIA GB200": Blackwell,
		"NVIDIA GeForce RTX 5090": Blackwell, "NVIDIA RTX PRO 6000 Blackwell Server Edition": Blackwell,
		"NVIDIA L40S": Ada, "NVIDIA GeForce RTX 4090": Ada, "NVIDIA RTX 6000 Ada Generation": Ada, "NVIDIA L4": Ada,
		"NVIDIA A100-SXM4-80GB": GA100, "NVIDIA A100-PCIE-40GB": GA100, "NVIDIA A30": GA100, "NVIDIA A100 80GB PCIe": GA100,
		"NVIDIA GeForce RTX 3090": Ampere, "NVIDIA RTX A5000": Ampere, "NVIDIA A10G": Ampere, "NVIDIA A40": Ampere, "NVIDIA RTX A500 Laptop GPU": Ampere,
		"Tesla T4": Turing, "NVIDIA GeForce RTX 2080 SUPER": Turing, "Quadro RTX 8000": Turing, "Quadro RTX 4000": Turing, "NVIDIA T1000": Turing,
		"Tesla V100-SXM2-16GB": Volta, "Tesla P100-PCIE-16GB": Pascal, "NVIDIA GeForce GTX 1080 Ti": Pascal, "Quadro P2200": Pascal,
		"NVIDIA TITAN X (Pascal)": Pascal, "NVIDIA GeForce GTX TITAN X": "", "NVIDIA GeForce GTX TITAN": Kepler,
		"Tesla K40m": Kepler, "Tesla M40": Maxwell, "Quadro K620": Kepler, "AMD Instinct MI300X": "", "": "", "Simulated GPU": "",
	} {
		assert.Equal(t, want, architectureOf(name), name)
	}
}

// TestOf: the name of a model narrows what a reading may be; without it all is possible.
func TestOf(t *testing.T) {
	assert.Equal(t, []energy.Kernel{whole}, Of(Instant, "NVIDIA GeForce RTX 3090").Kernels)
	assert.Equal(t, []energy.Kernel{partTime}, Of(Draw, "NVIDIA A100-PCIE-40GB").Kernels)
	assert.Equal(t, []energy.Kernel{second}, Of(Average, "").Kernels)
	assert.Len(t, Of(Draw, "").Kernels, 5)
	assert.Equal(t, energy.Sensor{}, Of(Unknown, "NVIDIA H200"))
	for _, r := range Table {
		for _, k := range r.Sensor.Kernels {
			assert.True(t, 0 < k.Shortest && k.Shortest <= k.Longest && k.Earliest <= k.Latest && k.Latest < time.Second, r.line())
		}
	}
}

func TestCounterDelay(t *testing.T) {
	for name, want := range map[string][2]time.Duration{
		"NVIDIA H100 80GB HBM3": {10 * ms, 2500 * time.Microsecond}, "nvidia-h100-pcie": {10 * ms, 2500 * time.Microsecond},
		"NVIDIA H200": {10 * ms, 5 * ms}, "NVIDIA H800": {10 * ms, 5 * ms}, "NVIDIA GH200 480GB": {10 * ms, 5 * ms},
		"NVIDIA A100-SXM4-80GB": {}, "NVIDIA B200": {}, "": {},
	} {
		by, sd := CounterDelay(name)
		assert.Equal(t, want, [2]time.Duration{by, sd}, name)
	}
}
