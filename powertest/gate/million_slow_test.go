//go:build slow

package gate

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// BenchmarkMillion judges 1,000,000 result lines, 500,000 on each side, and has
// benchstat summarize the same files: time and peak memory of the processes, as
// shares of benchstat's. Each shape has as many lines.
func BenchmarkMillion(b *testing.B) {
	for _, shape := range []struct {
		name                string
		benchmarks, samples int
		energy              bool
	}{{"10-samples", 50_000, 10, true}, {"1000-samples", 500, 1000, true}, {"time-only", 500, 1000, false}} {
		b.Run(shape.name, func(b *testing.B) {
			dir := b.TempDir()
			old, newer := filepath.Join(dir, "old.txt"), filepath.Join(dir, "new.txt")
			writeResults(b, old, shape.benchmarks, shape.samples, shape.energy, 1)
			writeResults(b, newer, shape.benchmarks, shape.samples, shape.energy, 2)
			stat := benchstatBinary(b)
			self, err := os.Executable()
			require.NoError(b, err)
			var ours, theirs cost
			for b.Loop() {
				theirs.add(measure(b, exec.Command(stat, old, newer)))
				gate := exec.Command(self)
				gate.Env = append(os.Environ(), judgeEnv+"="+old+string(os.PathListSeparator)+newer)
				ours.add(measure(b, gate))
			}
			b.ReportMetric(ours.wall.Seconds()/theirs.wall.Seconds(), "time-ratio")
			b.ReportMetric(ours.cpu.Seconds()/theirs.cpu.Seconds(), "cpu-ratio")
			b.ReportMetric(float64(ours.peak)/float64(theirs.peak), "memory-ratio")
			b.ReportMetric(ours.wall.Seconds()/float64(b.N), "gate-sec")
			b.ReportMetric(theirs.wall.Seconds()/float64(b.N), "benchstat-sec")
			b.ReportMetric(float64(ours.peak)/1e6, "gate-MB")
			b.ReportMetric(float64(theirs.peak)/1e6, "benchstat-MB")
		})
	}
}

// cost is what processes took.
type cost struct {
	wall, cpu time.Duration
	peak      int64 // bytes
}

func (u *cost) add(v cost) {
	u.wall += v.wall
	u.cpu += v.cpu
	u.peak = max(u.peak, v.peak)
}

// measure runs a command. What the gate's verdict is does not matter here, as long
// as there is one. (10 samples are too few for 150,000 comparisons.)
func measure(b *testing.B, cmd *exec.Cmd) cost {
	b.Helper()
	var complaints bytes.Buffer
	cmd.Stdout, cmd.Stderr = io.Discard, &complaints
	start := time.Now()
	err := cmd.Run()
	wall := time.Since(start)
	if code := cmd.ProcessState.ExitCode(); code < 0 || code > 2 || complaints.Len() > 0 {
		b.Fatalf("%s: %v: %s", cmd, err, &complaints)
	}
	return cost{wall, cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime(), peakMemory(cmd.ProcessState)}
}

// writeResults writes a file as powertest's benchmarks print it.
func writeResults(b *testing.B, name string, benchmarks, samples int, energy bool, seed uint64) {
	b.Helper()
	f, err := os.Create(name)
	require.NoError(b, err)
	defer f.Close()
	w := bufio.NewWriter(f)
	fmt.Fprint(w, "goos: linux\ngoarch: amd64\npkg: example.com/client\nUnit J/op better=lower\nUnit tokens/J better=higher\nenergy-source: nvml\ngpu: NVIDIA H200\ngpus: 1\npower-limit: 700W\n")
	random := rand.New(rand.NewPCG(seed, 0))
	for range samples {
		for i := range benchmarks {
			joules := float64(10+i%90) * (1 + 0.01*random.NormFloat64())
			fmt.Fprintf(w, "BenchmarkServe/case=%d-8 \t%8d\t%12.1f ns/op", i, 100+i%7, joules*1e6*(1+0.005*random.NormFloat64()))
			if energy {
				fmt.Fprintf(w, "\t%10.4g J/op\t%8.4g W\t0.50 err-%%\t%8.4g tokens/J\t%8.4g J/token", joules, 300+random.Float64(), 1000/joules, joules/1000)
			}
			fmt.Fprintln(w)
		}
	}
	require.NoError(b, w.Flush())
}

// judgeEnv makes the test binary judge two files, whose names follow with a colon
// in between, as a command would.
const judgeEnv = "GATE_TEST_JUDGE"

func TestMain(m *testing.M) {
	if files := os.Getenv(judgeEnv); files != "" {
		os.Exit(judgeFiles(strings.Split(files, string(os.PathListSeparator))))
	}
	m.Run()
}

func judgeFiles(files []string) int {
	r, err := Judge(Config{}, ParseSide(files[0]), ParseSide(files[1]))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 2
	}
	if err := r.WriteText(os.Stdout, false); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 2
	}
	return r.Outcome.ExitCode()
}
