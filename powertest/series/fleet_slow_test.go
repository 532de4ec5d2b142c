//go:build slow

package series

import (
	"bufio"
	"fmt"
	"io"
	"math"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/joulebench/joulebench/internal/prometheustest"
	"github.com/joulebench/joulebench/internal/web"
)

// fleetDir names a directory with the data of a server of a larger fleet, and fleetEnd when its
// samples end, in seconds since the epoch: then that is read instead.
const (
	fleetDir = "POWERTEST_TEST_FLEET"
	fleetEnd = "POWERTEST_TEST_FLEET_END"
)

// TestSlowFleet reads a fleet from a real Prometheus server: 400 GPUs and 50 servers over 4 h,
// scraped every 15 s, and logs what that took.
func TestSlowFleet(t *testing.T) {
	const gpus, every, length = 400, 15 * time.Second, 4 * time.Hour
	end := time.Now().Add(-time.Hour).Truncate(2 * time.Hour)
	var url string
	var server *os.Process
	span := length
	if dir := os.Getenv(fleetDir); dir != "" {
		seconds, err := strconv.ParseInt(os.Getenv(fleetEnd), 10, 64)
		require.NoError(t, err)
		end, span = time.Unix(seconds, 0), 24*time.Hour
		url, server = prometheustest.Serve(t, dir)
	} else {
		r, w := io.Pipe()
		go func() { w.CloseWithError(writeFleet(w, gpus, end.Add(-length), end, every)) }()
		url, server = prometheustest.Backfill(t, r)
	}
	peak := watchHeap(t)
	oursBefore, theirsBefore := cpu(t, os.Getpid()), cpu(t, server.Pid)
	began := time.Now()
	s, err := Read(t.Context(), Options{Server: web.Address(url), Start: end.Add(5*time.Minute - span), End: end.Add(-5 * time.Minute), Every: 5 * time.Minute})
	require.NoError(t, err)
	took := time.Since(began)
	ours, theirs := cpu(t, os.Getpid())-oursBefore, cpu(t, server.Pid)-theirsBefore
	valid := 0
	for _, g := range s.Groups {
		for k, p := range g.Points {
			if assert.Empty(t, p.Reasons, "%s %d", g.Name, k) {
				valid++
				assert.InEpsilon(t, 400*float64(p.GPUs)*300, p.Joules.Value, 0.02)
			}
		}
	}
	t.Logf("%d GPUs, %d groups, %d steps: %v; CPU time %v here and %v of the server; heap at most %d MB", s.GPUs, len(s.Groups), len(s.Groups[0].Points), took.Round(10*time.Millisecond), ours, theirs, peak()>>20)
	assert.Less(t, peak(), uint64(1<<30))
	// Of two cores in a minute, whatever else the machine does.
	assert.Less(t, ours+theirs, 2*time.Minute)
}

// cpu is the time that a process has had of processors.
func cpu(t *testing.T, pid int) time.Duration {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		t.Skip("there is no /proc")
	}
	_, rest, _ := strings.Cut(string(text), ") ")
	fields := strings.Fields(rest)
	ticks := 0
	for _, f := range fields[11:13] {
		n, err := strconv.Atoi(f)
		require.NoError(t, err)
		ticks += n
	}
	return time.Duration(ticks) * 10 * time.Millisecond
}

// watchHeap returns a function that returns the largest heap since.
func watchHeap(t *testing.T) (peak func() uint64) {
	var most atomic.Uint64
	done := make(chan struct{})
	t.Cleanup(func() { close(done) })
	go func() {
		var m runtime.MemStats
		for {
			select {
			case <-done:
				return
			case <-time.After(20 * time.Millisecond):
				runtime.ReadMemStats(&m)
				most.Store(max(most.Load(), m.HeapInuse))
			}
		}
	}()
	return most.Load
}

// writeFleet writes the samples of GPUs, eight to a node with a server, in order of series.
func writeFleet(to io.Writer, gpus int, from, end time.Time, every time.Duration) error {
	w := bufio.NewWriterSize(to, 1<<20)
	series := func(labels string, phase time.Duration, value func(seconds float64) float64) {
		for at := from.Add(phase); at.Before(end); at = at.Add(every) {
			ms := at.UnixMilli()
			fmt.Fprintf(w, "%s %.0f %d.%03d\n", labels, math.Floor(value(float64(ms)/1000-1.7e9)), ms/1000, ms%1000)
		}
	}
	fmt.Fprintln(w, "# TYPE DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION unknown")
	for g := range gpus {
		node := g / 8
		labels := fmt.Sprintf(`DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION{UUID="GPU-%08d",gpu="%d",Hostname="node-%d",instance="node-%d:9400",job="dcgm",pod="server-%d",modelName="NVIDIA H200"}`, g, g%8, node, node, node)
		series(labels, time.Duration(node*137%15000)*time.Millisecond, func(t float64) float64 { return 1000 * (400*t + 30*math.Sin(t/30+float64(g))) })
	}
	for _, name := range []string{"vllm:generation_tokens_total", "vllm:num_requests_running"} {
		fmt.Fprintf(w, "# TYPE %s unknown\n", name)
		for node := range gpus / 8 {
			labels := fmt.Sprintf(`%s{model_name="model-%d",engine="0",instance="node-%d:8000",job="vllm",pod="server-%d"}`, name, node%5, node, node)
			series(labels, time.Second, func(t float64) float64 {
				if name == "vllm:num_requests_running" {
					return 32
				}
				return 1000 * t
			})
		}
	}
	fmt.Fprintln(w, "# EOF")
	return w.Flush()
}
