package dcgmtest

import (
	"bytes"
	"testing"
	"time"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// parsed is a page as Prometheus's own parser understands it.
type parsed map[string]*dto.MetricFamily

func parse(t testing.TB, page []byte) parsed {
	t.Helper()
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(bytes.NewReader(page))
	require.NoError(t, err)
	return families
}

// rejected requires that the parser takes offence at the page.
func rejected(t testing.TB, page []byte) {
	t.Helper()
	parser := expfmt.NewTextParser(model.UTF8Validation)
	_, err := parser.TextToMetricFamilies(bytes.NewReader(page))
	require.Error(t, err)
}

func now(t testing.TB, e *Exporter) parsed {
	t.Helper()
	return parse(t, e.Page(time.Now()))
}

// values returns what the rows of a family say, in order.
func (p parsed) values(family string) []float64 {
	var vs []float64
	for _, m := range p[family].GetMetric() {
		switch {
		case m.Counter != nil:
			vs = append(vs, m.Counter.GetValue())
		case m.Gauge != nil:
			vs = append(vs, m.Gauge.GetValue())
		}
	}
	return vs
}

// labels returns what the rows of a family say under a label; rows without it
// say nothing.
func (p parsed) labels(family, label string) []string {
	var vs []string
	for _, m := range p[family].GetMetric() {
		for _, l := range m.Label {
			if l.GetName() == label {
				vs = append(vs, l.GetValue())
			}
		}
	}
	return vs
}

// millis is the energy of each row, in mJ.
func (p parsed) millis() []float64 { return p.values(energyName) }
