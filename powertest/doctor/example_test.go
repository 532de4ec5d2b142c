package doctor_test

import (
	"context"
	"fmt"
	"log"
	"time"

	"github.com/joulebench/joulebench/powertest/doctor"
	"github.com/joulebench/joulebench/simsource"
)

// Any source can be examined, here a simulation. Report.WriteText writes all of the
// report for a person, and as JSON it is for programs.
func ExampleExamine() {
	src := simsource.New(simsource.Config{GPUs: 2, Period: 20 * time.Millisecond})
	defer src.Close()
	report, err := doctor.Examine(context.Background(), src, doctor.Options{Watch: time.Second})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("measurable:", report.Measurable)
	for _, g := range report.GPUs {
		fmt.Printf("GPU %d: %s, reports its energy by a %s\n", *g.Index, g.Name, g.Method)
	}
	// Output:
	// measurable: true
	// GPU 0: Simulated GPU, reports its energy by a counter
	// GPU 1: Simulated GPU, reports its energy by a counter
}
