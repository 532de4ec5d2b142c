package doctor

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/joulebench/joulebench/powertest/energy"
	"github.com/joulebench/joulebench/simsource"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestGolden compares all that is written, text and JSON, with what is in
// testdata: the fake clock makes it the same everywhere. UPDATE_SCRIPTS writes it anew.
func TestGolden(t *testing.T) {
	t.Parallel()
	cfg := simsource.Config{GPUs: 2, Idle: 100, Peak: 700, Tail: 40 * time.Millisecond, Jitter: time.Millisecond, Latency: 200 * time.Microsecond}
	full := func() *testSource {
		p := healthy(cfg)()
		p.device = func(d *energy.Device) {
			if d.Index == 1 {
				d.Index, d.Host, d.Endpoint, d.PowerLimit, d.Rows = -1, "node-1", "http://node-1:9400/metrics", 0, 3
				d.Marks = []energy.Finding{{Reason: energy.MIGParentScope, Device: d.UUID, Detail: "a MIG instance has no energy counter: this is the energy of the whole GPU, of which MIG-1 was used"}}
			}
		}
		p.inspect = func(s *energy.State) {
			if s.Processes = []energy.Process{}; s.Device == 1 {
				s.Processes, s.HasCelsius = []energy.Process{{PID: 4711, Name: "vllm"}, {PID: 4712}}, false
			}
		}
		return p
	}
	for name, v := range map[string]*examined{
		"doctor-load":  examineLoad(t, &testLoad{after: 2 * time.Second}, full),
		"doctor-short": examine(t, healthy(exact), Options{Watch: 150 * time.Millisecond}),
		"doctor-dead":  examine(t, faults["a dead counter"].open, Options{}),
	} {
		r := v.Report
		r.Version = "(devel)"
		r.Sources = Survey("test", &testSource{Source: simsource.New(cfg)}, nil)
		for i := range r.Sources { // as the command has them
			r.Sources[i].Linked = true
		}
		r.Sources[0].Status, r.Sources[0].Detail = "not there", "nvml: as this machine has it"
		var text bytes.Buffer
		require.NoError(t, r.WriteText(&text))
		for i, line := range strings.Split(text.String(), "\n") {
			assert.True(t, i == 0 || utf8.RuneCountInString(line) <= columns, "line %d is wide: %s", i+1, line)
		}
		asJSON, err := json.MarshalIndent(r, "", "  ")
		require.NoError(t, err)
		golden(t, name+".txt", text.Bytes())
		golden(t, name+".json", append(asJSON, '\n'))
	}
}

// golden compares what was written with a file in testdata/golden.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	file := filepath.Join("testdata", "golden", name)
	if os.Getenv("UPDATE_SCRIPTS") != "" {
		require.NoError(t, os.WriteFile(file, got, 0o644))
	}
	want, err := os.ReadFile(file)
	require.NoError(t, err)
	assert.Equal(t, strings.ReplaceAll(string(want), "\r\n", "\n"), string(got), file)
}

// TestDigits: times have the digits that matter, and never as 1e+02.
func TestDigits(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "0 ns", 999: "999 ns", 1000: "1 µs", 99_640_000: "99.6 ms", 999_960_000: "1 s", 101_234_000: "101 ms",
		-1_650_000: "-1.65 ms", 30 * time.Second: "30 s", 1234 * time.Second: "1230 s",
	} {
		assert.Equal(t, want, took(&d))
	}
	assert.Equal(t, "-", took(nil))
	for d, want := range map[time.Duration]string{
		100 * time.Millisecond: "100ms", time.Minute: "1m", 10 * time.Minute: "10m", 90 * time.Second: "1m30s",
		5*time.Second + 1234*time.Microsecond: "5s", 26527*time.Hour + 56*time.Minute + 4*time.Second: "26527h56m",
	} {
		assert.Equal(t, want, short(d))
	}
}

// TestWrapped: lines are not longer than they may be, and no word is lost.
func TestWrapped(t *testing.T) {
	text := strings.Repeat("words and ", 40) + strings.Repeat("x", 150) + " end"
	out := wrapped(text, "    ")
	assert.Equal(t, strings.Fields(text), strings.Fields(out))
	for line := range strings.Lines(out) {
		if !strings.Contains(line, "xxx") {
			assert.LessOrEqual(t, len(line), columns+1)
		}
	}
	assert.Equal(t, "what is wrong\n    what to do\n", wrapped("what is wrong\nwhat to do", "    "))
	command := strings.Repeat("sudo tee ", 20)
	assert.Equal(t, "what is wrong\n    what to do:\n    "+command+"\n", wrapped("what is wrong\nwhat to do:\n\t"+command, "    "), "to be pasted")
}
