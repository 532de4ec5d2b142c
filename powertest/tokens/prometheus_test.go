package tokens

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/joulebench/joulebench/internal/prometheustest"
	"github.com/joulebench/joulebench/internal/tokenmetric"
	"github.com/joulebench/joulebench/powertest/energy"
)

// scraper is a Prometheus server that scrapes engines.
type scraper struct {
	mu      sync.Mutex
	engines map[string]*engine
	every   time.Duration
	skew    time.Duration // its clock is ahead
	until   map[string]time.Time
	queries int
}

var rangeForm = regexp.MustCompile(`\[(\d+)ms\]$`)

func (p *scraper) RoundTrip(r *http.Request) (*http.Response, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	text, _ := io.ReadAll(r.Body)
	form, _ := url.ParseQuery(string(text))
	if form.Get("query") == "now()" {
		body := strings.NewReader(`{"status":"error","errorType":"bad_data","error":"unknown function with name \"now\""}`)
		return &http.Response{StatusCode: http.StatusBadRequest, Header: http.Header{}, Body: io.NopCloser(body), Request: r}, nil
	}
	result := []any{}
	kind := "vector"
	stamp := func(at time.Time) json.Number {
		return json.Number(strconv.FormatFloat(float64(at.UnixMilli())/1000, 'f', 3, 64))
	}
	if form.Get("query") == "vector(time())" {
		result = append(result, map[string]any{"metric": map[string]string{}, "value": [2]any{stamp(time.Now().Add(p.skew)), stamp(time.Now().Add(p.skew)).String()}})
	} else {
		p.queries++
		kind = "matrix"
		seconds, _ := strconv.ParseFloat(form.Get("time"), 64)
		end := time.UnixMilli(int64(1000*seconds + 0.5)).Add(-p.skew)
		ms, _ := strconv.Atoi(rangeForm.FindStringSubmatch(form.Get("query"))[1])
		for instance, e := range p.engines {
			series := map[string][]any{}
			labels := map[string]map[string]string{}
			for at := end.Add(-time.Duration(ms) * time.Millisecond).Truncate(p.every).Add(p.every / 3); !at.After(end) && !at.After(time.Now()); at = at.Add(p.every) {
				if until, gone := p.until[instance]; at.Before(e.born) || gone && at.After(until) {
					continue
				}
				rows, err := parsePage([]byte(e.page(at)))
				if err != nil {
					return nil, err
				}
				for _, row := range rows {
					id := row.name + tokenmetric.Key(row.labels, nil)
					series[id] = append(series[id], [2]any{stamp(at.Add(p.skew)), fmt.Sprint(row.value)})
					m := map[string]string{"__name__": row.name, "instance": instance, "job": "vllm"}
					for _, l := range row.labels {
						m[l.Name] = l.Value
					}
					labels[id] = m
				}
			}
			for id, values := range series {
				result = append(result, map[string]any{"metric": labels[id], "values": values})
			}
		}
	}
	body, err := json.Marshal(map[string]any{"status": "success", "data": map[string]any{"resultType": kind, "result": result}})
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(bytes.NewReader(body)), Request: r}, err
}

// TestPrometheus: what a server has scraped around a window counts it, to the samples next to
// its edges.
func TestPrometheus(t *testing.T) {
	for _, kind := range kinds {
		t.Run(kind, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				time.Sleep(time.Hour)
				a, b := &engine{kind: kind, tp: 2, dp: 2, born: time.Now()}, &engine{kind: kind, tp: 1, dp: 1, born: time.Now()}
				a.load(time.Now().Add(90*time.Second), 6, 300)
				b.load(time.Now().Add(80*time.Second), 4, 200)
				p := &scraper{engines: map[string]*engine{"a:1": a, "b:1": b}, every: 5 * time.Second, skew: 700 * time.Millisecond}
				s := open1(t, "prometheus=http://prom&job=vllm", p)
				time.Sleep(100 * time.Second)
				x := s.Begin(t.Context(), false)
				from := time.Now()
				time.Sleep(40 * time.Second)
				to := time.Now()
				c := x.Count(t.Context(), Window{From: from, To: to, Lengths: Lengths{Prompt: 250, Output: 150}})
				assert.LessOrEqual(t, time.Since(to), 10*time.Second)
				p1, o1 := a.truth(from, to)
				p2, o2 := b.truth(from, to)
				require.NotNil(t, c.Output, "%v", c.Reasons)
				assert.Equal(t, 2, c.Replicas)
				assert.True(t, contains(c.Output, o1+o2), "%v, truth %.0f", c.Output, o1+o2)
				assert.True(t, contains(c.Prompt, p1+p2), "%v, truth %.0f", c.Prompt, p1+p2)
				past := s.CountPast(t.Context(), Window{From: from, To: to, Lengths: Lengths{Prompt: 250, Output: 150}})
				assert.Equal(t, c.Output, past.Output)
				assert.LessOrEqual(t, p.queries, 5)
			})
		})
	}
}

// TestVictoriaMetrics: a server that rounds the time and answers as of 30 s ago has the same
// counts, also of windows that are counted at once.
func TestVictoriaMetrics(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Hour + 1234*time.Millisecond)
		a := &engine{kind: "vllm", born: time.Now()}
		a.load(time.Now(), 6, 3000)
		p := &scraper{engines: map[string]*engine{"a:1": a}, every: 5 * time.Second, skew: 700 * time.Millisecond}
		time.Sleep(5 * time.Minute)
		w := Window{From: time.Now().Add(-3 * time.Minute), To: time.Now().Add(-2 * time.Minute)}
		want := open1(t, "prometheus=http://prom", p).CountPast(t.Context(), w)
		require.NotNil(t, want.Output, "%v", want.Reasons)
		s := open1(t, "prometheus=http://prom", prometheustest.Victoria{Server: p, Clock: func() time.Time { return time.Now().Add(p.skew) }})
		var all sync.WaitGroup
		for range 3 {
			all.Go(func() { assert.Equal(t, want, s.CountPast(t.Context(), w)) })
		}
		all.Wait()
	})
}

// TestComeAndGo: a replica that begins in the window counts from nothing, one that ends in it has
// no number, and one that was gone before does not matter.
func TestComeAndGo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Hour)
		now := time.Now()
		a, b := &engine{kind: "vllm", born: now}, &engine{kind: "vllm", born: now.Add(110 * time.Second)}
		gone := &engine{kind: "vllm", born: now}
		a.load(now, 4, 2000)
		b.load(b.born, 4, 2000)
		gone.load(now, 1, 100)
		p := &scraper{engines: map[string]*engine{"a:1": a, "b:1": b, "gone:1": gone}, every: 5 * time.Second, until: map[string]time.Time{"gone:1": now.Add(70 * time.Second)}}
		s := open1(t, "prometheus=http://prom&server=vllm", p)
		time.Sleep(5 * time.Minute)
		w := Window{From: now.Add(100 * time.Second), To: now.Add(160 * time.Second)}
		c := s.CountPast(t.Context(), w)
		_, o1 := a.truth(w.From, w.To)
		_, o2 := b.truth(w.From, w.To)
		require.NotNil(t, c.Output, "%v", c.Reasons)
		assert.True(t, contains(c.Output, o1+o2), "%v, truth %.0f", c.Output, o1+o2)
		assert.Equal(t, 2, c.Replicas)

		p.until["b:1"] = now.Add(150 * time.Second)
		c = s.CountPast(t.Context(), w)
		assert.Nil(t, c.Output)
		require.NotEmpty(t, c.Reasons)
		assert.Equal(t, energy.BenchmarkWindowNotBracketed, c.Reasons[0].Reason)
		assert.Contains(t, c.Reasons[0].Detail, "b:1")
	})
}

func TestNothingScraped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := open1(t, "prometheus=http://prom&job=nobody", &scraper{every: time.Second})
		c := s.CountPast(t.Context(), Window{From: time.Now().Add(-time.Minute), To: time.Now()})
		assert.False(t, c.Valid())
		require.NotEmpty(t, c.Reasons)
		assert.Contains(t, c.Reasons[0].Detail, `job="nobody"`)
		page := open1(t, "vllm=host", hosts{})
		assert.NotEmpty(t, page.CountPast(t.Context(), Window{}).Reasons)
	})
}

// TestTable: each name is in the table of one server, with what it takes to be read.
func TestTable(t *testing.T) {
	of := map[string]string{}
	for _, s := range tokenmetric.Servers {
		assert.NotEmpty(t, s.Path, s.Name)
		assert.NotEmpty(t, s.Port, s.Name)
		for what, list := range s.Of {
			for _, m := range list {
				assert.True(t, of[m.Name] == "" || of[m.Name] == s.Name, m.Name)
				of[m.Name] = s.Name
				assert.True(t, tokenmetric.Wanted(m.Name))
				assert.Contains(t, tokenmetric.Names(&s), m.Name)
				assert.NotEmpty(t, tokenmetric.What(what).String())
			}
		}
		found, ok := tokenmetric.Find(s.Name)
		assert.True(t, ok)
		assert.Equal(t, s.Name, found.Name)
	}
	assert.True(t, tokenmetric.IsCreated("vllm:generation_tokens_created"))
	assert.False(t, tokenmetric.IsCreated("python_info_created"))
}
