package series_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"time"

	"github.com/joulebench/joulebench/powertest/series"
)

// What did a token cost yesterday, by model?
func ExampleRead() {
	s, err := series.Read(context.Background(), series.Options{
		Server:     "http://prometheus:9090",
		Start:      time.Now().Add(-24 * time.Hour),
		Every:      time.Hour,
		Selector:   `{job="dcgm"}`,
		Objectives: map[string]time.Duration{"ttft": 500 * time.Millisecond},
	})
	if err != nil {
		log.Fatal(err)
	}
	for _, group := range s.Groups {
		for _, p := range group.Points {
			if j := p.JoulesPerToken; j != nil {
				fmt.Printf("%s, %v: %.3f J per token (%.3f to %.3f)\n", group.Name, p.Start, j.Value, j.Low, j.High)
			}
		}
	}
	if err := s.WriteTable(os.Stdout); err != nil {
		log.Fatal(err)
	}
}
