package main

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/joulebench/joulebench/dcgmsource"
	"github.com/joulebench/joulebench/dcgmsource/dcgmtest"
	"github.com/joulebench/joulebench/internal/prometheustest"
	"github.com/joulebench/joulebench/nvmlsource/nvmltest"
	"github.com/joulebench/joulebench/powertest/energy"
	"github.com/joulebench/joulebench/simsource"
	"github.com/joulebench/joulebench/smisource/smitest"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// exporter opens an exporter that collects at an interval, on the fake clock, as if it
// were at two addresses.
func exporter(collect time.Duration) func() (energy.Source, error) {
	return func() (energy.Source, error) {
		e := dcgmtest.New(dcgmtest.Config{Source: simsource.New(simsource.Config{GPUs: 2, Idle: 90, Peak: 700, Jitter: -1}), Collect: collect, Jitter: -1, Only: true})
		s, err := dcgmsource.Open(dcgmsource.Config{
			Endpoints: []dcgmsource.Endpoint{{URL: "node-1:9400#decode"}, {URL: "node-2:9400#decode"}},
			HTTP:      dcgmsource.HTTP{Client: &http.Client{Transport: dcgmtest.Transport(map[string]http.Handler{"node-1:9400": e, "node-2:9400": e})}},
		})
		if err != nil {
			return nil, err
		}
		return s, nil
	}
}

// TestDoctorExporter: the refresh period is how often it collects, and a GPU that two
// addresses tell of counts once.
func TestDoctorExporter(t *testing.T) {
	v := seeWith(t, nil, exporter(time.Second))
	require.Equal(t, exitOK, v.code, v.Verdict)
	require.Len(t, v.GPUs, 2)
	for _, g := range v.GPUs {
		assert.InDelta(t, time.Second, *g.Period, float64(10*time.Millisecond))
		assert.InDelta(t, 90, float64(*g.Watts), 1)
		assert.Equal(t, 2, g.Rows)
		assert.Equal(t, "decode", g.Role)
		assert.Equal(t, 100*time.Millisecond, *g.Within, "it is not asked more often than that")
		assert.Nil(t, g.PowerLimit)
	}
	assert.Equal(t, &serverCheck{Collapsed: 2}, v.Server)
	assert.GreaterOrEqual(t, v.took, 25*time.Second, "until 25 ticks were seen")
	assert.Less(t, v.took, 35*time.Second)
	require.NotNil(t, v.Benchtime.Recommended)
	assert.Contains(t, v.text, "2 rows told of GPUs that were counted already")

	slow := seeWith(t, nil, exporter(30*time.Second))
	require.Equal(t, exitOK, slow.code, slow.Verdict)
	assert.InDelta(t, longWatch, slow.took, float64(time.Second))
	assert.InDelta(t, 30*time.Second, *slow.GPUs[0].Period, float64(100*time.Millisecond))
	assert.Nil(t, slow.Windows[2].Seen)
	assert.Nil(t, slow.Windows[1].Load)
	assert.NotEmpty(t, slow.Windows[1].Reason)

	short := seeWith(t, nil, exporter(30*time.Second), "-for", "10s")
	assert.Equal(t, exitFailed, short.code)
	assert.Contains(t, short.Verdict, "watch for longer, with -for; start dcgm-exporter with -c 1000")
}

// TestDoctorPrometheus: of a server that scrapes, what it has kept is looked at.
func TestDoctorPrometheus(t *testing.T) {
	if testing.Short() {
		t.Skip("takes some seconds of real time")
	}
	sim := simsource.New(simsource.Config{GPUs: 2, Idle: 90, Peak: 700, Seed: 7})
	web := httptest.NewServer(dcgmtest.New(dcgmtest.Config{Source: sim, Collect: 400 * time.Millisecond, Only: true}))
	defer web.Close()
	address := prometheustest.Start(t, web.Listener.Addr().String())
	var c checkup
	time.Sleep(4 * time.Second)         // opened before it knows how often it scrapes, it is waited for long
	require.Eventually(t, func() bool { // until it has scraped for long enough
		var out, errs bytes.Buffer
		code := run(t.Context(), []string{"doctor", "-json", "-source", "prometheus=" + address + "?collect=400ms"}, stdio{nil, &out, &errs})
		c = checkup{}
		require.NoError(t, json.Unmarshal(out.Bytes(), &c), errs.String())
		return code == exitOK && c.Benchtime.Recommended != nil && c.GPUs[0].Ticks > 10 && *c.Server.Scrape < time.Second
	}, time.Minute, time.Second)
	assert.True(t, c.Watch.Past)
	require.Len(t, c.GPUs, 2)
	for _, g := range c.GPUs {
		assert.InEpsilon(t, float64(400*time.Millisecond), float64(*g.Period), 0.6, "as well as scrapes of 200 ms tell")
		assert.InEpsilon(t, 90, float64(*g.Watts), 0.2)
		assert.NotNil(t, g.Age)
		assert.Nil(t, g.CallP50, "how long the server takes is not how old its samples are")
	}
	require.NotNil(t, c.Server)
	assert.Equal(t, 200*time.Millisecond, c.Server.Scrape.Round(50*time.Millisecond))
	assert.Less(t, c.Server.Offset.Abs(), *c.Server.Within+time.Second)
}

// TestDoctorNoServer: a server that refuses to talk.
func TestDoctorNoServer(t *testing.T) {
	for _, source := range []string{"dcgm=http://user:hush@127.0.0.1:1", "prometheus=http://user:hush@127.0.0.1:1"} {
		var out, errs bytes.Buffer
		assert.Equal(t, exitFailed, run(t.Context(), []string{"doctor", "-source", source}, stdio{nil, &out, &errs}))
		assert.Contains(t, out.String(), "joules can't be measured: ")
		assert.Contains(t, out.String(), "connection refused")
		assert.NotContains(t, out.String()+errs.String(), "hush")
	}
}

// endingNow moves the readings of a log so that the last one is of now, in local time.
func endingNow(t *testing.T, log string) string {
	const layout = "2006/01/02 15:04:05.000"
	lines := strings.SplitAfter(strings.TrimSuffix(log, "\n"), "\n")
	read := func(line string) time.Time {
		at, err := time.Parse(layout, line[:len(layout)])
		require.NoError(t, err)
		return at
	}
	shift := time.Since(read(lines[len(lines)-1]))
	for i := 1; i < len(lines); i++ {
		lines[i] = read(lines[i]).Add(shift).Local().Format(layout) + lines[i][len(layout):]
	}
	return strings.Join(lines, "") + "\n"
}

// lookAt runs doctor on a log.
func lookAt(t *testing.T, log string) (c checkup, code int, text string) {
	path := filepath.Join(t.TempDir(), "gpu.csv")
	require.NoError(t, os.WriteFile(path, []byte(log), 0o600))
	var out, errs bytes.Buffer
	code = run(t.Context(), []string{"doctor", "-json", "-source", "smi=" + path}, stdio{nil, &out, &errs})
	require.NoError(t, json.Unmarshal(out.Bytes(), &c), errs.String())
	return c, code, out.String()
}

// TestDoctorEndedLog: a log that ended long ago measures nothing that is to come.
func TestDoctorEndedLog(t *testing.T) {
	log, err := smitest.Log("2*0..60:500")
	require.NoError(t, err)
	c, code, text := lookAt(t, log)
	assert.Equal(t, exitFailed, code)
	assert.False(t, c.Measurable)
	assert.Regexp(t, `^joules can't be measured of 2 of 2 GPUs by smi: telemetry_ended: the newest reading is \d+h\d+m old, and readings came every 1s: what has ended suits powertest annotate only`, c.Verdict)
	assert.Nil(t, c.Benchtime.Recommended)
	assert.NotContains(t, c.Verdict, "-benchtime")
	assert.Contains(t, text, `"recommended_ns": null`)
	assert.Contains(t, text, `"call_p50_ns": null`)
	for _, g := range c.GPUs {
		assert.False(t, g.Measurable)
		assert.Greater(t, *g.Age, 24*time.Hour)
	}
}

// TestDoctorLog: of a log that is still written its last readings are looked at.
func TestDoctorLog(t *testing.T) {
	log, err := smitest.Log("2*0..60:500")
	require.NoError(t, err)
	c, code, _ := lookAt(t, endingNow(t, log))
	require.Equal(t, exitOK, code, c.Verdict)
	assert.Contains(t, c.Verdict, "joules can be measured: 2 GPUs by smi, power only, refreshed every 1 s; use -benchtime=")
	g := c.GPUs[1]
	assert.Equal(t, energy.Gauge, g.Method)
	assert.Equal(t, ptr(time.Second), g.Period)
	assert.Equal(t, number(500, true), g.Watts)
	assert.Less(t, *g.Age, endedGaps*3*time.Second)
	assert.Nil(t, c.Windows[0].Seen)
	assert.Equal(t, energy.WindowTooShort, c.Windows[0].Reason)
	assert.Greater(t, float64(*c.Windows[2].Load), 1.0, "a load that begins between readings a second apart")
}

// childVar holds the arguments of doctor for a process of its own.
const childVar = "POWERTEST_DOCTOR_TEST"

// TestDoctorNVML runs doctor, in a process of its own, on a driver that is made up.
func TestDoctorNVML(t *testing.T) {
	if file := os.Getenv(childVar); file != "" {
		out, err := os.Create(file)
		require.NoError(t, err)
		code := run(t.Context(), []string{"doctor", "-json", "-for", "1500ms"}, stdio{nil, out, os.Stderr})
		require.NoError(t, out.Close())
		os.Exit(code)
	}
	library := nvmltest.Build(t)
	diagnose := func(without string, env ...string) (c checkup, code int) {
		file := filepath.Join(t.TempDir(), "out.json")
		cmd := exec.Command(os.Args[0], "-test.run=^TestDoctorNVML$")
		cmd.Env = append([]string{childVar + "=" + file, "PATH=" + os.Getenv("PATH"), "TMPDIR=" + t.TempDir()}, env...)
		if without == "" {
			cmd.Env = append(cmd.Env, "LD_LIBRARY_PATH="+library)
		}
		text, err := cmd.CombinedOutput()
		data, readErr := os.ReadFile(file)
		require.NoError(t, readErr, "%v: %s", err, text)
		require.NoError(t, json.Unmarshal(data, &c), "%s", data)
		return c, cmd.ProcessState.ExitCode()
	}

	c, code := diagnose("", "FAKE_NVML_GPUS=2", "FAKE_NVML_WATTS=400,300", "FAKE_NVML_TICK_MS=20", "FAKE_NVML_MIG=-,2",
		"FAKE_NVML_PERSISTENCE=0", "FAKE_NVML_PROCESSES=4711", "FAKE_NVML_CELSIUS=61", "CUDA_VISIBLE_DEVICES=0,"+nvmltest.Instance(1, 1))
	require.Equal(t, exitOK, code, c.Verdict)
	require.Len(t, c.GPUs, 2)
	for i, g := range c.GPUs {
		assert.Equal(t, nvmltest.UUID(i), g.UUID)
		assert.Equal(t, ptr(false), g.Persistence)
		assert.Equal(t, ptr(i == 1), g.MIG)
		assert.Equal(t, number(61, true), g.Celsius)
		assert.Equal(t, number(700, true), g.PowerLimit)
		assert.Equal(t, []energy.Process{{PID: 4711, Name: "process-4711"}}, g.Processes)
		assert.InEpsilon(t, []float64{400, 300}[i], float64(*g.Watts), 0.05)
		assert.NotNil(t, g.CallP99)
		assert.Greater(t, g.Ticks, 10)
	}
	assert.Equal(t, energy.MIGParentScope, c.GPUs[1].Findings[0].Reason)

	c, code = diagnose("", "FAKE_NVML_FAULTS=nvmlInit=4")
	assert.Equal(t, exitFailed, code)
	assert.Contains(t, c.Verdict, "joules can't be measured: nvml: ")
	assert.Equal(t, "no permission", c.Sources[0].Status)

	c, code = diagnose("", "FAKE_NVML_FAULTS=nvmlDeviceGetTotalEnergyConsumption=3 83=3 191=3")
	assert.Equal(t, exitOK, code, "power is enough: %s", c.Verdict)
	assert.Contains(t, c.Verdict, "power only")

	c, code = diagnose("no library")
	assert.Equal(t, exitFailed, code)
	assert.False(t, c.Measurable)
	assert.NotEmpty(t, c.Sources[0].Detail)
}
