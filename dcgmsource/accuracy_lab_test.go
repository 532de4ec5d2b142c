package dcgmsource_test

import (
	"bytes"
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"net/http"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/joulebench/joulebench/dcgmsource"
	"github.com/joulebench/joulebench/dcgmsource/dcgmtest"
	"github.com/joulebench/joulebench/powertest/energy"
	"github.com/joulebench/joulebench/simsource"
)

// The lab: windows on a GPU that is scraped, each in a bubble with a clock of its
// own, in which everything is real but the GPU and the network: exporter,
// requests, source, recorder.

// kind is a kind of window.
type kind struct {
	collect, window time.Duration
	shape           string
}

func (k kind) String() string { return fmt.Sprintf("T=%v/W=%v/shape=%s", k.collect, k.window, k.shape) }

// outcome is what an estimator said of one window, relative to the truth.
type outcome struct {
	err      float64 // signed relative error, in %
	half     float64 // half-width of the interval, in %
	inside   bool    // the truth lies in the interval
	withheld bool
	why      []energy.Finding
}

// trial is one window.
type trial struct {
	kind
	rng      *rand.Rand
	sim      *simsource.Source
	exporter *dcgmtest.Exporter
}

// try simulates a window of a kind and returns what each estimator says of it.
func (k kind) try(t *testing.T, seed, number uint64) map[string]outcome {
	var result map[string]outcome
	synctest.Test(t, func(t *testing.T) {
		x := &trial{kind: k, rng: rand.New(rand.NewPCG(seed, number))}
		x.sim = simsource.New(x.power())
		x.exporter = dcgmtest.New(dcgmtest.Config{Source: x.sim, Collect: k.collect, Only: true, Seed: x.rng.Uint64()})
		result = x.run(t)
	})
	return result
}

// power is how the GPU follows its load.
func (x *trial) power() simsource.Config {
	cfg := simsource.Config{
		Idle: 100, Peak: 700, PowerLimit: -1, Seed: x.rng.Uint64(), Noise: uniform(x.rng, 0.005, 0.05),
		Ramp: 5 * time.Millisecond, Tail: 20 * time.Millisecond,
	}
	if x.shape == "decay" {
		cfg.Ramp = seconds(loguniform(x.rng, 0.01, 0.1))
		cfg.Tail = seconds(loguniform(x.rng, 0.1, 3))
	}
	return cfg
}

// run takes a window: with the instrument, which begins it at a tick of the
// counter as benchmarks do, except where the shape is late, and with its peers.
func (x *trial) run(t *testing.T) map[string]outcome {
	time.Sleep(2*time.Second + seconds(uniform(x.rng, 0, x.collect.Seconds())))
	src := x.open(t)
	defer src.Close()
	scraper := x.scrape(t.Context())
	done := func() {}
	if x.shape == "warm" {
		done = x.sim.Busy()
	}
	w := energy.NewRecorder(src).Open()
	if err := w.WaitTicks(t.Context(), 2); err != nil {
		t.Logf("%v: lead: %v", x.kind, err)
	}
	if x.shape == "late" {
		time.Sleep(seconds(uniform(x.rng, 0, x.collect.Seconds())))
	}
	before, plain, start := scraper.latest(), x.read(), time.Now()
	w.Resume()
	if x.shape != "warm" {
		done = x.sim.Busy()
	}
	// The end is at any time between two collections.
	time.Sleep(x.window + seconds(uniform(x.rng, -0.5, 0.5)*x.collect.Seconds()))
	if x.shape != "warm" {
		done()
	}
	w.Pause()
	plain, end := x.read()-plain, time.Now()
	m := w.Measure(t.Context())
	time.Sleep(time.Until(end.Add(time.Second)))
	done()

	truth := x.sim.TrueJoules(start, end)
	require.False(t, math.IsNaN(truth))
	return map[string]outcome{
		"powertest": judge(m, truth),
		"plain":     {err: 100 * (plain - truth) / truth},
		"aiperf":    {err: 100 * (scraper.after(end.Add(666*time.Millisecond)) - before - truth) / truth},
	}
}

func judge(m energy.Measurement, truth float64) outcome {
	if !m.Valid {
		return outcome{withheld: true, why: m.Reasons}
	}
	return outcome{
		err:    100 * (m.Energy.Joules - truth) / truth,
		half:   100 * m.Energy.HalfWidth() / truth,
		inside: m.Energy.Low <= truth && truth <= m.Energy.High,
	}
}

// open opens the source through a network that takes 5 to 100 ms.
func (x *trial) open(t *testing.T) energy.Source {
	const host = "node-1:9400"
	network := &slow{
		rng:  rand.New(rand.NewPCG(x.rng.Uint64(), 0)),
		next: dcgmtest.Transport(map[string]http.Handler{host: x.exporter}),
	}
	src, err := dcgmsource.Open(dcgmsource.Config{
		Endpoints: []dcgmsource.Endpoint{{URL: "http://" + host}},
		HTTP:      dcgmsource.HTTP{Client: &http.Client{Transport: network}},
	})
	require.NoError(t, err)
	return src
}

// read returns what the exporter's counter shows now, in joules, as a scrape
// does that takes no time.
func (x *trial) read() float64 {
	const name = "\nDCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION{"
	_, row, _ := bytes.Cut(x.exporter.Page(time.Now()), []byte(name))
	row, _, _ = bytes.Cut(row, []byte("\n"))
	millis, err := strconv.ParseFloat(string(row[bytes.LastIndexByte(row, ' ')+1:]), 64)
	if err != nil {
		panic(err)
	}
	return millis / 1e3
}

func uniform(rng *rand.Rand, lo, hi float64) float64 { return lo + (hi-lo)*rng.Float64() }

// loguniform favours no order of magnitude.
func loguniform(rng *rand.Rand, lo, hi float64) float64 {
	return lo * math.Pow(hi/lo, rng.Float64())
}

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }

// slow is a network in which a request takes 5 to 100 ms, shared between the two
// ways at random.
type slow struct {
	next http.RoundTripper

	mu  sync.Mutex
	rng *rand.Rand
}

func (s *slow) RoundTrip(req *http.Request) (*http.Response, error) {
	s.mu.Lock()
	forth := s.rng.Float64()
	latency := seconds(loguniform(s.rng, 0.005, 0.1))
	s.mu.Unlock()
	wait := seconds(forth * latency.Seconds())
	if err := pause(req.Context(), wait); err != nil {
		return nil, err
	}
	resp, err := s.next.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	if err := pause(req.Context(), latency-wait); err != nil {
		resp.Body.Close()
		return nil, err
	}
	return resp, nil
}

func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// scraper is what aiperf does: it scrapes every 333 ms. Its energy is from the
// last scrape before the start to the first after the end and 666 ms of grace.
// Its scrapes take no time.
type scraper struct {
	mu    sync.Mutex
	times []time.Time
	shown []float64
}

const scrapeEvery = 333 * time.Millisecond

// scrape scrapes until the context ends.
func (x *trial) scrape(ctx context.Context) *scraper {
	s := &scraper{}
	phase := seconds(uniform(x.rng, 0, scrapeEvery.Seconds()))
	s.add(x.read())
	go func() {
		if pause(ctx, phase) != nil {
			return
		}
		for {
			s.add(x.read())
			if pause(ctx, scrapeEvery) != nil {
				return
			}
		}
	}()
	return s
}

func (s *scraper) add(joules float64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.times, s.shown = append(s.times, time.Now()), append(s.shown, joules)
}

// latest returns what the last scrape showed.
func (s *scraper) latest() float64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.shown[len(s.shown)-1]
}

// after returns what the first scrape after t showed.
func (s *scraper) after(t time.Time) float64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, at := range s.times {
		if at.After(t) {
			return s.shown[i]
		}
	}
	return s.shown[len(s.shown)-1]
}
