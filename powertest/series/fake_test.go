package series

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/joulebench/joulebench/internal/web"
)

// world is a Prometheus server with the samples of its series, which answers the kinds of queries
// that are asked.
type world struct {
	series []*scraped
}

// scraped is one series.
type scraped struct {
	labels map[string]string
	at     []int64 // ms
	values []float64
}

var (
	matcherForm = regexp.MustCompile(`(\w+)(=~|!~|=)("(?:[^"\\]|\\.)*")`)
	rangeForm   = regexp.MustCompile(`\[(\d+)ms\]`)
	byForm      = regexp.MustCompile(`^(?:count|sum) by \(([\w,]+)\)`)
)

// add adds a series that is scraped every so often from start to end: its value by time.
func (w *world) add(start, end time.Time, every time.Duration, phase time.Duration, value func(time.Time) float64, labels ...string) *scraped {
	s := &scraped{labels: map[string]string{}}
	for i := 0; i < len(labels); i += 2 {
		s.labels[labels[i]] = labels[i+1]
	}
	for at := start.Add(phase); at.Before(end); at = at.Add(every) {
		s.at, s.values = append(s.at, at.UnixMilli()), append(s.values, value(at))
	}
	w.series = append(w.series, s)
	return s
}

// matching returns the series that an expression is about.
func (w *world) matching(expr string) (list []*scraped) {
	type matcher struct {
		label string
		is    func(string) bool
		not   bool
	}
	var all []matcher
	for _, m := range matcherForm.FindAllStringSubmatch(expr, -1) {
		value, _ := strconv.Unquote(m[3])
		is := func(v string) bool { return v == value }
		if m[2] != "=" {
			is = regexp.MustCompile("^(?:" + value + ")$").MatchString
		}
		all = append(all, matcher{m[1], is, m[2] == "!~"})
	}
	for _, s := range w.series {
		if !slices.ContainsFunc(all, func(m matcher) bool { return m.is(s.labels[m.label]) == m.not }) {
			list = append(list, s)
		}
	}
	return list
}

// instant is the newest sample at a time, of the last minute: what is older is stale.
func (s *scraped) instant(at int64) (i int, ok bool) {
	i, found := slices.BinarySearch(s.at, at)
	if !found {
		i--
	}
	return i, i >= 0 && at-s.at[i] < 60_000
}

// eval evaluates a function of one series at a time.
func (s *scraped) eval(expr string, at int64) (float64, bool) {
	if m := rangeForm.FindStringSubmatch(expr); m != nil {
		ms, _ := strconv.ParseInt(m[1], 10, 64)
		if strings.HasPrefix(expr, "last_over_time(") {
			i, ok := s.instant(at)
			if !ok || s.at[i] <= at-ms {
				return 0, false
			}
			return s.values[i], true
		}
		n := 0.0
		i, _ := slices.BinarySearch(s.at, at-ms+1)
		for i++; i < len(s.at) && s.at[i] <= at; i++ {
			if s.values[i] < s.values[i-1] {
				n++
			}
		}
		return n, n > 0
	}
	i, ok := s.instant(at)
	if !ok {
		return 0, false
	}
	if strings.HasPrefix(expr, "timestamp(") {
		return float64(s.at[i]) / 1000, true
	}
	return s.values[i], true
}

func stamp(ms int64) json.Number {
	return json.Number(strconv.FormatFloat(float64(ms)/1000, 'f', 3, 64))
}

func ms(text string) int64 {
	seconds, _ := strconv.ParseFloat(text, 64)
	return int64(math.Round(1000 * seconds))
}

type group struct {
	labels map[string]string
	values map[int64]float64
}

// between answers a query_range.
func (w *world) between(expr string, form url.Values) []any {
	rows := map[string]*group{}
	by := byForm.FindStringSubmatch(expr)
	for _, s := range w.matching(expr) {
		if strings.Contains(expr, "max without (prometheus,") && s.labels["prometheus_replica"] != "" {
			continue // a copy
		}
		labels := map[string]string{}
		for k, v := range s.labels {
			if by == nil && (k != "__name__" || !strings.Contains(expr, "(")) || by != nil && slices.Contains(strings.Split(by[1], ","), k) {
				labels[k] = v
			}
		}
		key := fmt.Sprint(labels)
		if by == nil {
			key = fmt.Sprint(s.labels)
		}
		if rows[key] == nil {
			rows[key] = &group{labels, map[int64]float64{}}
		}
		for at := ms(form.Get("start")); at <= ms(form.Get("end")); at += ms(form.Get("step")) {
			if v, ok := s.eval(expr, at); ok {
				rows[key].values[at] += v
			}
		}
	}
	var list []any
	for _, g := range rows {
		var pairs [][2]any
		for at := ms(form.Get("start")); at <= ms(form.Get("end")); at += ms(form.Get("step")) {
			if v, ok := g.values[at]; ok {
				pairs = append(pairs, [2]any{stamp(at), strconv.FormatFloat(v, 'f', -1, 64)})
			}
		}
		if pairs != nil {
			list = append(list, map[string]any{"metric": g.labels, "values": pairs})
		}
	}
	return list
}

// once answers a query.
func (w *world) once(expr string, form url.Values) (kind string, list []any) {
	at := time.Now().UnixMilli()
	if t := form.Get("time"); t != "" {
		at = ms(t)
	}
	if expr == "vector(time())" {
		return "vector", []any{map[string]any{"metric": map[string]string{}, "value": [2]any{stamp(at), stamp(at).String()}}}
	}
	back := int64(60_000)
	if m := rangeForm.FindStringSubmatch(expr); m != nil {
		back, _ = strconv.ParseInt(m[1], 10, 64)
	}
	kind = "vector"
	for _, s := range w.matching(expr) {
		var pairs [][2]any
		for i := range s.at {
			if s.at[i] > at-back && s.at[i] <= at {
				pairs = append(pairs, [2]any{stamp(s.at[i]), strconv.FormatFloat(s.values[i], 'f', -1, 64)})
			}
		}
		switch {
		case pairs == nil:
		case strings.HasPrefix(expr, "timestamp("):
			last := pairs[len(pairs)-1][0].(json.Number)
			list = append(list, map[string]any{"metric": s.labels, "value": [2]any{stamp(at), last.String()}})
		case strings.HasPrefix(expr, "last_over_time(") || !strings.Contains(expr, "["):
			list = append(list, map[string]any{"metric": s.labels, "value": pairs[len(pairs)-1]})
		default:
			kind = "matrix"
			list = append(list, map[string]any{"metric": s.labels, "values": pairs})
		}
	}
	return kind, list
}

// RoundTrip answers.
func (w *world) RoundTrip(r *http.Request) (*http.Response, error) {
	text, _ := io.ReadAll(r.Body)
	form, _ := url.ParseQuery(string(text))

	kind, list := "matrix", []any{}
	if strings.HasSuffix(r.URL.Path, "/query_range") {
		list = append(list, w.between(form.Get("query"), form)...)
	} else {
		var more []any
		kind, more = w.once(form.Get("query"), form)
		list = append(list, more...)
	}
	body, err := json.Marshal(map[string]any{"status": "success", "data": map[string]any{"resultType": kind, "result": list}})
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(bytes.NewReader(body)), Request: r}, err
}

// options are those of a series of the world.
func (w *world) options(start, end time.Time, every time.Duration) Options {
	return Options{Server: web.Address("http://prom.test:9090"), Start: start, End: end, Every: every, HTTP: HTTP{Client: &http.Client{Transport: w}}}
}

// read reads a series, which must be there.
func (w *world) read(t *testing.T, o Options) *Series {
	t.Helper()
	s, err := Read(t.Context(), o)
	require.NoError(t, err)
	return s
}

// group returns a group, which must be there.
func (s *Series) group(t *testing.T, name string) *Group {
	t.Helper()
	for _, g := range s.Groups {
		if g.Name == name {
			return g
		}
	}
	require.Fail(t, "there is no group", name)
	return nil
}
