package smisource

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/joulebench/joulebench/powertest/energy"
)

func TestX12MalformedInside(t *testing.T) {
	before, after := constant(0, -1, 4, 500), constant(0, 6, 11, 500)
	for text, want := range map[string]energy.Reason{
		"not-a-timestamp, 0, 500 W, 64":                        InvalidTimestampSample,
		nvidia(5) + ", 0, [N/A], 64":                           energy.InvalidPowerSample,
		nvidia(5) + ", 0, , 64":                                energy.InvalidPowerSample,
		nvidia(5) + ", 0, ERR!, 64":                            energy.InvalidPowerSample,
		nvidia(5) + ", 0, [Unknown Error], 64":                 energy.InvalidPowerSample,
		nvidia(5) + ", 0, -500 W, 64":                          energy.InvalidPowerSample,
		nvidia(5) + ", 0, NaN, 64":                             energy.InvalidPowerSample,
		nvidia(5) + ", 0, 52":                                  energy.InvalidPowerSample,
		nvidia(5):                                              GPUIdentityMissing,
		nvidia(5) + ", , 500 W, 64":                            GPUIdentityMissing,
		nvidia(5) + ", 0, 500 W, 64, 65":                       energy.InvalidPowerSample,
		nvidia(5) + `, 0, "500 W, 64`:                          energy.InvalidPowerSample,
		nvidia(5) + ", 0, 52" + nvidia(5.5) + ", 0, 500 W, 64": energy.InvalidPowerSample,
		"Unable to determine the device handle for GPU0: 0000:07:00.0: Unknown Error": InvalidTimestampSample,
		"Failed to initialize NVML: Unknown Error":                                    InvalidTimestampSample,
		"\x00\x00\x00\x00":                InvalidTimestampSample,
		nvidia(2)[:16] + ", 0, 500 W, 64": InvalidTimestampSample,
	} {
		m := measure(t, nvidiaLog(before)+text+"\n"+nvidiaLog(after), 0, 10)
		assert.Equal(t, []energy.Reason{want}, codes(m.Reasons), "%q: %v", text, m.Reasons)
		assert.Zero(t, m.Energy, text)
	}
}

// What is wrong with a row of one GPU is not wrong with another.
func TestX12IsOfTheGPU(t *testing.T) {
	for text, want := range map[string]bool{
		nvidia(5) + ", 1, [N/A], 64": true,
		"garbage, 1, 500 W, 64":      true,
		"garbage":                    false,
		nvidia(5) + ", , 500 W, 64":  false,
	} {
		m := measure(t, nvidiaLog(constant(0, -1, 4, 500), constant(1, -1, 4, 500))+text+"\n"+nvidiaLog(constant(0, 5, 11, 500), constant(1, 6, 11, 500)), 0, 10)
		assert.False(t, m.Valid)
		assert.Equal(t, want, m.Devices[0].Valid, "%q: %v", text, m.Reasons)
		assert.False(t, m.Devices[1].Valid, text)
	}
}

// Half a name is not another GPU.
func TestX12NoPhantoms(t *testing.T) {
	for _, text := range []string{
		nvidia(-50) + ", 1" + nvidia(-49) + ", 0, 500 W, 64",
		nvidia(-50) + ", 1",
		nvidia(-50) + ", 1, \"500 W",
		"garbage, 1, 500 W, 64",
	} {
		m := measure(t, nvidiaLog(constant(0, -60, -51, 500))+text+"\n"+nvidiaLog(constant(0, -48, 11, 500)), 0, 10)
		assert.Len(t, m.Devices, 1, text)
		assert.True(t, m.Valid, "%q: %v", text, m.Reasons)
	}
	m := measure(t, nvidiaLog(constant(1, -1, 11, 500), constant(12, -1, 11, 500))+nvidia(5)+", 1\n", 0, 10)
	assert.False(t, m.Devices[1].Valid, "it may be GPU 12 as well")
	// One that never tells its power is a GPU all the same.
	m = measure(t, nvidiaLog(constant(0, -1, 11, 500))+nvidia(5)+", 1, [N/A], 64\n", 0, 10)
	assert.Len(t, m.Devices, 2)
	assert.False(t, m.Valid)
}
