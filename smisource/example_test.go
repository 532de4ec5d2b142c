package smisource_test

import (
	"context"
	"fmt"
	"time"

	"github.com/joulebench/joulebench/powertest/energy"
	"github.com/joulebench/joulebench/smisource"
)

// What a load used that ran from 12:01:00 to 12:01:02, by the log of that day.
func Example() {
	s, err := smisource.Open(smisource.Config{Path: "testdata/nvidia-smi.csv", Location: time.UTC})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer s.Close()
	load := energy.Span{
		Start: time.Date(2026, 7, 23, 12, 1, 0, 0, time.UTC),
		End:   time.Date(2026, 7, 23, 12, 1, 2, 0, time.UTC),
	}
	m := energy.MeasurePast(context.Background(), s, load)
	fmt.Printf("%.0f J, %.0f W\n", m.Energy.Joules, m.Watts)
	gpu := s.Audit(load).Devices[0]
	fmt.Println(gpu.Samples, "readings, at most", gpu.MaxGap, "apart")
	// Output:
	// 1000 J, 500 W
	// 3 readings, at most 1s apart
}
