package powertest_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/joulebench/joulebench/powertest"
	"github.com/joulebench/joulebench/powertest/energy"
	"github.com/joulebench/joulebench/simsource"
)

// answer stands for a request to an inference server, whose GPU is a simulated one.
func answer(gpu *simsource.Source) (promptTokens, outputTokens int) {
	defer gpu.Busy()()
	time.Sleep(20 * time.Millisecond)
	return 120, 40
}

// A benchmark is wrapped just before its loop. Without the option From it measures
// the GPUs of this machine, or the source that POWERTEST_SOURCE names.
func ExampleWrap() {
	gpu := simsource.New(simsource.Config{})
	result := testing.Benchmark(func(tb *testing.B) {
		b := powertest.Wrap(tb, powertest.From(gpu))
		for b.Loop() {
			prompt, output := answer(gpu)
			b.AddTokens(prompt, output)
		}
	})
	fmt.Printf("%.0f J/op %.0f W %.2f J/token\n", result.Extra["J/op"], result.Extra["W"], result.Extra["J/token"])
}

// Work and phases are counted from any goroutine.
func ExampleWrap_parallel() {
	gpu := simsource.New(simsource.Config{})
	result := testing.Benchmark(func(tb *testing.B) {
		b := powertest.Wrap(tb, powertest.From(gpu))
		b.SetParallelism(4)
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				prompt, output := answer(gpu)
				b.AddTokens(prompt, output)
				b.AddRequests(1)
			}
		})
	})
	fmt.Printf("%.0f W\n", result.Extra["W"])
}

// A phase is reported beside the whole.
func ExampleB_Phase() {
	gpu := simsource.New(simsource.Config{})
	result := testing.Benchmark(func(tb *testing.B) {
		b := powertest.Wrap(tb, powertest.From(gpu))
		for b.Loop() {
			end := b.Phase("prefill")
			done := gpu.Busy()
			time.Sleep(200 * time.Millisecond)
			done()
			end()

			end = b.Phase("decode")
			done = gpu.BusyLoad(0.5)
			time.Sleep(400 * time.Millisecond)
			done()
			end()
		}
	})
	fmt.Printf("prefill %.0f J/op, decode %.0f J/op\n", result.Extra["prefill-J/op"], result.Extra["decode-J/op"])
}

// A load harness opens a meter once, and a window for each load that it makes.
func ExampleNewMeter() {
	ctx := context.Background()
	gpu := simsource.New(simsource.Config{})
	meter, err := powertest.NewMeter(ctx, powertest.From(gpu))
	if err != nil {
		log.Fatal(err)
	}
	defer meter.Close()

	window := meter.Start("BenchmarkServe/users=4")
	window.SetConcurrency(4)
	var users sync.WaitGroup
	for range 4 {
		users.Go(func() {
			for range 50 {
				prompt, output := answer(gpu)
				window.AddTokens(prompt, output)
				window.AddRequests(1)
			}
		})
	}
	users.Wait()
	report, err := window.Stop(ctx)
	if err != nil {
		log.Fatal(err)
	}
	perRequest, _ := report.Value("J/req")
	fmt.Printf("%.1f J/req on %d of %d GPUs\n", perRequest, report.GPUs, report.ExpectedGPUs)
}

// loads are reports of two loads, as those of a Meter.
func loads() []powertest.Report {
	var list []powertest.Report
	for i, joules := range []float64{3000, 3200} {
		users := int64(4 * (i + 1))
		list = append(list, powertest.NewReport(
			fmt.Sprintf("BenchmarkServe/users=%d", users),
			powertest.Work{Requests: 50 * users, OutputTokens: 2000 * users},
			energy.Measurement{
				Valid:    true,
				Duration: 5 * time.Second,
				Energy:   energy.Estimate{Joules: joules, Low: 0.99 * joules, High: 1.01 * joules},
				Watts:    joules / 5,
				Source:   energy.Info{Name: "nvml"},
				Devices:  []energy.DeviceMeasurement{{Valid: true, Device: energy.Device{Name: "NVIDIA H200", PowerLimit: 700}}},
			}))
	}
	return list
}

// The reports of several loads go to one file, which benchstat and powertest gate
// compare with that of another build.
func ExampleNewWriter() {
	w := powertest.NewWriter(os.Stdout)
	for _, report := range loads() {
		if err := w.Write(report); err != nil {
			log.Fatal(err)
		}
	}
	// Output:
	// Unit J/op better=lower
	// Unit W better=lower
	// Unit err-% better=lower
	// Unit tokens/J better=higher
	// Unit J/token better=lower
	// Unit tokens/s better=higher
	// Unit J/req better=lower
	// Unit W/gpu better=lower
	// energy-source: nvml
	// gpu: NVIDIA H200
	// gpus: 1
	// power-limit: 700W
	//
	// BenchmarkServe/users=4 200 2.5e+07 ns/op 15 J/op 600 W 1 err-% 2.6666666666666665 tokens/J 0.375 J/token 1600 tokens/s 15 J/req 600 W/gpu
	// BenchmarkServe/users=8 400 1.25e+07 ns/op 8 J/op 640 W 1 err-% 5 tokens/J 0.2 J/token 3200 tokens/s 8 J/req 640 W/gpu
}

// A single report is a file of its own.
func ExampleReport_WriteBenchmark() {
	report := loads()[0]
	if err := report.WriteBenchmark(os.Stdout); err != nil {
		log.Fatal(err)
	}
}

var number = regexp.MustCompile(`\d+(\.\d+)?`)

// TestExamples runs the examples that measure, on a fake clock.
func TestExamples(t *testing.T) {
	for name, c := range map[string]struct {
		example func()
		prints  string
	}{
		"Wrap":     {ExampleWrap, "14 J/op 700 W 0.35 J/token\n"},
		"parallel": {ExampleWrap_parallel, "700 W\n"},
		"Phase":    {ExampleB_Phase, "prefill 140 J/op, decode 160 J/op\n"},
		"NewMeter": {ExampleNewMeter, "3.5 J/req on 1 of 1 GPUs\n"},
	} {
		t.Run(name, func(t *testing.T) {
			out, err := os.Create(filepath.Join(t.TempDir(), "out"))
			require.NoError(t, err)
			stdout := os.Stdout
			os.Stdout = out
			defer func() { os.Stdout = stdout }()
			synctest.Test(t, func(*testing.T) { c.example() })
			require.NoError(t, out.Close())
			printed, err := os.ReadFile(out.Name())
			require.NoError(t, err)
			assert.Equal(t, number.ReplaceAllString(c.prints, "N"), number.ReplaceAllString(string(printed), "N"))
			got := number.FindAllString(string(printed), -1)
			for i, want := range number.FindAllString(c.prints, -1) {
				a, _ := strconv.ParseFloat(want, 64)
				b, _ := strconv.ParseFloat(got[i], 64)
				assert.InEpsilon(t, a, b, 0.02, "%s", printed)
			}
		})
	}
}
