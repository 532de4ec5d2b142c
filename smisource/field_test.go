package smisource

import (
	"encoding/binary"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/joulebench/joulebench/powertest/energy"
)

// TestFieldLogs: logs as people have them, which are read as they are or with what can be
// said about them.
func TestFieldLogs(t *testing.T) {
	for name, tt := range map[string]struct {
		cfg     Config
		gpus    int
		samples int
		watts   float64 // the first of the first GPU
		name    string
	}{
		"power_only_100ms.csv":            {gpus: 1, samples: 163, watts: 21.76},
		"name_no_index_1s.csv":            {gpus: 1, samples: 299, watts: 33.09, name: "NVIDIA GeForce RTX 4090"},
		"timestamp_ns_power.csv":          {cfg: Config{GPUName: "NVIDIA T400"}, gpus: 1, samples: 10, watts: 13.22, name: "NVIDIA T400"},
		"gpu_whole_watts_empty_limit.csv": {gpus: 1, samples: 9, watts: 18},
		"wide_columns.csv":                {cfg: Config{Columns: "time=timestamp,power=GPU0,power=GPU1"}, gpus: 2, samples: 123, watts: 199.975},
		"decimal_comma.csv":               {gpus: 1, samples: 101, watts: 490.5},
		"secondary_die.csv":               {gpus: 2, samples: 101, watts: 237},
	} {
		cfg := tt.cfg
		cfg.Path, cfg.Location = filepath.Join("testdata", "field", name), time.UTC
		s, err := Open(cfg)
		if !assert.NoError(t, err, name) {
			continue
		}
		defer s.Close()
		if assert.Len(t, s.Devices(), tt.gpus, name) {
			assert.Len(t, s.log.gpus[0].samples, tt.samples, name)
			assert.Equal(t, tt.watts, s.log.gpus[0].samples[0].value, name)
			assert.Equal(t, tt.name, s.Devices()[0].Name, name)
		}
		assert.Empty(t, s.log.faults, name)
	}
}

// TestImpossible: what the log's own limit contradicts is no power, and what a GPU can
// draw for a moment is.
func TestImpossible(t *testing.T) {
	for name, detail := range map[string]string{
		"above_limit.csv": "has a power of more than 1.5 times its limit, and",
		"power_spike.csv": "line 52 of power_spike.csv has a power of more than 1.5 times its limit",
	} {
		s, err := Open(Config{Path: filepath.Join("testdata", "field", name), Location: time.UTC})
		if name == "above_limit.csv" {
			assert.Equal(t, []energy.Reason{energy.InvalidPowerSample, NoUsablePowerSamples}, reasons(t, err))
			assert.ErrorContains(t, err, `101 with a power of more than 1.5 times its limit, the first is "2000.00 W"`)
			continue
		}
		require.NoError(t, err)
		defer s.Close()
		m := energy.MeasurePast(t.Context(), s, energy.Span{Start: time.Unix(1700000000, 0), End: time.Unix(1700000010, 0)})
		assert.Equal(t, []energy.Reason{energy.InvalidPowerSample}, codes(m.Reasons), name)
		assert.Contains(t, m.Devices[0].Reasons[0].Detail, detail)
	}
	rows := nvidia(-1) + ",0,700 W,700\n"
	for at := 0.0; at < 10; at += 0.5 {
		rows += nvidia(at) + ",0,700 W,700\n"
	}
	m := measure(t, "timestamp,index,power.draw [W],power.limit [W]\n"+rows+nvidia(10)+",0,1050 W,700\n", 0, 9)
	assert.True(t, m.Valid, "%v", m.Reasons)
	m = measure(t, "timestamp,index,power.draw [W],power.limit [W]\n"+rows+nvidia(10)+",0,1050.1 W,700\n", 0, 9)
	assert.Equal(t, []energy.Reason{energy.InvalidPowerSample}, codes(m.Reasons))
	m = measure(t, "timestamp,index,power.draw [W]\n"+rows[:strings.Index(rows, ",700")]+"\n"+nvidia(0)+",0,9999999 W\n"+nvidia(1)+",0,70 W\n", -1, 1)
	assert.Contains(t, m.Devices[0].Reasons[0].Detail, "has a value that is out of range")
}

// TestColumns: columns are named, or given by their places in a log without a header.
func TestColumns(t *testing.T) {
	for _, tt := range []struct {
		columns, text string
		watts         []float64
	}{
		{"time=when,power=draw", "when;draw\n" + nvidia(0) + ";5\n", []float64{5}},
		{"power=GPU 1 (mW),power=GPU 0 (mW)", "GPU 0 (mW),GPU 1 (mW),timestamp\n5000,6000," + nvidia(0) + "\n", []float64{5, 6}},
		{"gpu=device_id", "timestamp,device_id,power.draw [W]\n" + nvidia(0) + ",0,5 W\n" + nvidia(0) + ",1,6 W\n", []float64{5, 6}},
		{"time=#1,power=#3,gpu=#2", nvidia(0) + ", 0, 5 W\n" + nvidia(0) + ", 1, 6 W\n", []float64{5, 6}},
		{"time=#1,power=#2,power=#3", nvidia(0) + ", 5, 6\n", []float64{5, 6}},
		{"power=board", "timestamp,gpu,power,board\n" + nvidia(0) + ",0,1,5\n", []float64{5}},
		{"", "date,time,gpu,power\n2024-05-06,07:08:09.5,0,5\n", []float64{5}},
		{"", "timestamp (UTC),gpu,power\n" + nvidia(0) + ",0,5\n", []float64{5}},
		{"", "timestamp_ms\tGPU\tPower (W)\n1736944496789\t0\t5\n", []float64{5}},
		{"", "timestamp;gpu;power\n1736944496,789;0;5\n", []float64{5}},
		{"", "Timestamp,Hostname,GPU,Power\n" + nvidia(0) + ",a,0,5\n" + nvidia(0) + ",b,0,6\n", []float64{5, 6}},
	} {
		s, err := Open(Config{Path: write(t, tt.text), Location: time.UTC, Columns: tt.columns})
		if !assert.NoError(t, err, tt.text) {
			continue
		}
		defer s.Close()
		var watts []float64
		for _, g := range s.log.gpus {
			watts = append(watts, g.samples[0].value)
		}
		assert.Equal(t, tt.watts, watts, tt.text)
	}
	for columns, says := range map[string]string{
		"time":                    `"time" is not a kind and a name`,
		"watts=x":                 `"watts=x" is not a kind`,
		"time=a,time=b":           `"time=b" is one too many`,
		"power=a,power=a":         `"power=a" is one too many`,
		"power=a,power=b,gpu=c":   "several columns of power are a GPU each",
		"power=#2":                "needs the places of the time and of the power",
		"time=when,power=nothing": `no column is called when, nothing: the header is "timestamp,a"`,
	} {
		_, err := Open(Config{Path: write(t, "timestamp,a\n"), Columns: columns})
		assert.ErrorContains(t, err, says)
	}
	// What is missing is advised with the names that are there.
	for text, says := range map[string]string{
		"timestamp,GPU0,GPU1\n" + nvidia(0) + ",1,2\n":                "-columns power=GPU0,power=GPU1 (",
		"timestamp power\n1700000000.5 300\n":                         "separate its cells by commas, semicolons or tabs",
		"when,gpu,power.draw [W]\n":                                   "-columns time=when (",
		"timestamp,device_id,power.draw [W]\n" + nvidia(0) + ",0,5\n": "say so with -columns gpu=device_id (",
		"timestamp,gpu0_power,gpu1_power\n":                           "-columns power=gpu0_power,power=gpu1_power (",
		nvidia(0) + ",0,5 W\n":                                        "-columns 'time=#1,gpu=#2,power=#3' (",
		nvidia(0) + ", 5.00 W\n":                                      "-columns 'time=#1,power=#2' (",
		nvidia(0) + ", A100-SXM4-80GB, 98 %, 81559 MiB, 5.00 W\n":     "-columns 'time=#1,power=#5' (",
		"300.10, " + nvidia(0) + "\n":                                 "-columns 'time=#2,power=#1' (",
		nvidia(0) + ", GPU-1-2, 300.10\n":                             "-columns 'time=#1,gpu=#2,power=#3' (",
		"1722959154,0,238\n1722959155,0,238\n":                        "-columns 'time=#1,gpu=#2,power=#3' (",
		"timestamp,gpu,gfx_clk\n":                                     "record with " + RecordCommandAMD,
	} {
		_, err := Open(Config{Path: write(t, text)})
		assert.ErrorContains(t, err, says, text)
	}
}

// TestForeign: files that people take for logs are named.
func TestForeign(t *testing.T) {
	for text, says := range map[string]string{
		"\n==============NVSMI LOG==============\n\nTimestamp                                 : Thu Nov 23 10:00:00 2023\n    Power Readings\n        Power Draw : 30 W\n":                              "the report of nvidia-smi -q",
		"Thu Nov 23 10:00:00 2023       \n+-----------------------------------------------------------------------------+\n| NVIDIA-SMI 525.60    Driver Version: 525.60    CUDA Version: 12.0     |\n": "the table that nvidia-smi prints",
		"# gpu    pwr  gtemp  mtemp     sm\n# Idx      W      C      C      %\n    0     43     35      -      0\n":                                                                                     "nvidia-smi dmon or pmon prints, which has no date without -o DT",
		"#Time        gpu    pwr\n#HH:MM:SS    Idx      W\n 22:13:15      0     43\n":                                                                                                                   "nvidia-smi dmon prints, which has no date without -o DT",
		"#Date       Time        gpu     sm\n#YYYYMMDD   HH:MM:SS    Idx      %\n 20231114   22:13:15      0     43\n":                                                                                  "without the power (dmon -s p)",
		"Timestamp                                 : Thu Nov 23 10:00:00 2023\nAttached GPUs                             : 1\n":                                                                         "the report of nvidia-smi -q",
		"        Power Draw                        : 72.11 W\n":                                                                                                                                         "the report of nvidia-smi -q",
		"\x1b[1mtimestamp, power.draw [W]\n":                                                                                                           "with its escape sequences",
		"11-06-2023 10:00:00 RAM 2448/7860MB VDD_IN 4600mW/4600mW\n":                                                                                   "what tegrastats of a Jetson prints",
		"| timestamp | power.draw |\n|---|---|\n| 2023/11/14 22:13:20.000 | 300 W |\n":                                                                 "a table with bars",
		"TIMESTAMP  GPU  POWER   GPU_T\n1700000000  0  140 W  45 C\n":                                                                                  "the table of amd-smi monitor",
		"node1  Mon Nov  6 10:00:00 2023  535.104.05\n[0] NVIDIA A100-SXM4-80GB | 34 C,   0 % |     0 / 81920 MB |\n":                                  "what gpustat prints",
		"device,Average Graphics Package Power (W)\ncard0,35.0\n":                                                                                      "what rocm-smi --csv writes, which has no time\nrecord with " + RecordCommandAMD,
		"\n\n======================= ROCm System Management Interface =======================\nGPU[0]\t\t: Average Graphics Package Power (W): 35.0\n": "the report of rocm-smi",
		"GPU  POWER   GPU_T\n  0   35 W   40 °C\n":                                                                                                     "the table of amd-smi monitor",
		`[{"gpu": 0, "power": {"socket_power": 35}}]` + "\n":                                                                                           "it is JSON",
		"# HELP DCGM_FI_DEV_POWER_USAGE Power draw (in W).\n":                                                                                          "\ngive the exporter's address with -dcgm",
		"PK\x03\x04\x00\x00\n": "a workbook",
	} {
		_, err := Open(Config{Path: write(t, text)})
		assert.Contains(t, reasons(t, err), TelemetryFileUnreadable, text)
		assert.ErrorContains(t, err, says)
	}
}

// TestMessages: a file with an error of nvidia-smi says so, and what to do.
func TestMessages(t *testing.T) {
	old := "record with nvidia-smi --query-gpu=timestamp,index,uuid,name,power.draw,enforced.power.limit"
	for text, says := range map[string][]string{
		"Field \"power.draw.instant\" is not a valid field to query.\n\n":                 {"whose driver does not know a column: \"Field", "older drivers have power.draw only", old},
		"Failed to initialize NVML: Driver/library version mismatch\n":                    {"an error message, and nothing was recorded: \"Failed", "when nvidia-smi works by itself"},
		"NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver.\n": {"nothing was recorded"},
		"No devices were found\n":               {"nothing was recorded"},
		"bash: nvidia-smi: command not found\n": {"nothing was recorded"},
	} {
		_, err := Open(Config{Path: write(t, text)})
		assert.Equal(t, []energy.Reason{TimestampColumnMissing, PowerColumnMissing, GPUIdentityColumnMissing}, reasons(t, err), text)
		for _, s := range says {
			assert.ErrorContains(t, err, s)
		}
	}
}

// TestDmon: what nvidia-smi dmon -o DT prints is a log, in whole seconds and whole watts,
// which the interval allows for. Its header is repeated, and followed by one of units.
func TestDmon(t *testing.T) {
	table := "#Date       Time        gpu    pwr  gtemp  mtemp     sm\n#YYYYMMDD   HH:MM:SS    Idx      W      C      C      %\n"
	csv := "#Date, Time, gpu, pwr, gtemp, mtemp, sm\n#YYYYMMDD, HH:MM:SS, Idx, W, C, C, %\n"
	for _, head := range []string{table, csv} {
		text := head
		for at := -3; at <= 13; at++ {
			for gpu, watts := range []int{500, 300} {
				row := []string{instant(float64(at)).UTC().Format("20060102"), instant(float64(at)).UTC().Format("15:04:05"), fmt.Sprint(gpu), fmt.Sprint(watts + at%2), "45", "-", "98"}
				if head == csv {
					text += strings.Join(row, ", ") + "\n"
				} else {
					text += " " + strings.Join(row, "      ") + "\n"
				}
			}
			if at == 4 {
				text += head
			}
		}
		s := open(t, text)
		assert.Equal(t, "nvidia-smi", s.Info().Version)
		assert.Empty(t, s.log.faults)
		m := energy.MeasurePast(t.Context(), s, span(0, 10))
		require.True(t, m.Valid, "%v", m.Reasons)
		assert.InDeltaSlice(t, []float64{5000, 3000}, joules(m), 30)
		assert.Equal(t, []string{"0", "1"}, []string{s.log.gpus[0].id, s.log.gpus[1].id})
	}
}

// TestElsewhere: a log of another time than the window says of which it is.
func TestElsewhere(t *testing.T) {
	m := measure(t, nvidiaLog(constant(0, -1, 11, 500)), 3600, 3610)
	assert.Contains(t, fmt.Sprint(m.Reasons), "it is of 2023-11-14 22:13:19 to 2023-11-14 22:13:31 UTC, and the window of 2023-11-14 23:13:20 to 2023-11-14 23:13:30")
	counts := "time,power.draw [W]\n"
	for i := range 160 {
		at := 0.1 * float64(i)
		counts += fmt.Sprintf("%.3f,%.0f\n", at, 500+10*math.Mod(at, 1))
	}
	m = measure(t, counts, 2, 12)
	assert.Contains(t, fmt.Sprint(m.Reasons), "its times, up to 15.9 s, count from another moment than 1970\nsay when that was")
	s, err := Open(Config{Path: write(t, counts), Location: time.UTC, Offset: base * time.Second})
	require.NoError(t, err)
	defer s.Close()
	m = energy.MeasurePast(t.Context(), s, span(2, 12))
	require.True(t, m.Valid, "%v", m.Reasons)
	assert.InEpsilon(t, 5045, m.Energy.Joules, 0.01)
}

// TestAppendedByPowerShell: >> of PowerShell adds UTF-16 to what another shell had begun.
func TestAppendedByPowerShell(t *testing.T) {
	log := nvidiaLog(constant(0, -1, 11, 500))
	half := strings.Index(log, nvidia(4))
	m := measure(t, log[:half]+wide(binary.LittleEndian, false, strings.ReplaceAll(log[half:], "\n", "\r\n")), 0, 10)
	require.True(t, m.Valid, "%v", m.Reasons)
	assert.InEpsilon(t, 5000, m.Energy.Joules, 1e-9)
	// What a power failure leaves of a file is not that.
	m = measure(t, log[:half]+strings.Repeat("\x00", 512)+log[half:], 0, 10)
	assert.False(t, m.Valid)
}

// TestCommas: a decimal comma shows in the file as a whole; where it does not, both ways
// to read it are said.
func TestCommas(t *testing.T) {
	for _, tt := range []struct {
		separator string
		values    []string
		watts     float64 // of the first; 0 if it is refused
	}{
		{";", []string{"490,500 W", "490,500 W"}, 490.5},
		{";", []string{"13,220", "90,5"}, 13.22},
		{";", []string{"13,220", "90"}, 13.22},
		{"\t", []string{"490,50", "491,25"}, 490.5},
		{",", []string{`"490,500 W"`, `"76,123 W"`}, 490.5},
		{",", []string{`"1,050 W"`, `"980 W"`, `"1,100 W"`}, 1050},
		{",", []string{`"1,234.5 W"`, `"980 W"`}, 1234.5},
		{";", []string{"1.234,5 W", "980,0 W"}, 1234.5},
		{";", []string{"0,123 kW", "0,980 kW"}, 123},
		{";", []string{"1,234 W", "1,235 W"}, 0},
		{";", []string{"1,234 W", "980 W"}, 0},
		{",", []string{`"1,234 W"`, `"1,300 W"`}, 0},
		{",", []string{`"490,500 mW"`, `"480,500 mW"`}, 0},
		{";", []string{"1,23 W", "1,234.5 W"}, 0},
	} {
		text := strings.Join([]string{"timestamp", "index", "power.draw [W]"}, tt.separator) + "\n"
		for i, v := range tt.values {
			text += strings.Join([]string{nvidia(float64(i)), "0", v}, tt.separator) + "\n"
		}
		s, err := Open(Config{Path: write(t, text), Location: time.UTC})
		if tt.watts == 0 {
			assert.Equal(t, []energy.Reason{energy.InvalidPowerSample}, reasons(t, err), text)
			assert.ErrorContains(t, err, "-decimal point or -decimal comma")
			continue
		}
		if assert.NoError(t, err, text) {
			assert.Equal(t, tt.watts, s.log.gpus[0].samples[0].value, text)
			assert.Empty(t, s.log.faults, text)
			s.Close()
		}
	}
	path := write(t, "timestamp;index;power\n"+nvidia(0)+";0;1,234 W\n")
	_, err := Open(Config{Path: path})
	assert.ErrorContains(t, err, `"1,234 W" can be 1234 W or 1.234 W`)
	for decimal, watts := range map[string]float64{"comma": 1.234, "point": 1234} {
		s, err := Open(Config{Path: path, Decimal: decimal})
		require.NoError(t, err)
		assert.Equal(t, watts, s.log.gpus[0].samples[0].value)
		s.Close()
	}
	// Cells that a comma cuts in two.
	_, err = Open(Config{Path: write(t, "timestamp, index, power.draw [W]\n"+nvidia(0)+", 0, 490,50 W\n")})
	assert.ErrorContains(t, err, "if numbers have a decimal comma, separate the cells by semicolons")
	_, err = Open(Config{Path: write(t, "timestamp,power\n2023-11-14 22:13:20,100,300\n2023-11-14 22:13:20,600,300\n")})
	assert.ErrorContains(t, err, "2 with not as many cells as the header")
}

// TestSamplesOfSeveralHosts: the package of a run on several hosts has host, UUID and,
// in its manifest, roles.
func TestSamplesOfSeveralHosts(t *testing.T) {
	text := "schema_version,timestamp_unix,scrape_seq,hostname,gpu_index,gpu_uuid,power_w\n"
	for at := -1; at <= 11; at++ {
		for i, host := range []string{"node-p", "node-d"} {
			text += strings.Join([]string{"1", second(at) + ".5", "7", host, "0", "GPU-" + host, []string{"400.0", "300.0"}[i]}, ",") + "\n"
		}
	}
	dir := t.TempDir()
	path := filepath.Join(dir, "samples.csv")
	require.NoError(t, os.WriteFile(path, []byte(text), 0o644))
	manifest := `{"expected_devices": [{"hostname": "node-p", "gpu_index": 0, "assignments": [{"worker_role": "prefill"}]},
		{"hostname": "node-d", "gpu_index": 0, "assignments": [{"worker_role": "decode"}, {"worker_role": "decode"}]}`
	require.NoError(t, os.WriteFile(filepath.Join(dir, "manifest.json"), []byte(manifest+"]}"), 0o644))
	s, err := Open(Config{Path: path})
	require.NoError(t, err)
	defer s.Close()
	m := energy.MeasurePast(t.Context(), s, span(0, 10))
	require.True(t, m.Valid, "%v", m.Reasons)
	require.Len(t, m.Roles, 2)
	assert.Equal(t, []string{"decode", "prefill"}, []string{m.Roles[0].Role, m.Roles[1].Role})
	assert.InDelta(t, 3000, m.Roles[0].Energy.Joules, 1e-6)
	assert.Equal(t, "node-p", m.Devices[0].Device.Host)
	assert.Equal(t, "GPU-node-p", m.Devices[0].Device.UUID)

	// A GPU of the manifest that the log does not have is named.
	require.NoError(t, os.WriteFile(filepath.Join(dir, "manifest.json"), []byte(manifest+`,{"hostname": "node-x", "gpu_index": 3}]}`), 0o644))
	s, err = Open(Config{Path: path})
	require.NoError(t, err)
	defer s.Close()
	m = energy.MeasurePast(t.Context(), s, span(0, 10))
	assert.True(t, m.Has(energy.ExpectedGPUCountMismatch))
	assert.Contains(t, m.Reasons[0].Detail, "node-x/3")
	require.NoError(t, os.WriteFile(filepath.Join(dir, "manifest.json"), []byte("{"), 0o644))
	_, err = Open(Config{Path: path})
	assert.ErrorContains(t, err, "manifest.json")
	assert.ErrorContains(t, err, "give them with -role")
}

// TestContradictions: the spread of values that have one time stamp is in the interval.
func TestContradictions(t *testing.T) {
	log := func(second float64) string {
		text := "timestamp, index, power.draw [W]\n"
		for at := -1.0; at <= 11; at += 0.5 {
			text += nvidia(at) + fmt.Sprintf(", 0, %.2f W\n", 500-second) + nvidia(at) + fmt.Sprintf(", 0, %.2f W\n", 500+second)
		}
		return text
	}
	same, other := measure(t, log(0), 0, 10), measure(t, log(50), 0, 10)
	require.True(t, other.Valid, "%v", other.Reasons)
	assert.InDelta(t, same.Energy.Joules, other.Energy.Joules, 1e-6)
	assert.InDelta(t, 500, other.Energy.High-same.Energy.High, 1, "50 W for 10 s")
	assert.InDelta(t, 500, same.Energy.Low-other.Energy.Low, 1)
}

// TestOneCommand: what is recommended to record is the same everywhere.
func TestOneCommand(t *testing.T) {
	pages, err := filepath.Glob("../docs/*.md")
	require.NoError(t, err)
	n := 0
	for _, page := range append(pages, "doc.go", "../README.md", "../powertest/cmd/powertest/doc.go") {
		text, err := os.ReadFile(page)
		require.NoError(t, err)
		for _, command := range regexp.MustCompile(`nvidia-smi --query-gpu=\S+ .*`).FindAllString(string(text), -1) {
			assert.True(t, strings.HasPrefix(command, RecordCommand), "%s: %s", page, command)
			n++
		}
	}
	assert.GreaterOrEqual(t, n, 3)
	assert.Contains(t, RecordCommand, ",uuid,name,power.draw.instant,")
}

// TestRowsThatAreNoGPU: what is about all GPUs, or about a part of one, is not added to them.
func TestRowsThatAreNoGPU(t *testing.T) {
	rows := func(ids ...string) string {
		text := "timestamp, uuid, power.draw [W]\n"
		for at := -1.0; at <= 11; at += 0.5 {
			for _, id := range ids {
				text += fmt.Sprintf("%s, %s, %.2f W\n", nvidia(at), id, 500+math.Mod(at, 1))
			}
		}
		return text
	}
	m := measure(t, rows("GPU-a", "GPU-b", "Total"), 0, 10)
	require.True(t, m.Valid, "%v", m.Reasons)
	assert.Len(t, m.Devices, 2)

	m = measure(t, rows("MIG-GPU-a/1/0"), 0, 10)
	assert.True(t, m.Valid && m.Has(energy.MIGParentScope), "%v", m.Reasons)
	m = measure(t, rows("MIG-GPU-a/1/0", "MIG-GPU-a/2/0"), 0, 10)
	assert.True(t, !m.Valid && m.Has(energy.MIGParentScope), "%v", m.Reasons)

	m = measure(t, regexp.MustCompile(`50[0-9.]+ W`).ReplaceAllString(rows("GPU-a"), "0.00 W"), 0, 10)
	assert.Equal(t, []energy.Reason{energy.InvalidPowerSample}, codes(m.Devices[0].Reasons))
	assert.Contains(t, fmt.Sprint(m.Reasons), "are all 0 W: the device does not report what it uses")
}
