package metrictable

import (
	"fmt"
	"math"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// full has another number for each input, so that no two of them can be confused.
var full = Inputs{
	Joules: 1000, Watts: 500, ErrPercent: 1, IdleWatts: 100, NetPercent: 2, GPUs: 4, Seconds: 2, Elapsed: 3,
	Ops: 50, Requests: 20, Users: 8, Prompt: 4000, Output: 250, GoodTokens: 160, GoodRequests: 10, Latency: 0.5, TokensPercent: 3,
}

func TestValues(t *testing.T) {
	want := map[string]float64{
		"J/op": 20, "W": 500, "err-%": 1, "tokens/J": 0.25, "J/token": 4, "tokens/s": 250. / 3, "J/req": 50, "J/user": 125,
		"net-J/op": 16, "net-err-%": 2, "idle-W": 100, "tokens-err-%": 3, "W/gpu": 125, "J/prompt-token": 0.25, "J/total-token": 1000. / 4250,
		"goodput-tokens/J": 0.16, "J*s/req": 25, "J": 1000, "req/J": 0.02, "goodput-req/J": 0.01,
	}
	for _, m := range Table {
		assert.Equal(t, want[m.Unit], m.Value(full), m.Unit)
		assert.True(t, math.IsNaN(m.Value(Unknown())), m.Unit)
	}
	assert.Len(t, Table, len(want))
}

// TestCounterparts: other programs' values of the same inputs, in their units.
func TestCounterparts(t *testing.T) {
	want := map[string]float64{
		"total_gpu_power": 500, "total_gpu_energy": 1000, "output_tokens_per_joule": 0.25, "energy_per_user": 125,
		"average_gpu_power": 500, "energy_per_output_token": 4000, "energy_per_total_token": 1e6 / 4250,
		"energy_per_request": 50, "energy_delay_product": 25, "performance_per_watt": 0.02, "output_tps_per_watt": 0.25,
		"goodput_per_watt": 0.01,
		"avg_power_w":      125, "avg_total_gpu_power_w": 500, "total_gpu_energy_j": 1000, "joules_per_successful_query": 50,
		"joules_per_input_token": 0.25, "joules_per_output_token": 4, "joules_per_total_token": 1000. / 4250,
		"prefill_gpu_energy_j": 1000, "prefill_avg_power_w": 125, "prefill_joules_per_input_token": 0.25,
		"decode_gpu_energy_j": 1000, "decode_avg_power_w": 125, "decode_joules_per_output_token": 4,
	}
	for _, kind := range AggregateKinds {
		want[kind+"_energy_j"], want[kind+"_avg_power_w"], want[kind+"_joules_per_output_token"] = 1000, 500, 4
	}
	list := slices.Concat(AIPerf, PowerKeys())
	for _, c := range list {
		assert.Equal(t, want[c.Name], c.Value(full), c.Name)
		a, isAIPerf := find(AIPerf, c.Name)
		x, isX := ByInferenceX(c.Name)
		require.True(t, isAIPerf != isX, c.Name)
		assert.Equal(t, c, map[bool]Counterpart{true: a, false: x}[isAIPerf])
		if isX {
			energyOrPower := strings.HasSuffix(c.Name, "_w") || strings.HasSuffix(c.Name, "_j")
			assert.Equal(t, map[bool]int{true: 3, false: 6}[energyOrPower], c.Decimals, c.Name)
		}
	}
	assert.Len(t, list, len(want))
	assert.Empty(t, InferenceXRole("encode"))
	_, ok := find(AIPerf, "joules_per_output_token")
	assert.False(t, ok)
}

func TestOfPart(t *testing.T) {
	units := func(name string, load bool) (list []string) {
		for _, m := range OfPart(name, load) {
			list = append(list, m.Unit)
		}
		return list
	}
	assert.Equal(t, []string{"prefill-J/op", "prefill-err-%"}, units("prefill", false))
	assert.Equal(t, []string{"prefill-J/op", "prefill-err-%", "prefill-W", "prefill-J/prompt-token"}, units("prefill", true))
	assert.Equal(t, []string{"decode-J/op", "decode-err-%", "decode-W", "decode-J/token"}, units("decode", true))
	assert.Equal(t, []string{"x-J/op", "x-err-%", "x-W"}, units("x", true))
	assert.Equal(t, []string{"cpu-J/op", "cpu-err-%"}, units("cpu", false))
	assert.Equal(t, []string{"all-J/op", "all-err-%", "all-tokens/J"}, units("all", false))
	assert.Equal(t, []string{"all-J/op", "all-err-%", "all-tokens/J", "all-W"}, units("all", true))
}

func TestBetter(t *testing.T) {
	for unit, want := range map[string]Direction{
		"tokens/J": Higher, "J/token": Lower, "J": Lower, "prefill-W": Lower, "prefill-err-%": Lower, "decode-J/token": Lower,
		"req/s": Higher, "good/J": Higher, "p99-ttft-sec": Lower, "p99-ms": Lower, "input-tokens/s": Higher,
		"errors/s": 0, "score": 0, "errors/op": 0, "%": 0, "": 0,
	} {
		dir, known := Better(unit)
		assert.Equal(t, want, dir, unit)
		assert.Equal(t, want != 0, known, unit)
	}
	assert.Equal(t, []string{"lower", "unknown", "higher"}, []string{Lower.String(), Direction(0).String(), Higher.String()})
}

// TestRulesAgree: parts are judged by rules, so those must agree with the table.
func TestRulesAgree(t *testing.T) {
	for _, m := range Table {
		dir, known := Better("part-" + m.Unit)
		assert.True(t, known, m.Unit)
		assert.Equal(t, m.Better, dir, m.Unit)
	}
}

// row is a row of a document's table, by the heads of its columns.
type row map[string]string

// rows returns the rows of the tables in a document whose first column is headed
// "metric".
func rows(t *testing.T, path string) (list []row) {
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	var head []string
	for line := range strings.Lines(string(data)) {
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|")
		for i := range cells {
			cells[i] = strings.TrimSpace(cells[i])
		}
		switch {
		case !strings.HasPrefix(line, "|"):
			head = nil
		case head == nil:
			head = cells
		case head[0] == "metric" && !strings.HasPrefix(cells[0], "--"):
			r := row{}
			for i, cell := range cells {
				r[head[i]] = cell
			}
			list = append(list, r)
		}
	}
	return list
}

var quoted = regexp.MustCompile("`([^`]*)`(?: \\((m)J\\))?")

// names are what a cell has between backquotes, and the scale that stands behind.
func names(cell string) map[string]float64 {
	list := map[string]float64{}
	for _, m := range quoted.FindAllStringSubmatch(cell, -1) {
		list[m[1]] = map[string]float64{"": 1, "m": 1000}[m[2]]
	}
	return list
}

func namesOf(list []Counterpart, unit string) map[string]float64 {
	found := map[string]float64{}
	for _, c := range list {
		if c.Ours == unit {
			found[c.Name] = c.Scale
		}
	}
	return found
}

// without takes away what a metric is left out without, in the document's words.
var without = map[string]func(in *Inputs){
	"E": func(in *Inputs) {
		in.Joules, in.Watts, in.ErrPercent, in.NetPercent, in.TokensPercent = math.NaN(), math.NaN(), math.NaN(), math.NaN(), math.NaN()
	},
	"operations":      func(in *Inputs) { in.Ops = math.NaN() },
	"requests":        func(in *Inputs) { in.Requests = math.NaN() },
	"users":           func(in *Inputs) { in.Users = math.NaN() },
	"prompt tokens":   func(in *Inputs) { in.Prompt = math.NaN() },
	"output tokens":   func(in *Inputs) { in.Output, in.TokensPercent = math.NaN(), math.NaN() },
	"latencies":       func(in *Inputs) { in.Latency = math.NaN() },
	"judged requests": func(in *Inputs) { in.GoodTokens, in.GoodRequests = math.NaN(), math.NaN() },
	"idle power":      func(in *Inputs) { in.IdleWatts, in.NetPercent = math.NaN(), math.NaN() },
}

// difference is what a row of the document says that the table does not.
func difference(r row, m Metric) error {
	needs := strings.Split(r["left out without"], ", ")
	for what, take := range without {
		in := full
		take(&in)
		if gone := !Finite(m.Value(in)); gone != slices.Contains(needs, what) {
			return fmt.Errorf("left out without %s: %v", what, gone)
		}
	}
	switch {
	case r["formula"] != m.Formula():
		return fmt.Errorf("its formula is %s", m.Formula())
	case r["better"] != m.Better.String():
		return fmt.Errorf("better is %s", m.Better)
	case slices.Contains(needs, "option `Net`") != (m.Scope == Net):
		return fmt.Errorf("with the option Net: %v", m.Scope == Net)
	case slices.Contains(needs, "option `TokensFrom`") != (m.Scope == Served):
		return fmt.Errorf("with the option TokensFrom: %v", m.Scope == Served)
	}
	for column, list := range map[string][]Counterpart{"aiperf": AIPerf, "InferenceX": InferenceX} {
		if want := namesOf(list, m.Unit); !assert.ObjectsAreEqual(want, names(r[column])) {
			return fmt.Errorf("of %s there are %v", column, want)
		}
	}
	return nil
}

// TestDocument compares docs/metrics.md with the table: all metrics of the table, in
// its order, and nothing else.
func TestDocument(t *testing.T) {
	var units, of []string
	for _, r := range rows(t, "../../docs/metrics.md") {
		unit := strings.Trim(r["metric"], "`")
		if _, isPart := r["of"]; isPart {
			of = append(of, unit)
			role, _, _ := strings.Cut(unit, "-")
			for name := range names(r["InferenceX, of roles"]) {
				c, ok := ByInferenceX(name)
				assert.True(t, ok && role+"-"+c.Ours == unit, "%s is not %s", name, unit)
			}
			continue
		}
		units = append(units, unit)
		m, ok := ByUnit(unit)
		require.True(t, ok, "%s is not in the table", unit)
		assert.NoError(t, difference(r, m), unit)
	}
	var want, parts []string
	for _, m := range Table {
		want = append(want, m.Unit)
	}
	assert.Equal(t, want, units)
	for _, m := range OfPart("NAME", true) {
		parts = append(parts, m.Unit)
	}
	parts = append(parts, "prefill-J/prompt-token", "decode-J/token")
	for _, m := range OfPart("KIND", true) {
		parts = append(parts, m.Unit)
	}
	assert.Equal(t, append(parts, "all-tokens/J"), of)
}

// TestDocumentDiffers: a row that disagrees with the table in any column is found.
func TestDocumentDiffers(t *testing.T) {
	m, _ := ByUnit("J/token")
	good := row{"formula": "E / output tokens", "left out without": "output tokens, E", "better": "lower", "aiperf": "`energy_per_output_token` (mJ)", "InferenceX": "`joules_per_output_token`"}
	require.NoError(t, difference(good, m))
	for column, cell := range map[string]string{
		"formula":          "output tokens / E",
		"left out without": "E",
		"better":           "higher",
		"aiperf":           "`energy_per_output_token`", // in joules
		"InferenceX":       "",
	} {
		bad := row{}
		for k, v := range good {
			bad[k] = v
		}
		bad[column] = cell
		assert.Error(t, difference(bad, m), column)
	}
}
