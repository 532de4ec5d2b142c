package prometheustest

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// VictorianTime is the time of an instant query without time= in VictoriaMetrics: the clock's in
// whole seconds, and 30 s ago unless latency_offset is given.
func VictorianTime(clock time.Time, form url.Values) time.Time {
	offset := 30 * time.Second
	if d, err := time.ParseDuration(form.Get("latency_offset")); err == nil {
		offset = d
	}
	if at := clock.Truncate(time.Second); clock.Sub(at) >= offset {
		return at
	}
	return clock.Add(-offset)
}

// Victoria tells the time as VictoriaMetrics does, by a clock of which now() is exact. Server
// answers all other queries.
type Victoria struct {
	Server http.RoundTripper
	Clock  func() time.Time
}

// RoundTrip answers.
func (v Victoria) RoundTrip(r *http.Request) (*http.Response, error) {
	text, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	form, err := url.ParseQuery(string(text))
	if err != nil {
		return nil, err
	}
	at := v.Clock()
	switch form.Get("query") {
	case "now()":
	case "vector(time())":
		at = VictorianTime(at, r.URL.Query())
	default:
		again := r.Clone(r.Context())
		again.Body = io.NopCloser(strings.NewReader(string(text)))
		return v.Server.RoundTrip(again)
	}
	body := fmt.Sprintf(`{"status":"success","data":{"resultType":"vector","result":[{"metric":{},"value":[%d,"%.3f"]}]}}`, at.Unix(), float64(at.UnixMilli())/1000)
	date := http.Header{"Date": {v.Clock().UTC().Format(http.TimeFormat)}}
	return &http.Response{StatusCode: http.StatusOK, Header: date, Body: io.NopCloser(strings.NewReader(body)), Request: r}, nil
}
