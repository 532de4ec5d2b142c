package dcgmsource

import (
	"bytes"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/joulebench/joulebench/internal/metricname"
)

func TestFixturesHaveTheRowsTheyShould(t *testing.T) {
	for name, want := range map[string]struct{ energy, gpus, onPage int }{
		"h100-1gpu.prom":                    {1, 1, 1},
		"h100-1gpu-lowercase-hostname.prom": {1, 1, 1},
		"h100-1gpu-openmetrics-eof.prom":    {1, 1, 1},
		"exporter-4.9-joules.prom":          {1, 1, 1},
		"h200-8gpu-t0.prom":                 {8, 8, 8},
		"h200-8gpu-t1.prom":                 {8, 8, 8},
		"h200-8gpu-t1-reset-gpu3.prom":      {8, 8, 8},
		"h200-8gpu-stale-a.prom":            {8, 8, 8},
		"h200-8gpu-stale-b.prom":            {8, 8, 8},
		"a100-mig.prom":                     {6, 3, 3},
		"t4-timesliced-pods.prom":           {4, 2, 2},
		"h100-hpcjob-duplicates.prom":       {3, 2, 2},
		"h100-gpu2-lost.prom":               {3, 3, 4},
		"malformed-unescaped-quote.prom":    {1, 1, 2},
		"no-energy.prom":                    {0, 0, 2},
	} {
		t.Run(name, func(t *testing.T) {
			body := fixture(t, name)
			var p page
			require.NoError(t, p.parse(body))
			rows, uuids := 0, map[string]bool{}
			for _, r := range p.rows {
				if metricname.Known.At(r.metric).Kind == metricname.Energy && r.failure() == nil {
					rows++
					uuids[r.labels.uuid] = true
				}
			}
			assert.Equal(t, want.energy, rows, "rows")
			assert.Len(t, uuids, want.gpus)
			assert.Len(t, surveyPage(&p, string(body)).gpus, want.onPage, "GPUs on the page")
		})
	}
}

func TestFixturesThatAreNoPages(t *testing.T) {
	for name, want := range map[string]string{
		"empty-during-hot-reload.prom": "the page is empty",
		"malformed-truncated.prom":     "ends in the middle of a line",
	} {
		var p page
		err := p.parse(fixture(t, name))
		require.ErrorIs(t, err, ErrPage)
		assert.ErrorContains(t, err, want)
		assert.Empty(t, p.rows)
	}
}

// oneRow returns the row of a page that has but one.
func oneRow(t *testing.T, text string) row {
	t.Helper()
	var p page
	require.NoError(t, p.parse([]byte(text)))
	require.Len(t, p.rows, 1)
	return p.rows[0]
}

func TestRows(t *testing.T) {
	const name = "DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION"
	for label, text := range map[string]string{
		"plain":            name + `{gpu="0",UUID="GPU-1"} 5000` + "\n",
		"CRLF":             name + `{gpu="0",UUID="GPU-1"} 5000` + "\r\n",
		"blanks":           "\t " + name + `  { gpu = "0" , UUID="GPU-1", }  5000` + "\n",
		"time stamp":       name + `{gpu="0",UUID="GPU-1"} 5000 1700000000000` + "\n",
		"no blank":         name + `{gpu="0",UUID="GPU-1"}5e3` + "\n",
		"escapes":          name + `{gpu="0",pod="a\"b\\c\n",UUID="GPU-1"} 5000` + "\n",
		"brace in a value": name + `{gpu="0",pod="}{",UUID="GPU-1"} 5000` + "\n",
		"lower case":       name + `{gpu="0",gpu_uuid="GPU-2",uuid="GPU-1"} 5000` + "\n",
		"EOF":              name + `{gpu="0",UUID="GPU-1"} 5000` + "\n# EOF",
		"garbage beside":   "DCGM_{{\"\n\xff\x00\n" + name + `{gpu="0",UUID="GPU-1"} 5000` + "\n" + name + "X{} 1\n",
	} {
		t.Run(label, func(t *testing.T) {
			r := oneRow(t, text)
			require.NoError(t, r.failure())
			assert.Equal(t, "GPU-1", r.labels.uuid)
			assert.Equal(t, 5000.0, r.raw)
			assert.Equal(t, "0", r.labels.get("gpu"))
		})
	}
	r := oneRow(t, name+`{UUID="GPU-1",pod="a\\b\nc"} 5`+"\n")
	assert.Equal(t, "a\\b\nc", r.labels.get("pod"))
	for label, text := range map[string]string{
		"quote":           name + `{UUID="GPU-1",pod="a"b"} 1` + "\n",
		"no value":        name + `{UUID="GPU-1"}` + "\n",
		"word":            name + `{UUID="GPU-1"} many` + "\n",
		"Go's float":      name + `{UUID="GPU-1"} 1_0` + "\n",
		"hexadecimal":     name + `{UUID="GPU-1"} 0x1p4` + "\n",
		"behind":          name + `{UUID="GPU-1"} 1 2 3` + "\n",
		"duplicate label": name + `{UUID="GPU-1",UUID="GPU-2"} 1` + "\n",
		"not UTF-8":       name + `{UUID="GPU-1",pod="` + "\xff" + `"} 1` + "\n",
		"unclosed":        name + `{UUID="GPU-1",pod="} 1` + "\n",
		"reserved":        name + `{UUID="GPU-1",__name__="x"} 1` + "\n",
	} {
		t.Run("broken/"+label, func(t *testing.T) {
			r := oneRow(t, text)
			require.ErrorIs(t, r.failure(), ErrPage)
			assert.Equal(t, "GPU-1", r.labels.uuid, "it is known whose row is broken")
		})
	}
}

func TestABrokenRowTakesNoOtherWithIt(t *testing.T) {
	var p page
	require.NoError(t, p.parse(fixture(t, "malformed-unescaped-quote.prom")))
	broken, good := map[string]bool{}, map[string]bool{}
	for _, r := range p.rows {
		if r.failure() != nil {
			broken[r.labels.uuid] = true
		} else {
			good[r.labels.uuid] = true
		}
	}
	assert.Equal(t, map[string]bool{gpu0: true}, broken)
	assert.Equal(t, map[string]bool{gpu1: true}, good)
}

func TestHTMLAndHugePagesAreNoPages(t *testing.T) {
	var p page
	err := p.parse([]byte("\n<!DOCTYPE html><html>log in</html>\n"))
	require.ErrorIs(t, err, ErrPage)
	assert.ErrorContains(t, err, "HTML")
	err = p.parse([]byte(strings.Repeat("dcgm_power_usage 1\n", maxRows+1)))
	require.ErrorIs(t, err, ErrPage)
	assert.ErrorContains(t, err, "rows")
	assert.Empty(t, p.rows)
}

func TestHostilePagesTakeNeitherHoursNorMemory(t *testing.T) {
	const size = 1 << 20
	many := func(format string) string {
		var b strings.Builder
		for i := 0; b.Len() < size; i++ {
			fmt.Fprintf(&b, format, i)
		}
		return b.String()
	}
	for name, c := range map[string]struct{ body, want string }{
		"labels":             {"dcgm_power_usage{" + many(`a%d="",`) + "} 1\n", "more than 128 labels"},
		"labels, not simple": {"dcgm_power_usage{" + many(`a%d = "",`) + "} 1\n", "more than 128 labels"},
		"GPUs":               {many("a{UUID=\"%d\"} 1\n"), "more than 1024 GPUs"},
		"GPUs of power":      {many("dcgm_power_usage{uuid=\"x%d\",longer=\"so that there are not too many rows of it for one page\"} 1\n"), "more than 1024 GPUs"},
		"names":              {many("dcgm_energy_%d{UUID=\"GPU-0\"} 1\n"), "unknown"},
	} {
		t.Run(name, func(t *testing.T) {
			start := time.Now()
			var p page
			require.NoError(t, p.parse([]byte(c.body)))
			s := surveyPage(&p, c.body)
			require.ErrorContains(t, s.check(), c.want)
			assert.LessOrEqual(t, len(s.gpus), maxGPUs)
			assert.LessOrEqual(t, len(s.unknown), maxUnknown)
			assert.Less(t, time.Since(start), time.Minute)
		})
	}
}

func TestTheMemoryOfLabelsIsBounded(t *testing.T) {
	var p page
	for i := range 10_000 {
		require.NoError(t, p.parse(fmt.Appendf(nil, "dcgm_power_usage{uuid=\"GPU-1\",pod=\"pod-%d\"} 1\n", i)))
		require.Equal(t, fmt.Sprintf("pod-%d", i), p.rows[0].labels.get("pod"))
		require.LessOrEqual(t, len(p.sets), 67)
	}
}

func TestAPageSeenBeforeIsCheap(t *testing.T) {
	body := fixture(t, "h200-8gpu-t0.prom")
	var p page
	require.NoError(t, p.parse(body))
	assert.LessOrEqual(t, testing.AllocsPerRun(10, func() { _ = p.parse(body) }), 20.0)
	assert.LessOrEqual(t, testing.AllocsPerRun(10, func() { p := page{}; _ = p.parse(body) }), 1500.0, "and one not seen before")
}

func FuzzPage(f *testing.F) {
	files, err := filepath.Glob(filepath.Join(fixtures, "*"))
	require.NoError(f, err)
	require.NotEmpty(f, files)
	others, err := filepath.Glob("../testdata/exporters/*.prom")
	require.NoError(f, err)
	for _, file := range append(files, others...) {
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
		require.LessOrEqual(t, len(p.sets), 3*p.known+64)
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
			pairs = append(pairs, fmt.Sprintf("%q=%q", l.Name, l.Value))
		}
		out = append(out, fmt.Sprintf("%s%v %x %v", r.labels.name, pairs, math.Float64bits(r.raw), r.failure() != nil))
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
	for name, family := range families {
		at := metricname.Known.Find(name)
		if at < 0 {
			continue
		}
		switch family.GetType().String() {
		case "SUMMARY", "HISTOGRAM", "GAUGE_HISTOGRAM":
			return nil, false
		}
		for _, r := range family.GetMetric() {
			var pairs []string
			labels := map[string]string{}
			for _, l := range r.GetLabel() {
				pairs = append(pairs, fmt.Sprintf("%q=%q", l.GetName(), l.GetValue()))
				labels[l.GetName()] = l.GetValue()
			}
			if metricname.Known.Row(at, func(name string) string { return labels[name] }) < 0 {
				continue
			}
			v := r.GetCounter().GetValue() + r.GetGauge().GetValue() + r.GetUntyped().GetValue()
			rows = append(rows, fmt.Sprintf("%s%v %x %v", name, pairs, math.Float64bits(v), false))
		}
	}
	slices.Sort(rows)
	return rows, true
}

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
