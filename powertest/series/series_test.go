package series

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/perf/benchfmt"

	"github.com/joulebench/joulebench/powertest"
	"github.com/joulebench/joulebench/powertest/energy"
)

// plant is a world of two models on three hosts of two GPUs, scraped every 15 s for an hour.
type plant struct {
	*world
	start time.Time
}

// joules of a GPU by a time: its power goes up and down.
func (p *plant) joules(gpu int, at time.Time) float64 {
	t := at.Sub(p.start).Seconds() + 1e5
	return 400*t + 250*900/(2*math.Pi)*math.Sin(2*math.Pi*(t+float64(gpu)*77)/900)
}

// tokens of a server by a time.
func (p *plant) tokens(server int, at time.Time) float64 {
	t := at.Sub(p.start).Seconds() + 1e5
	return math.Floor(float64(100*(server+1))*t + 20000*math.Sin(t/200))
}

func newPlant(from time.Time) *plant {
	p := &plant{&world{}, from}
	begin, end := from.Add(-20*time.Minute), from.Add(80*time.Minute)
	const every = 15 * time.Second
	for gpu := range 6 {
		host := fmt.Sprintf("node-%d", gpu/2)
		p.add(begin, end, every, time.Duration(gpu/2)*4700*time.Millisecond, func(at time.Time) float64 { return math.Floor(1000 * p.joules(gpu, at)) },
			"__name__", "DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION", "UUID", fmt.Sprintf("GPU-%d", gpu), "gpu", fmt.Sprint(gpu%2), "Hostname", host,
			"instance", host+":9400", "job", "dcgm", "pod", fmt.Sprintf("server-%d", gpu/2), "modelName", "NVIDIA H200")
	}
	for server := range 3 {
		labels := func(name string, more ...string) []string {
			return append([]string{"__name__", name, "model_name", []string{"big", "big", "small"}[server], "engine", "0", "job", "vllm", "instance", fmt.Sprintf("10.0.0.%d:8000", server), "pod", fmt.Sprintf("server-%d", server)}, more...)
		}
		phase := time.Duration(server) * 3300 * time.Millisecond
		tokens := func(by float64) func(time.Time) float64 {
			return func(at time.Time) float64 { return math.Floor(p.tokens(server, at) / by) }
		}
		p.add(begin, end, every, phase, tokens(1), labels("vllm:generation_tokens_total")...)
		p.add(begin, end, every, phase, tokens(0.25), labels("vllm:prompt_tokens_total")...)
		p.add(begin, end, every, phase, tokens(100), labels("vllm:request_success_total", "finished_reason", "stop")...)
		p.add(begin, end, every, phase, func(time.Time) float64 { return 4 }, labels("vllm:num_requests_running")...)
		for le, by := range map[string]float64{"0.25": 400, "0.5": 200, "1.0": 125, "+Inf": 100} {
			p.add(begin, end, every, phase, tokens(by), labels("vllm:time_to_first_token_seconds_bucket", "le", le)...)
			p.add(begin, end, every, phase, tokens(by), labels("vllm:e2e_request_latency_seconds_bucket", "le", le)...)
		}
	}
	return p
}

// inPlant runs a test in a bubble, in which the plant has run for more than an hour.
func inPlant(t *testing.T, test func(t *testing.T, p *plant)) {
	synctest.Test(t, func(t *testing.T) {
		from := time.Now().Add(24 * time.Hour).Truncate(time.Hour)
		time.Sleep(time.Until(from.Add(70 * time.Minute)))
		test(t, newPlant(from))
	})
}

func (p *plant) options() Options {
	return p.world.options(p.start, p.start.Add(time.Hour), 5*time.Minute)
}

// TestTruth: each number is near the truth, which lies in its interval, of models and in all.
func TestTruth(t *testing.T) {
	inPlant(t, func(t *testing.T, p *plant) {
		o := p.options()
		o.Roles = []energy.Role{{Name: "decode", Devices: []string{"GPU-5"}}}
		o.Objectives = map[string]time.Duration{"ttft": 500 * time.Millisecond}
		s := p.read(t, o)
		var names []string
		for _, g := range s.Groups {
			names = append(names, g.Name)
			require.Len(t, g.Points, 12)
		}
		assert.Equal(t, []string{"all", "model big", "model small", "role decode"}, names)
		for _, c := range []struct {
			name       string
			gpus, load []int
		}{{"all", []int{0, 1, 2, 3, 4, 5}, []int{0, 1, 2}}, {"model big", []int{0, 1, 2, 3}, []int{0, 1}}, {"model small", []int{4, 5}, []int{2}}, {"role decode", []int{5}, nil}} {
			for k, point := range s.group(t, c.name).Points {
				from := p.start.Add(time.Duration(k) * 5 * time.Minute)
				require.Empty(t, point.Reasons)
				assert.Equal(t, from.UTC(), point.Start.UTC())
				assert.Equal(t, len(c.gpus), point.GPUs)
				joules, output := 0.0, 0.0
				for _, gpu := range c.gpus {
					joules += p.joules(gpu, from.Add(5*time.Minute)) - p.joules(gpu, from)
				}
				for _, server := range c.load {
					output += p.tokens(server, from.Add(5*time.Minute)) - p.tokens(server, from)
				}
				require.NotNil(t, point.Joules)
				within(t, joules, *point.Joules, 0.005)
				within(t, joules/300, *point.Watts, 0.005)
				assert.Less(t, point.Joules.ErrPercent(), 100*15./300*1.8, "about the scrape interval by the step")
				if c.load == nil {
					assert.Nil(t, point.Output)
					continue
				}
				within(t, output, *point.Output, 0.01)
				within(t, 4*output, *point.Prompt, 0.01)
				within(t, output/100, *point.Requests, 0.02)
				within(t, joules/output, *point.JoulesPerToken, 0.015)
				within(t, 0.5, *point.Good, 0.02)
			}
		}
	})
}

func within(t *testing.T, want float64, got powertest.Interval, near float64) {
	t.Helper()
	assert.InEpsilon(t, want, got.Value, near)
	assert.LessOrEqual(t, got.Low, want*(1+1e-6))
	assert.GreaterOrEqual(t, got.High, want*(1-1e-6))
}

// TestBroken: what cannot be defended has a reason, where it is and nowhere else.
func TestBroken(t *testing.T) {
	of := func(p *plant, name, label, value string) *scraped {
		for _, s := range p.series {
			if s.labels["__name__"] == name && s.labels[label] == value {
				return s
			}
		}
		return nil
	}
	const gpuEnergy = "DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION"
	for name, c := range map[string]struct {
		change  func(p *plant)
		reason  energy.Reason
		steps   []int
		inModel string
		tokens  bool // only these
	}{
		"a GPU's counter is reset": {func(p *plant) {
			s := of(p, gpuEnergy, "UUID", "GPU-4")
			for i := range s.at {
				if s.at[i] > p.start.Add(12*time.Minute).UnixMilli() {
					s.values[i] -= s.values[0]
				}
			}
		}, energy.CounterReset, []int{2}, "model small", false},
		"a GPU is gone": {func(p *plant) {
			s := of(p, gpuEnergy, "UUID", "GPU-0")
			n := 0
			for n < len(s.at) && s.at[n] < p.start.Add(22*time.Minute).UnixMilli() {
				n++
			}
			s.at, s.values = s.at[:n], s.values[:n]
		}, energy.BenchmarkWindowNotBracketed, []int{4}, "model big", false},
		"a counter jumps": {func(p *plant) {
			s := of(p, gpuEnergy, "UUID", "GPU-5")
			for i := range s.at {
				if s.at[i] > p.start.Add(12*time.Minute).UnixMilli() {
					s.values[i] += 1e13
				}
			}
		}, energy.CounterJump, []int{2}, "model small", false},
		"a server is started anew": {func(p *plant) {
			s := of(p, "vllm:generation_tokens_total", "pod", "server-2")
			for i := range s.at {
				if s.at[i] > p.start.Add(31*time.Minute).UnixMilli() {
					s.values[i] -= s.values[0]
				}
			}
		}, energy.CounterReset, []int{6}, "model small", true},
	} {
		t.Run(name, func(t *testing.T) {
			inPlant(t, func(t *testing.T, p *plant) {
				c.change(p)
				s := p.read(t, p.options())
				for _, g := range s.Groups {
					for k, point := range g.Points {
						wrong := (g.Name == "all" || g.Name == c.inModel) && k == c.steps[0]
						assert.Equal(t, wrong, len(point.Reasons) > 0, "%s %d: %v", g.Name, k, point.Reasons)
						assert.Equal(t, wrong, point.JoulesPerToken == nil, "%s %d", g.Name, k)
						assert.Equal(t, wrong && !c.tokens, point.Joules == nil, "%s %d", g.Name, k)
						if wrong {
							assert.Equal(t, c.reason, point.Reasons[0].Reason, "%v", point.Reasons)
						}
					}
				}
			})
		})
	}
}

// TestMissedScrape: one that was missed at an edge makes the interval a little wider.
func TestMissedScrape(t *testing.T) {
	inPlant(t, func(t *testing.T, p *plant) {
		before := p.read(t, p.options()).group(t, "all").Points
		for _, s := range p.series {
			if s.labels["UUID"] != "GPU-2" {
				continue
			}
			for i := range s.at {
				if d := s.at[i] - p.start.Add(30*time.Minute).UnixMilli(); d > 0 && d < 40_000 {
					s.at, s.values = append(s.at[:i:i], s.at[i+3:]...), append(s.values[:i:i], s.values[i+3:]...)
					break
				}
			}
		}
		after := p.read(t, p.options()).group(t, "all").Points
		for k := range after {
			require.Empty(t, after[k].Reasons)
			if k == 5 || k == 6 {
				assert.Greater(t, after[k].Joules.ErrPercent(), before[k].Joules.ErrPercent())
				assert.InEpsilon(t, before[k].Joules.Value, after[k].Joules.Value, 0.01)
			} else {
				assert.Equal(t, before[k].Joules, after[k].Joules)
			}
		}
	})
}

// TestOnce: series of one GPU and rows that are copies count once; a pod that has no model is
// named, and so is a GPU that has only power.
func TestOnce(t *testing.T) {
	inPlant(t, func(t *testing.T, p *plant) {
		before := p.read(t, p.options()).group(t, "all").Points
		for _, s := range p.series[:len(p.series):len(p.series)] {
			twin := *s
			twin.labels = map[string]string{"prometheus_replica": "b", "GPU_I_ID": "1"}
			for k, v := range s.labels {
				twin.labels[k] = v
			}
			if strings.HasPrefix(s.labels["__name__"], "vllm:") {
				delete(twin.labels, "GPU_I_ID")
			}
			p.series = append(p.series, &twin)
		}
		after := p.read(t, p.options())
		assert.Equal(t, before[3].Joules, after.group(t, "all").Points[3].Joules)
		assert.Equal(t, before[3].Output, after.group(t, "all").Points[3].Output)

		for _, s := range p.series {
			if s.labels["UUID"] == "GPU-3" {
				s.labels["pod"] = "training"
			}
			if s.labels["UUID"] == "GPU-2" {
				s.labels["__name__"] = "DCGM_FI_DEV_POWER_USAGE"
			}
		}
		s := p.read(t, p.options())
		assert.Equal(t, 1, s.group(t, "no model").Points[0].GPUs)
		assert.Equal(t, 2, s.group(t, "model big").Points[0].GPUs)
		require.Len(t, s.Notes, 1)
		assert.Contains(t, s.Notes[0], "GPU-2")
		assert.Equal(t, energy.PartialCohort, s.group(t, "all").Points[0].Reasons[0].Reason)
	})
}

// TestWriters: a table of 80 columns, and the same numbers as CSV, JSON and benchmark records.
func TestWriters(t *testing.T) {
	inPlant(t, func(t *testing.T, p *plant) {
		o := p.options()
		o.Objectives = map[string]time.Duration{"ttft": 300 * time.Millisecond, "e2e": time.Second}
		o.Price = &powertest.Price{PerKWh: 0.36, Currency: "EUR"}
		s := p.read(t, o)
		var table, text, record bytes.Buffer
		require.NoError(t, s.WriteTable(&table))
		for line := range strings.Lines(table.String()) {
			assert.LessOrEqual(t, utf8.RuneCountInString(strings.TrimSuffix(line, "\n")), 80, line)
		}
		assert.Contains(t, table.String(), "model big\ntime")
		assert.Contains(t, table.String(), "J/token  ± %  EUR/Mtoken  good %")
		assert.Contains(t, table.String(), "cost: EUR 0.36/kWh for the energy of the GPUs alone")
		point := s.Groups[0].Points[5]
		assert.InEpsilon(t, 1e-7*point.Joules.High, point.Cost.High, 1e-12)
		assert.InEpsilon(t, 0.1*point.JoulesPerToken.Low, point.CostPerMillionTokens.Low, 1e-12)
		require.NoError(t, s.WriteCSV(&text))
		rows, err := csv.NewReader(&text).ReadAll()
		require.NoError(t, err)
		assert.Len(t, rows, 1+3*12)
		require.NoError(t, s.WriteBenchmark(&record))
		reader := benchfmt.NewReader(&record, "series")
		n := 0
		for reader.Scan() {
			if r, ok := reader.Result().(*benchfmt.Result); ok {
				n++
				_, has := r.Value("J/token")
				assert.True(t, has)
				_, has = r.Value("tokens-err-%")
				assert.True(t, has)
				j, _ := r.Value("J/token")
				million, _ := r.Value("EUR/Mtoken")
				assert.InEpsilon(t, 0.1*j, million, 1e-9)
			}
		}
		require.NoError(t, reader.Err())
		assert.Equal(t, 3*12, n)
		var back Series
		data, err := json.Marshal(s)
		require.NoError(t, err)
		require.NoError(t, json.Unmarshal(data, &back))
		assert.Equal(t, s.Groups[0].Points[5].JoulesPerToken, back.Groups[0].Points[5].JoulesPerToken)
		good := back.Groups[0].Points[5].Good
		assert.InDelta(t, 0, good.Low, 0.06, "a quarter meets the one, and four fifths the other")
		assert.InDelta(t, 0.5, good.High, 0.06)
	})
}

func TestOptions(t *testing.T) {
	now := time.Date(2026, 11, 25, 12, 3, 0, 0, time.UTC)
	o, n, err := Options{Start: now.Add(-24 * time.Hour)}.complete(now)
	require.NoError(t, err)
	assert.Equal(t, 288, n)
	assert.Equal(t, time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC), o.End)
	for _, bad := range []Options{
		{Start: now}, {Start: now.Add(-time.Hour), Every: time.Millisecond}, {Every: -1},
		{Start: now.Add(-time.Hour), End: now.Add(-2 * time.Hour)}, {Start: now.AddDate(-1, 0, 0), Every: time.Minute},
		{Start: now.Add(-time.Hour), Objectives: map[string]time.Duration{"itl": 1}},
	} {
		_, _, err := bad.complete(now)
		assert.ErrorIs(t, err, energy.ErrMalformed, "%+v", bad)
	}
	for selector, want := range map[string][]string{"": nil, "{}": nil, ` {job="a"} `: {`job="a"`}} {
		got, err := matchers(selector)
		require.NoError(t, err)
		assert.Equal(t, want, got)
	}
	_, err = matchers("job=a")
	assert.ErrorIs(t, err, energy.ErrMalformed)
}
