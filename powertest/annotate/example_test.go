package annotate_test

import (
	"context"
	"fmt"
	"time"

	"github.com/joulebench/joulebench/powertest/annotate"

	_ "github.com/joulebench/joulebench/smisource" // opens logs
)

// Eight GPUs were logged by nvidia-smi while a load harness ran.
func ExampleAnnotate() {
	gpus := 8
	res, err := annotate.Annotate(context.Background(), annotate.Options{
		Source:       annotate.Source{Log: "testdata/gpu_metrics.csv"},
		Zone:         time.UTC, // of the time stamps in the log
		ExpectedGPUs: &gpus,
		Result:       "testdata/result.json",
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	if !res.Valid() {
		fmt.Println(res.Reasons())
		return
	}
	fmt.Printf("%.0f J on %d GPUs\n", res.Measurement.Energy.Joules, len(res.Measurement.Devices))
	for _, m := range res.Metrics {
		if m.Key == "joules_per_output_token" {
			fmt.Printf("%.3f %s per output token\n", m.Value, m.Unit)
		}
	}
	// Output:
	// 40000 J on 8 GPUs
	// 0.610 J per output token
}
