package main

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/perf/benchfmt"

	"github.com/joulebench/joulebench/powertest"
	"github.com/joulebench/joulebench/powertest/energy"
)

// shown is a level on eight GPUs, all of which were throttled, some more than others, and
// whose prefill is withheld.
func shown(users int) result {
	m := energy.Measurement{Valid: true, Duration: 5 * time.Second, Start: time.Unix(0, 0), End: time.Unix(5, 0)}
	m.Energy = energy.Estimate{Joules: 28000, Low: 27900, High: 28100}
	m.Watts = 5600
	prefill := energy.Measurement{}
	for i := range 8 {
		d := energy.Device{UUID: fmt.Sprintf("GPU-%d", i), Index: i, Name: "NVIDIA H200"}
		m.Devices = append(m.Devices, energy.DeviceMeasurement{Device: d, Valid: true})
		m.Reasons = append(m.Reasons, energy.Finding{Reason: energy.Throttled, Device: d.UUID, Detail: fmt.Sprintf("clocks were held down for %d %% of the window", 10*i+users)})
		prefill.Reasons = append(prefill.Reasons, energy.Finding{Reason: energy.WindowTooShort, Device: d.UUID, Detail: "3ms in 7 pieces"})
	}
	w := powertest.Work{Requests: 2000, Ops: 2000, OutputTokens: 123456, PromptTokens: 400000, Users: int64(users), Judged: 2000, Rejected: 3, GoodTokens: 120000}
	report := powertest.NewReport(fmt.Sprintf("BenchmarkLoadgen/users=%d", users), w, m)
	report.Phases = append(report.Phases, powertest.PhaseReport{Name: "prefill", Measurement: prefill})
	return newResult(users, report, counts{ttft: []time.Duration{12345678, 1234567890}, gaps: []time.Duration{2345678}, successes: 2000})
}

// TestGoldenTable: the table and its notes fit into 80 columns, and each cause is there once,
// for all GPUs and levels.
func TestGoldenTable(t *testing.T) {
	var out bytes.Buffer
	require.NoError(t, writeTable(&out, []result{shown(1), shown(4096), shown(1)}, false))
	assert.Equal(t, `  users  req/s  tokens/s  TTFT-p99-ms  SLO-%       W  tokens/J    ±%  errors
      1  400.0     24691       1222.3   99.8  5600.0     4.409  0.36       0
   4096  400.0     24691       1222.3   99.8  5600.0     4.409  0.36       0
      1  400.0     24691       1222.3   99.8  5600.0     4.409  0.36       0
Note: ± is how well the counter was read. It covers neither gain and offset of
  the board's sensor (about ±5 % and up to 22 W, constant on one card) nor what
  a counter misses that samples only a part of the time.
Note: users=1: throttled (8 devices: GPU-0, GPU-1, GPU-2, GPU-3 and 4 more):
  clocks were held down for 1 % of the window (the first of them) (alike with
  users=4096)
Note: users=1,4096: prefill: no energy measurement: window_too_short (8 devices:
  GPU-0, GPU-1, GPU-2, GPU-3 and 4 more): 3ms in 7 pieces
`, out.String())
	for line := range strings.Lines(out.String()) {
		assert.LessOrEqual(t, utf8.RuneCountInString(strings.TrimSuffix(line, "\n")), textColumns, line)
	}
	out.Reset()
	require.NoError(t, writeTable(&out, []result{shown(1)}, true))
	header, _, _ := strings.Cut(out.String(), "\n")
	assert.Equal(t, []string{
		"users", "requests", "req/s", "tokens/s", "TTFT-p50-ms", "TTFT-p99-ms", "ITL-p50-ms", "ITL-p99-ms", "SLO-%", "W", "tokens/J", "±%",
		"goodput-tokens/J", "J/token", "prefill-J/req", "decode-J/req", "errors",
	}, strings.Fields(header))
}

// TestSixDigits: the records have the digits that mean something, and are read by benchfmt.
func TestSixDigits(t *testing.T) {
	s := &session{config: config{url: "http://a"}, results: []result{shown(1)}}
	var out bytes.Buffer
	require.NoError(t, s.writeRecords(&out))
	assert.Contains(t, out.String(), " 4.40914 tokens/J ")
	r := benchfmt.NewReader(&out, "records")
	for r.Scan() {
		if res, ok := r.Result().(*benchfmt.Result); ok {
			for _, v := range res.Values {
				value := v.Value
				if v.OrigUnit != "" {
					value = v.OrigValue
				}
				digits, err := strconv.ParseFloat(fmt.Sprintf("%.6g", value), 64)
				require.NoError(t, err)
				assert.Equal(t, digits, value, v.Unit)
			}
		}
	}
	require.NoError(t, r.Err())
}
