package smisource

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/joulebench/joulebench/internal/sensors"
	"github.com/joulebench/joulebench/powertest/energy"
)

const (
	uuid0 = "GPU-604ac76c-d9cf-fef3-62e9-d92044ab6e52"
	uuid1 = "GPU-704ac76c-d9cf-fef3-62e9-d92044ab6e52"
)

func TestDevices(t *testing.T) {
	text := "timestamp, index, uuid, name, pci.bus_id, power.draw.instant [W], power.draw.average [W], power.draw [W], power.limit [W], enforced.power.limit [W]\n"
	for at := -1; at <= 11; at++ {
		text += nvidia(float64(at)) + ", 1, " + uuid1 + ", NVIDIA H200, 00000000:08:00.0, 400.00 W, 410.00 W, 420.00 W, 700.00 W, 650.00 W\n"
		text += nvidia(float64(at)+0.1) + ", 0, " + uuid0 + ", NVIDIA A100, 00000000:07:00.0, [N/A], 310.00 W, 320.00 W, 400.00 W, [N/A]\n"
	}
	s := open(t, text)
	assert.Equal(t, energy.Info{Name: "smi", Period: time.Second, Version: "nvidia-smi"}, s.Info())
	common := energy.Device{Hint: oftenHint, Method: energy.Gauge, MaxGap: 3 * time.Second, Period: time.Second}
	first, second := common, common
	first.Sensor, second.Sensor = sensors.Of(sensors.Average, "NVIDIA H200"), sensors.Of(sensors.Draw, "NVIDIA A100")
	first.UUID, first.Index, first.Name, first.PCI, first.PowerLimit, first.Metric = uuid1, 1, "NVIDIA H200", "00000000:08:00.0", 650, "column power.draw.average [W]"
	second.UUID, second.Name, second.PCI, second.PowerLimit, second.Metric = uuid0, "NVIDIA A100", "00000000:07:00.0", 400, "column power.draw [W]"
	assert.Equal(t, []energy.Device{first, second}, s.Devices())
	m := energy.MeasurePast(t.Context(), s, span(0, 10))
	require.True(t, m.Valid, "%v", m.Reasons)
	assert.InDeltaSlice(t, []float64{4100, 3200}, joules(m), 1e-6)
}

// A mean over a second tells of the second before its time stamp.
func TestAverages(t *testing.T) {
	text := "timestamp, index, power.draw.average [W]\n"
	for at := -3; at <= 23; at++ {
		text += nvidia(float64(at)) + fmt.Sprintf(", 0, %d W\n", 300+10*at)
	}
	s := open(t, text)
	d := s.Devices()[0]
	assert.Equal(t, sensors.Of(sensors.Average, ""), d.Sensor)
	m := energy.MeasurePast(t.Context(), s, span(0, 20))
	require.True(t, m.Valid, "%v", m.Reasons)
	assert.InEpsilon(t, 20*405.5, m.Energy.Joules, 0.002, "means of a time before")

	// The longest gap is from what the readings tell of.
	m = measure(t, "timestamp, index, power.draw.average [W]\n"+nvidia(-2.4)+",0,100\n"+nvidia(0.4)+",0,100\n"+nvidia(3.3)+",0,100\n"+nvidia(5.3)+",0,100\n"+nvidia(8.2)+",0,100\n", 0, 5)
	require.True(t, m.Valid, "%v", m.Reasons)
	assert.InEpsilon(t, 500, m.Energy.Joules, 1e-9)
}

func TestIdentity(t *testing.T) {
	for header, want := range map[string][]string{
		"timestamp,gpu,power":         {"smi:gpu_metrics.csv:a", "smi:gpu_metrics.csv:b"},
		"timestamp,gpu_uuid,power":    {"a", "b"},
		"timestamp,serial,power":      {"smi:gpu_metrics.csv:a", "smi:gpu_metrics.csv:b"},
		"timestamp,pci.bus_id,power":  {"smi:gpu_metrics.csv:a", "smi:gpu_metrics.csv:b"},
		"timestamp,Device,power":      {"smi:gpu_metrics.csv:a", "smi:gpu_metrics.csv:b"},
		"timestamp,card,socket_power": {"smi:gpu_metrics.csv:a", "smi:gpu_metrics.csv:b"},
	} {
		s := open(t, header+"\n1,a,100\n1,b,100\n2,b,100\n2,a,100\n")
		var uuids []string
		for _, d := range s.Devices() {
			uuids = append(uuids, d.UUID)
		}
		assert.Equal(t, want, uuids, header)
	}
}

func TestSelection(t *testing.T) {
	text := "timestamp, index, uuid, power.draw [W]\n"
	for at := -1; at <= 11; at++ {
		text += nvidia(float64(at)) + ", 0, " + uuid0 + ", 100 W\n" + nvidia(float64(at)) + ", 1, " + uuid1 + ", 200 W\n"
	}
	text += nvidia(5) + ", 1, " + uuid1 + ", [N/A]\n"
	path := write(t, text)
	for _, tt := range []struct {
		devices []string
		want    []string
	}{
		{nil, []string{uuid0, uuid1}},
		{[]string{"all"}, []string{uuid0, uuid1}},
		{[]string{"1", "0"}, []string{uuid0, uuid1}},
		{[]string{"0,1"}, []string{uuid0, uuid1}},
		{[]string{"0", "0", uuid0}, []string{uuid0}},
		{[]string{"GPU-704a"}, []string{uuid1}},
		{[]string{"704ac76c"}, []string{uuid1}},
		{[]string{"GPU-704A", "0-0"}, []string{uuid0, uuid1}},
		{[]string{"0-1"}, []string{uuid0, uuid1}},
		{[]string{"ALL"}, []string{uuid0, uuid1}},
		{[]string{"0-2"}, nil},
		{[]string{"GPU-8"}, nil},
		{[]string{"GPU-"}, nil},
		{[]string{"2"}, nil},
	} {
		s, err := Open(Config{Path: path, Location: time.UTC, Devices: tt.devices})
		if tt.want == nil {
			assert.ErrorIs(t, err, energy.ErrNoDevice, "%v", tt.devices)
			continue
		}
		require.NoError(t, err)
		var uuids []string
		for _, d := range s.Devices() {
			uuids = append(uuids, d.UUID)
		}
		assert.Equal(t, tt.want, uuids, "%v", tt.devices)
		m := energy.MeasurePast(t.Context(), s, span(0, 10))
		assert.Equal(t, len(uuids) == 1 && uuids[0] == uuid0, m.Valid, "what is wrong with others is of no interest: %v", m.Reasons)
		require.NoError(t, s.Close())
	}
}

// A GPU is selected by whatever the log calls it.
func TestSelectionByNamesOfTheLog(t *testing.T) {
	card := "timestamp,card,uuid,socket_power\n1,card3,GPU-aaaa,1\n1,card5,GPU-bbbb,1\n2,card3,GPU-aaaa,1\n2,card5,GPU-bbbb,1\n"
	serial := "timestamp,serial,power\n1,x77,1\n1,y88,1\n2,x77,1\n2,y88,1\n"
	address := "timestamp,index,pci.bus_id,power\n1,4,00000000:07:00.0,1\n1,6,00000000:08:00.0,1\n"
	for _, tt := range []struct{ log, sel, want string }{
		{card, "card5", "GPU-bbbb"},
		{card, "CARD5", "GPU-bbbb"},
		{card, "card5,card3", "GPU-aaaa GPU-bbbb"},
		{card, "card5,GPU-aaaa,1", "GPU-aaaa GPU-bbbb"},
		{card, "card5,all", "GPU-aaaa GPU-bbbb"},
		{card, "card4", ""},
		{card, "card5,card4", ""},
		{serial, "y88", "smi:gpu_metrics.csv:y88"},
		{serial, "smi:gpu_metrics.csv:x77", "smi:gpu_metrics.csv:x77"},
		{address, "08:00.0", "smi:gpu_metrics.csv:6"},
		{address, "00000000:07:00.0,6", "smi:gpu_metrics.csv:4 smi:gpu_metrics.csv:6"},
	} {
		s, err := Open(Config{Path: write(t, tt.log), Devices: []string{tt.sel}})
		if tt.want == "" {
			assert.ErrorIs(t, err, energy.ErrNoDevice, tt.sel)
			continue
		}
		require.NoError(t, err, tt.sel)
		var uuids []string
		for _, d := range s.Devices() {
			uuids = append(uuids, d.UUID)
		}
		assert.Equal(t, tt.want, strings.Join(uuids, " "), tt.sel)
	}
}

// An accumulator of 65628 is 1.0014 J: amd-smi was seen to make 1.0041 J of it.
func TestEnergyUnit(t *testing.T) {
	for _, name := range []string{"total_energy_consumption", "total_energy_consumption_mj", "energy_consumption"} {
		h, _ := parseHeader([]byte("timestamp,gpu,"+name), nil, false)
		scale := map[string]float64{"total_energy_consumption_mj": 1e3}[name]
		if scale == 0 {
			scale = 1
		}
		v, flaw := h.energies[0].quantity(fmt.Appendf(nil, "%.9f", 1.0041084*scale))
		assert.Equal(t, fine, flaw, name)
		want := 65628.0 / 65536
		if name == "energy_consumption" {
			want = 1.0041084 // which is not amd-smi's
		}
		assert.InEpsilon(t, want, v, 1e-6, name)
	}
	h, _ := parseHeader([]byte("timestamp,gpu,total_energy_consumption"), columns{{"energy", "total_energy_consumption", -1}}, false)
	v, _ := h.energies[0].quantity([]byte("1.0041084"))
	assert.InEpsilon(t, 65628.0/65536, v, 1e-6, "nor does naming the column change it")
}

// amd-smi's energy is a counter, where there is no power.
func TestEnergyColumn(t *testing.T) {
	text := "'CTRL' + 'C' to stop watching output:\n"
	for at := -20; at <= 80; at++ {
		text += "timestamp,gpu,total_energy_consumption\n" + fmt.Sprintf("%s,0,%.3f\n%s,1,%.3f\n\n", second(at), 20909145.914+300*float64(at), second(at), 21111595.33+42.66*float64(at))
	}
	s := open(t, text)
	assert.Equal(t, energy.Counter, s.Devices()[0].Method)
	m := energy.MeasurePast(t.Context(), s, span(0.3, 60.7))
	require.True(t, m.Valid, "%v", m.Reasons)
	assert.InEpsilon(t, 300*60.4/1.0027, m.Devices[0].Energy.Joules, 1e-3)
	assert.InEpsilon(t, 42.66*60.4/1.0027, m.Devices[1].Energy.Joules, 1e-3)

	// A counter that was reset is not clamped.
	text += second(81) + ",0,5\n" + second(82) + ",0,305\n" + second(83) + ",0,605\n"
	m = measure(t, text, 70, 81.5)
	assert.True(t, m.Has(energy.CounterReset), "%v", m.Reasons)
}
