package dcgmsource

import (
	"context"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/joulebench/joulebench/powertest/energy"
)

// PrometheusConfig says which GPUs to read from a Prometheus server, or one that
// answers the same queries: Mimir, Thanos, VictoriaMetrics. POWERTEST_SOURCE gives
// it as an address with what follows a question mark:
//
//	prometheus=http://prom:9090?selector={job="dcgm",cluster="a"}&collect=1s&role.prefill=gpu-node-01
//
// The keys selector, collect and role.NAME are those of the fields; all others
// are Params. An ampersand in a value is written as %26; a plus sign stays one.
type PrometheusConfig struct {
	// URL is the address of the server, with its base path if it has one, such
	// as http://mimir:8080/prometheus.
	URL string
	// Selector narrows the series down, as PromQL matchers in braces:
	// {job="dcgm",cluster="a"}. Empty means all that dcgm-exporter's names fit.
	Selector string
	// Devices selects GPUs by "all", by host, by host/index, or by UUID or the
	// beginning of one. An element may hold several, separated by commas. Empty
	// means all.
	Devices []string
	// Roles gives roles to GPUs: by name of the role, selectors as in Devices.
	Roles map[string][]string
	// Collect is the collect interval of the exporters (their -c), if it is
	// known: how old a value can be when it is scraped.
	Collect time.Duration
	// Params are sent with each query, such as dedup=true for Thanos.
	Params url.Values
	// HTTP says how requests are made.
	HTTP
}

// openTimeout bounds how long opening may take.
const openTimeout = 10 * time.Second

// PrometheusSource is an [energy.HistorySource] on the samples that a server keeps
// of dcgm-exporter's metrics. A window costs the server a few queries, after its
// end, and nothing while it lasts.
//
// Energy is never that of increase() or of an instant value: the samples around
// the edges of the window are fetched as they are, and the edges closed as those
// of any counter. All series with a GPU's UUID are one counter, whatever their
// other labels: MIG instances, pods that follow each other, replicas. How well a
// window is known follows from how often it is scraped, and how often exporters
// collect: a window needs several times the longer of the two to have a number.
//
// Times of samples are of the server's clock, which is compared with this
// machine's when the source is opened and after each window; how long a scrape
// took is not in them. It is taken that the server that answers and those that
// scrape agree on the time.
type PrometheusSource struct {
	cfg      PrometheusConfig
	client   *web
	wire     *wire
	info     energy.Info
	matchers string   // what the selector has in its braces
	metrics  []string // of the devices
	powers   []string // power metrics that there are

	devices    []energy.Device
	byUUID     map[string]int
	ranks      []int           // of each device's metric among metrics
	known      map[string]bool // UUIDs of all GPUs that were there at open
	uuidLabels []string        // the label that has each device's UUID
	gauges     []int
	rows       int           // series of all devices
	scrape     time.Duration // the longest interval
	fastest    time.Duration // the shortest one
	period     time.Duration

	closed atomic.Bool
	mu     sync.Mutex
	looks  []clock // at the server's clock
}

var _ energy.HistorySource = (*PrometheusSource)(nil)

var errPrometheusClosed = fmt.Errorf("prometheus: the source is closed: %w", fs.ErrClosed)

// OpenPrometheus opens the GPUs that cfg selects. It asks the server which there
// are, how often they are scraped and what time it is, within 10 s.
//
// Its errors say what to do, and wrap [energy.ErrNoDevice] if no GPU is
// selected or one is not there, [energy.ErrStalled] if the server does not
// answer in time, and [fs.ErrPermission] if it refuses to.
func OpenPrometheus(cfg PrometheusConfig) (*PrometheusSource, error) {
	matchers, err := inBraces(cfg.Selector)
	if err != nil {
		return nil, malformed(err)
	}
	to, err := Address(cfg.URL).parse(defaults{port: "9090"})
	if err != nil {
		return nil, malformed(fmt.Errorf("prometheus: %w", err))
	}
	client, err := cfg.HTTP.open(os.Getenv)
	if err != nil {
		return nil, fmt.Errorf("prometheus: %w", err)
	}
	w, err := newWire(to, client, cfg)
	if err != nil {
		return nil, err
	}
	s := &PrometheusSource{cfg: cfg, client: client, wire: w, matchers: matchers}
	ctx, cancel := context.WithTimeout(context.Background(), openTimeout)
	defer cancel()
	if err := s.open(ctx); err != nil {
		client.close()
		return nil, err
	}
	return s, nil
}

func (s *PrometheusSource) open(ctx context.Context) error {
	now, note, err := s.wire.syncClock(ctx)
	if err != nil {
		return err
	}
	s.looks = []clock{now}
	s.info = energy.Info{Name: prometheusName, Version: "prometheus at " + s.wire.host + note}
	jobs, err := s.takeInventory(ctx)
	if err != nil {
		return err
	}
	return s.learn(ctx, now.there(time.Now()), jobs)
}

// inBraces returns the matchers of a selector.
func inBraces(selector string) (string, error) {
	text := strings.TrimSpace(selector)
	if text == "" {
		return "", nil
	}
	inner, open := strings.CutPrefix(text, "{")
	inner, closed := strings.CutSuffix(inner, "}")
	if !open || !closed {
		return "", fmt.Errorf("prometheus: the selector %s is not in braces: write it as in PromQL, without the name of a metric: {job=\"dcgm\"}", text)
	}
	return strings.TrimRight(strings.TrimSpace(inner), ", "), nil
}

// Info describes the source. Its period is the slowest that was seen.
func (s *PrometheusSource) Info() energy.Info { return s.info }

// Devices lists the GPUs by host, index and UUID.
func (s *PrometheusSource) Devices() []energy.Device { return s.devices }

// Close closes idle connections.
func (s *PrometheusSource) Close() error {
	if !s.closed.Swap(true) {
		s.client.close()
	}
	return nil
}
