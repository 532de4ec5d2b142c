package dcgmsource

import (
	"bytes"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"github.com/stretchr/testify/require"

	"github.com/joulebench/joulebench/internal/metricname"
)

func FuzzPage(f *testing.F) {
	files, err := filepath.Glob(filepath.Join(fixtures, "*"))
	require.NoError(f, err)
	require.NotEmpty(f, files)
	for _, file := range files {
		data, err := os.ReadFile(file)
		require.NoError(f, err)
		f.Add(data)
	}
	f.Add([]byte("dcgm_power_usage {a=\"\\\\\" , }\t-Inf 5\n#TYPE\n"))
	f.Fuzz(func(t *testing.T, body []byte) {
		var p page
		if p.parse(body) != nil {
			require.Empty(t, p.rows)
			return
		}
		surveyPage(&p, string(body))
		first := seen(&p)
		require.NoError(t, p.parse(body))
		require.Equal(t, first, seen(&p), "the second time")
		require.LessOrEqual(t, len(p.sets), 3*len(p.rows)+64)
		if whole, ok := wholePage(body); ok {
			for i := range p.rows {
				require.NoError(t, p.rows[i].failure())
			}
			slices.Sort(first)
			require.Equal(t, whole, first)
		}
	})
}

// seen writes the rows of the page in a form that can be compared.
func seen(p *page) []string {
	out := []string{}
	for _, r := range p.rows {
		var pairs []string
		for _, l := range r.labels.pairs {
			pairs = append(pairs, fmt.Sprintf("%q=%q", l.name, l.value))
		}
		out = append(out, fmt.Sprintf("%s%v %x %v", metricname.Table[r.metric].Name, pairs, math.Float64bits(r.raw), r.failure() != nil))
	}
	return out
}

// wholePage leaves the whole page to package expfmt. ok is false if that does
// not accept it, or if it is written in a way that no exporter uses: with quoted
// names, or as a summary or histogram.
func wholePage(body []byte) (rows []string, ok bool) {
	for line := range bytes.Lines(body) {
		line = bytes.TrimLeft(line, " \t")
		name, _, _ := bytes.Cut(line, []byte("{"))
		if bytes.HasPrefix(line, []byte("{")) || bytes.IndexByte(name, '"') >= 0 && line[0] != '#' {
			return nil, false
		}
	}
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(bytes.NewReader(body))
	if err != nil {
		return nil, false
	}
	rows = []string{}
	for _, m := range metricname.Table {
		family := families[m.Name]
		switch family.GetType().String() {
		case "SUMMARY", "HISTOGRAM", "GAUGE_HISTOGRAM":
			return nil, false
		}
		for _, r := range family.GetMetric() {
			var pairs []string
			for _, l := range r.GetLabel() {
				pairs = append(pairs, fmt.Sprintf("%q=%q", l.GetName(), l.GetValue()))
			}
			v := r.GetCounter().GetValue() + r.GetGauge().GetValue() + r.GetUntyped().GetValue()
			rows = append(rows, fmt.Sprintf("%s%v %x %v", m.Name, pairs, math.Float64bits(v), false))
		}
	}
	slices.Sort(rows)
	return rows, true
}
