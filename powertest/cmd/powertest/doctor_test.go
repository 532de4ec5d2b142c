package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/joulebench/joulebench/internal/command"
	"github.com/joulebench/joulebench/powertest/doctor"
	"github.com/joulebench/joulebench/powertest/energy"
	"github.com/joulebench/joulebench/smisource/smitest"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestDoctorNoServer: a server that refuses to talk.
func TestDoctorNoServer(t *testing.T) {
	for _, source := range []string{"dcgm=http://user:hush@127.0.0.1:1", "prometheus=http://user:hush@127.0.0.1:1"} {
		var out, errs bytes.Buffer
		assert.Equal(t, command.Failed, program.Run(t.Context(), []string{"doctor", "-source", source}, command.Streams{Out: &out, Err: &errs}))
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
func lookAt(t *testing.T, log string) (c doctor.Report, code int, text string) {
	path := filepath.Join(t.TempDir(), "gpu.csv")
	require.NoError(t, os.WriteFile(path, []byte(log), 0o600))
	var out, errs bytes.Buffer
	code = program.Run(t.Context(), []string{"doctor", "-json", "-source", "smi=" + path}, command.Streams{Out: &out, Err: &errs})
	require.NoError(t, json.Unmarshal(out.Bytes(), &c), errs.String())
	return c, code, out.String()
}

// TestDoctorEndedLog: a log that ended long ago measures nothing that is to come.
func TestDoctorEndedLog(t *testing.T) {
	log, err := smitest.Log("2*0..60:500")
	require.NoError(t, err)
	c, code, text := lookAt(t, log)
	assert.Equal(t, command.Failed, code)
	assert.False(t, c.Measurable)
	assert.Regexp(t, `^joules can't be measured of 2 of 2 GPUs by smi: telemetry_ended: the newest reading is \d+h\d+m old, and readings came every 1s: powertest annotate measures a benchmark of that time`, c.Verdict)
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
	require.Equal(t, command.OK, code, c.Verdict)
	assert.Contains(t, c.Verdict, "joules can be measured: 2 GPUs by smi, power only, refreshed every 1 s; ")
	g := c.GPUs[1]
	assert.Equal(t, energy.Gauge, g.Method)
	assert.Equal(t, time.Second, *g.Period)
	assert.Equal(t, 500.0, *g.Watts)
	assert.Less(t, *g.Age, 15*time.Second)
	assert.Nil(t, c.Windows[0].Seen)
	assert.Equal(t, energy.WindowTooShort, c.Windows[0].Reason)
	// The log ends at any part of a second: it decides whether there is a number.
	if load := c.Windows[2].Load; load != nil {
		assert.Greater(t, *load, 1.0, "a load that begins between readings a second apart")
	}
}
