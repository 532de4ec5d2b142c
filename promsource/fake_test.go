package promsource

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/joulebench/joulebench/internal/prometheustest"
	"github.com/joulebench/joulebench/powertest/energy"
)

// world is a few GPUs whose power follows steps, and a Prometheus server that
// scrapes them and answers queries. It is a network of its own, so that it works
// in a bubble of testing/synctest.
type world struct {
	mu     sync.Mutex
	series []*series
	steps  []powerStep
	// skew is by how much the server's clock is ahead.
	skew time.Duration
	// lag is by how much time() and instant values are behind.
	lag time.Duration
	// victoria makes it answer as VictoriaMetrics does: time() is rounded down to whole
	// seconds unless the time is given, now() is its clock, latency_offset is 30 s unless it
	// is given, and samples show up 1 to 1.5 s late.
	victoria bool
	// before has a say in each answer; a nil response means that it has none.
	before func(req *http.Request, form url.Values) *http.Response
	// warnings come with each answer.
	warnings []string
	// shuffled makes each answer come in another order.
	shuffled bool
	noDate   bool
	queries  []string
	forms    []url.Values
}

type powerStep struct {
	at    time.Time
	watts float64
}

// series is one series that the server has.
type series struct {
	labels map[string]string
	every  time.Duration // scrape interval
	phase  time.Duration
	// value returns what is scraped at a time, if anything is.
	value func(t time.Time) (float64, bool)
}

// joules returns the energy of a GPU from the first step to t.
func (w *world) joules(t time.Time) float64 {
	sum := 0.0
	for i, s := range w.steps {
		until := t
		if i+1 < len(w.steps) && w.steps[i+1].at.Before(t) {
			until = w.steps[i+1].at
		}
		if until.After(s.at) {
			sum += s.watts * until.Sub(s.at).Seconds()
		}
	}
	return sum
}

func (w *world) truth(s energy.Span) float64 { return w.joules(s.End) - w.joules(s.Start) }

const energyName = "DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION"

// newWorld returns GPUs that have been idle for an hour, two to a node, each
// scraped every second from an exporter that collects as often.
func newWorld(gpus int) *world {
	w := &world{steps: []powerStep{{time.Now().Add(-time.Hour), 100}}}
	for i := range gpus {
		w.add(i, energyName, nil)
	}
	return w
}

// load sets the power of all GPUs from now on.
func (w *world) load(watts float64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.steps = append(w.steps, powerStep{time.Now(), watts})
}

func (w *world) uuid(i int) string { return fmt.Sprintf("GPU-%08x-0000", i) }

// add adds a series of a GPU. Its counter is collected every second, at a phase
// of its node's.
func (w *world) add(i int, name string, extra map[string]string) *series {
	node := i / 2
	s := &series{
		labels: map[string]string{
			"__name__": name, "UUID": w.uuid(i), "gpu": strconv.Itoa(i % 2), "modelName": "NVIDIA H200",
			"Hostname": fmt.Sprintf("node-%02d", node), "instance": fmt.Sprintf("10.0.0.%d:9400", node), "job": "dcgm",
		},
		every: time.Second,
		phase: time.Duration(node*137%1000) * time.Millisecond,
	}
	for k, v := range extra {
		s.labels[k] = v
	}
	s.value = func(t time.Time) (float64, bool) {
		collect := time.Duration(node*311%1000) * time.Millisecond
		return float64(int64(1e9 + 1000*w.joules(t.Add(-collect).Truncate(time.Second).Add(collect)))), true
	}
	w.series = append(w.series, s)
	return s
}

// config returns the configuration of a source on the world.
func (w *world) config() Config {
	return Config{URL: "http://prometheus.test:9090", HTTP: HTTP{Client: &http.Client{Transport: w}}}
}

func (w *world) open(t testing.TB) *Source {
	s, err := Open(w.config())
	require.NoError(t, err)
	t.Cleanup(func() { s.Close() })
	return s
}

// measured measures a window of the past.
func measured(t testing.TB, s *Source, spans ...energy.Span) energy.Measurement {
	t.Helper()
	m, _, err := recalled(t.Context(), s, spans...)
	require.NoError(t, err)
	return m
}

// recalled measures a window of the past, and returns what the source said of it.
func recalled(ctx context.Context, s *Source, spans ...energy.Span) (energy.Measurement, *remembered, error) {
	r := &remembered{Source: s}
	m := energy.MeasurePast(ctx, r, spans...)
	return m, r, r.err
}

// remembered remembers what came of its last ReadRange, and for how long that took.
type remembered struct {
	*Source
	found []energy.Finding
	err   error
	took  time.Duration
}

func (r *remembered) ReadRange(ctx context.Context, spans []energy.Span, to []*energy.History) ([]energy.Finding, error) {
	began := time.Now()
	r.found, r.err = r.Source.ReadRange(ctx, spans, to)
	r.took = time.Since(began)
	return r.found, r.err
}

// clock is the server's.
func (w *world) clock() time.Time { return time.Now().Add(w.skew) }

// RoundTrip answers a query.
func (w *world) RoundTrip(req *http.Request) (*http.Response, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if err := req.Context().Err(); err != nil {
		return nil, err
	}
	form := req.URL.Query()
	if req.Body != nil {
		text, _ := io.ReadAll(req.Body)
		posted, _ := url.ParseQuery(string(text))
		for k, v := range posted {
			form[k] = v
		}
	}
	expr := form.Get("query")
	w.queries, w.forms = append(w.queries, expr), append(w.forms, form)
	if w.before != nil {
		if resp := w.before(req, form); resp != nil {
			resp.Request = req
			return resp, nil
		}
	}
	if expr == "now()" && !w.victoria {
		return w.respond(http.StatusBadRequest, []byte(`{"status":"error","errorType":"bad_data","error":"unknown function with name \"now\""}`)), nil
	}
	return w.respond(http.StatusOK, w.answer(expr, form)), nil
}

// flushed returns when a sample can be asked for in VictoriaMetrics: one second and up to
// half of one later, as was seen.
func flushed(at time.Time) time.Time {
	return at.Add(time.Second + time.Duration(at.Unix()%6)*100*time.Millisecond)
}

func (w *world) respond(status int, body []byte) *http.Response {
	resp := &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(bytes.NewReader(body))}
	if !w.noDate {
		resp.Header.Set("Date", w.clock().UTC().Format(http.TimeFormat))
	}
	return resp
}

var (
	rangeForm   = regexp.MustCompile(`\[(\d+)ms\]`)
	matcherForm = regexp.MustCompile(`(\w+)(=~|=)("(?:[^"\\]|\\.)*")`)
)

// answer evaluates the few kinds of expressions that the source asks for.
func (w *world) answer(expr string, form url.Values) []byte {
	lag := w.lag
	if d, err := time.ParseDuration(form.Get("latency_offset")); err == nil {
		lag = d
	}
	at := w.clock().Add(-lag)
	if w.victoria {
		at = prometheustest.VictorianTime(w.clock(), form)
	}
	if v := form.Get("time"); v != "" {
		seconds, _ := strconv.ParseFloat(v, 64)
		at = time.UnixMilli(int64(seconds*1000 + 0.5))
	}
	if expr == "vector(time())" {
		return w.envelope("vector", []any{map[string]any{
			"metric": map[string]string{},
			"value":  [2]any{float64(at.UnixMilli()) / 1000, fmt.Sprintf("%.3f", float64(at.UnixMilli())/1000)},
		}})
	}
	if w.victoria && expr == "now()" {
		return w.envelope("vector", []any{map[string]any{
			"metric": map[string]string{}, "value": [2]any{at.Unix(), fmt.Sprintf("%.3f", float64(w.clock().UnixMilli())/1000)},
		}})
	}
	var rows []any
	kind := "vector"
	within := rangeForm.FindStringSubmatch(expr)
	for _, s := range w.series {
		if !s.matches(expr) {
			continue
		}
		back := 5 * time.Minute
		if within != nil {
			ms, _ := strconv.Atoi(within[1])
			back = time.Duration(ms) * time.Millisecond
		}
		samples := s.samples(at.Add(-back), earlier(at, w.clock()), w.skew)
		if w.victoria {
			samples = slices.DeleteFunc(samples, func(v stamped) bool { return w.clock().Before(flushed(v.at)) })
		}
		switch {
		case len(samples) == 0:
		case strings.HasPrefix(expr, "resets("):
			rows = append(rows, map[string]any{"metric": without(s.labels), "value": pair(at, resets(samples))})
		case strings.HasPrefix(expr, "sum by"):
			rows = append(rows, map[string]any{"metric": s.only(sumForm.FindStringSubmatch(expr)[1]), "value": pair(at, mean(samples))})
		case strings.HasPrefix(expr, "last_over_time("):
			rows = append(rows, map[string]any{"metric": s.labels, "value": pairs(samples)[len(samples)-1]})
		case within != nil:
			rows = append(rows, map[string]any{"metric": s.labels, "values": pairs(samples)})
		default:
			rows = append(rows, map[string]any{"metric": s.labels, "value": pairs(samples)[len(samples)-1]})
		}
	}
	if within != nil && !strings.Contains(expr, "(") {
		kind = "matrix"
	}
	if w.shuffled {
		rand.Shuffle(len(rows), func(i, j int) { rows[i], rows[j] = rows[j], rows[i] })
	}
	if rows == nil {
		rows = []any{}
	}
	return w.envelope(kind, rows)
}

func (w *world) envelope(kind string, result any) []byte {
	e := map[string]any{"status": "success", "data": map[string]any{"resultType": kind, "result": result}}
	if w.warnings != nil {
		e["warnings"] = w.warnings
	}
	body, err := json.Marshal(e)
	if err != nil {
		panic(err)
	}
	return body
}

func (s *series) matches(expr string) bool {
	for _, m := range matcherForm.FindAllStringSubmatch(expr, -1) {
		value, _ := strconv.Unquote(m[3])
		if m[2] == "=" && s.labels[m[1]] != value {
			return false
		}
		if m[2] == "=~" && !regexp.MustCompile("^(?:"+value+")$").MatchString(s.labels[m[1]]) {
			return false
		}
	}
	return true
}

var sumForm = regexp.MustCompile(`^sum by \(([^)]*)\)`)

// only returns the labels of those names.
func (s *series) only(names string) map[string]string {
	m := map[string]string{}
	for name := range strings.SplitSeq(names, ",") {
		if v := s.labels[name]; v != "" {
			m[name] = v
		}
	}
	return m
}

type stamped struct {
	at    time.Time
	value float64
}

// samples returns what was scraped in a stretch of the server's time.
func (s *series) samples(from, to time.Time, skew time.Duration) []stamped {
	var list []stamped
	for t := from.Truncate(s.every).Add(s.phase); !t.After(to); t = t.Add(s.every) {
		if t.Before(from) {
			continue
		}
		if v, ok := s.value(t.Add(-skew)); ok {
			list = append(list, stamped{t, v})
		}
	}
	return list
}

func pair(at time.Time, v float64) [2]any {
	return [2]any{json.Number(fmt.Sprintf("%.3f", float64(at.UnixMilli())/1000)), strconv.FormatFloat(v, 'f', -1, 64)}
}

func pairs(samples []stamped) [][2]any {
	list := make([][2]any, len(samples))
	for i, s := range samples {
		list[i] = pair(s.at, s.value)
	}
	return list
}

func resets(samples []stamped) float64 {
	n := 0.0
	for i := 1; i < len(samples); i++ {
		if samples[i].value < samples[i-1].value {
			n++
		}
	}
	return n
}

func mean(samples []stamped) float64 {
	sum := 0.0
	for _, s := range samples {
		sum += s.value
	}
	return sum / float64(len(samples))
}

func without(labels map[string]string) map[string]string {
	m := map[string]string{}
	for k, v := range labels {
		if k != "__name__" {
			m[k] = v
		}
	}
	return m
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

// asked returns the queries whose expression contains a text.
func (w *world) asked(text string) []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(w.queries), func(q string) bool { return !strings.Contains(q, text) })
}
