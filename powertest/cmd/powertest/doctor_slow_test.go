//go:build slow

package main

import (
	"bytes"
	"encoding/json"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/joulebench/joulebench/dcgmsource/dcgmtest"
	"github.com/joulebench/joulebench/internal/command"
	"github.com/joulebench/joulebench/internal/prometheustest"
	"github.com/joulebench/joulebench/nvmlsource/nvmltest"
	"github.com/joulebench/joulebench/powertest/doctor"
	"github.com/joulebench/joulebench/powertest/energy"
	"github.com/joulebench/joulebench/simsource"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestSlowDoctorPrometheus: of a server that scrapes, what it has kept is looked at.
func TestSlowDoctorPrometheus(t *testing.T) {
	sim := simsource.New(simsource.Config{GPUs: 2, Idle: 90, Peak: 700, Seed: 7})
	web := httptest.NewServer(dcgmtest.New(dcgmtest.Config{Source: sim, Collect: 400 * time.Millisecond, Only: true}))
	defer web.Close()
	address := strings.TrimPrefix(prometheustest.Start(t, web.Listener.Addr().String()), "http://")
	var c doctor.Report
	time.Sleep(4 * time.Second)         // opened before it knows how often it scrapes, it is waited for long
	require.Eventually(t, func() bool { // until it has scraped for long enough
		var out, errs bytes.Buffer
		code := program.Run(t.Context(), []string{"doctor", "-json", "-source", "prometheus=" + address + "?collect=400ms"}, command.Streams{Out: &out, Err: &errs})
		c = doctor.Report{}
		require.NoError(t, json.Unmarshal(out.Bytes(), &c), errs.String())
		return code == command.OK && c.Benchtime.Recommended != nil && c.GPUs[0].Ticks > 10 && *c.Server.Scrape < time.Second
	}, time.Minute, time.Second)
	assert.True(t, c.Watch.Past)
	require.Len(t, c.GPUs, 2)
	for _, g := range c.GPUs {
		assert.InEpsilon(t, float64(400*time.Millisecond), float64(*g.Period), 0.6, "as well as scrapes of 200 ms tell")
		assert.InEpsilon(t, 90, *g.Watts, 0.2)
		assert.NotNil(t, g.Age)
		assert.Nil(t, g.CallP50, "how long the server takes is not how old its samples are")
	}
	require.NotNil(t, c.Server)
	assert.Equal(t, 200*time.Millisecond, c.Server.Scrape.Round(50*time.Millisecond))
	assert.Less(t, c.Server.Offset.Abs(), *c.Server.Within+time.Second)
}

// childVar holds the arguments of doctor for a process of its own.
const childVar = "POWERTEST_DOCTOR_TEST"

// TestSlowDoctorNVML runs doctor, in a process of its own, on a driver that is a fake.
func TestSlowDoctorNVML(t *testing.T) {
	if file := os.Getenv(childVar); file != "" {
		out, err := os.Create(file)
		require.NoError(t, err)
		code := program.Run(t.Context(), []string{"doctor", "-json", "-for", "1500ms"}, command.Streams{Out: out, Err: os.Stderr})
		require.NoError(t, out.Close())
		os.Exit(code)
	}
	library := nvmltest.Build(t)
	diagnose := func(without string, env ...string) (c doctor.Report, code int) {
		file := filepath.Join(t.TempDir(), "out.json")
		cmd := exec.Command(os.Args[0], "-test.run=^TestSlowDoctorNVML$")
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
	require.Equal(t, command.OK, code, c.Verdict)
	require.Len(t, c.GPUs, 2)
	for i, g := range c.GPUs {
		assert.Equal(t, nvmltest.UUID(i), g.UUID)
		require.NotNil(t, g.Persistence)
		assert.False(t, *g.Persistence)
		require.NotNil(t, g.MIG)
		assert.Equal(t, i == 1, *g.MIG)
		assert.Equal(t, 61.0, *g.Celsius)
		assert.Equal(t, 700.0, *g.PowerLimit)
		assert.Equal(t, []energy.Process{{PID: 4711, Name: "process-4711"}}, g.Processes)
		assert.InEpsilon(t, []float64{400, 300}[i], *g.Watts, 0.05)
		assert.NotNil(t, g.CallP99)
		assert.Greater(t, g.Ticks, 10)
	}
	assert.Equal(t, energy.MIGParentScope, c.GPUs[1].Findings[0].Reason)

	c, code = diagnose("", "FAKE_NVML_FAULTS=nvmlInit=4")
	assert.Equal(t, command.Failed, code)
	assert.Contains(t, c.Verdict, "joules can't be measured: nvml: ")
	assert.Equal(t, "no permission", c.Sources[0].Status)

	c, code = diagnose("", "FAKE_NVML_FAULTS=nvmlDeviceGetTotalEnergyConsumption=3 83=3 191=3")
	assert.Equal(t, command.OK, code, "power is enough: %s", c.Verdict)
	assert.Contains(t, c.Verdict, "power only")

	c, code = diagnose("no library")
	assert.Equal(t, command.Failed, code)
	assert.False(t, c.Measurable)
	assert.NotEmpty(t, c.Sources[0].Detail)
}
