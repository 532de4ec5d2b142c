package dcgmsource

import (
	"bytes"
	"testing"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
)

func BenchmarkPage(b *testing.B) {
	body := fixture(b, "h200-8gpu-t0.prom")
	b.Run("first", func(b *testing.B) {
		b.ReportAllocs()
		b.SetBytes(int64(len(body)))
		for b.Loop() {
			var p page
			if err := p.parse(body); err != nil || len(p.rows) != 16 {
				b.Fatal(err, len(p.rows))
			}
		}
	})
	b.Run("again", func(b *testing.B) {
		b.ReportAllocs()
		b.SetBytes(int64(len(body)))
		var p page
		for b.Loop() {
			if err := p.parse(body); err != nil || len(p.rows) != 16 {
				b.Fatal(err, len(p.rows))
			}
		}
	})
	b.Run("survey", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			var p page
			if err := p.parse(body); err != nil || len(surveyPage(&p, string(body)).gpus) != 8 {
				b.Fatal(err)
			}
		}
	})
	b.Run("expfmt", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			parser := expfmt.NewTextParser(model.UTF8Validation)
			if _, err := parser.TextToMetricFamilies(bytes.NewReader(body)); err != nil {
				b.Fatal(err)
			}
		}
	})
}
