//go:build slow

package promsource

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/joulebench/joulebench/dcgmsource/dcgmtest"
	"github.com/joulebench/joulebench/internal/wait"
	"github.com/joulebench/joulebench/powertest/energy"
	"github.com/joulebench/joulebench/simsource"
)

// An instrument on a real server is right, says how sure it is, and is better
// than what the server itself makes of the same samples.
func TestSlowServer(t *testing.T) {
	t.Parallel() // it waits for scrapes
	f := record(t, 90*time.Second)
	t.Run("waits, and after the server was stopped", func(t *testing.T) {
		s := f.open("clean")
		span := energy.Span{Start: f.stopped.Add(-12 * time.Second), End: time.Now()}
		m := measured(t, s, span)
		t.Logf("waited %v", time.Since(span.End).Round(time.Millisecond))
		assert.Less(t, time.Since(span.End), 10*time.Second)
		check(t, m, f.clean...)
	})
	t.Run("scraped every second", func(t *testing.T) {
		score := f.compare(t, f.open("clean"), f.clean, 20, 8*time.Second, 40*time.Second, f.began.Add(6*time.Second), f.stopped.Add(-5*time.Second))
		assert.GreaterOrEqual(t, score.totals, 18)
		assert.Equal(t, 20, score.totals+score.late, "windows have no number, but for those whose scrapes a busy machine delayed")
		assert.Less(t, score.ours, score.theirs)
	})
	t.Run("scraped every 15 s", func(t *testing.T) {
		// Two scrapes lie before the windows, and one after them: few for such a
		// load, so that many numbers are withheld.
		score := f.compare(t, f.open("slow"), f.slow, 10, 36*time.Second, 39*time.Second, f.began.Add(29*time.Second), f.began.Add(68*time.Second))
		assert.Positive(t, score.numbers)
	})
	t.Run("pods come and go", func(t *testing.T) {
		m := measured(t, f.open("churn"), energy.Span{Start: f.began.Add(6 * time.Second), End: f.began.Add(50 * time.Second)})
		check(t, m, f.churn)
	})
	t.Run("target is down for a while", func(t *testing.T) {
		m := measured(t, f.open("down"), energy.Span{Start: f.began.Add(8 * time.Second), End: f.began.Add(52 * time.Second)})
		check(t, m, f.down)
	})
	t.Run("counter is reset", func(t *testing.T) {
		m := measured(t, f.open("reset"), energy.Span{Start: f.began.Add(8 * time.Second), End: f.began.Add(58 * time.Second)})
		assert.False(t, m.Valid)
		assert.True(t, m.Has(energy.CounterReset), "%v", m.Reasons)
		assert.True(t, m.Devices[0].Valid, "%v", m.Devices[0].Reasons)
	})
}

// check makes sure that the truth lies in twice the interval: of the intervals
// themselves, one in twenty may miss it.
func check(t *testing.T, m energy.Measurement, nodes ...*node) {
	truth := used(m, nodes)
	if assert.True(t, m.Valid, "%v", m.Reasons) {
		t.Logf("%.1f J in [%.1f, %.1f], truth %.1f: off by %+.2f %%, interval ±%.2f %%", m.Energy.Joules, m.Energy.Low, m.Energy.High, truth, 100*(m.Energy.Joules/truth-1), m.Energy.ErrPercent())
		assert.InDelta(t, truth, m.Energy.Joules, 2*m.Energy.HalfWidth())
	}
}

// used returns the joules that the nodes used during a measurement.
func used(m energy.Measurement, nodes []*node) float64 {
	sum := 0.0
	for _, n := range nodes {
		sum += n.sim.TrueJoules(m.Start, m.End)
	}
	return sum
}

// score is how near to the truth numbers are.
type score struct {
	totals, insideTotals int     // of all GPUs
	late                 int     // withheld since scrapes were missing
	numbers, inside      int     // of single ones
	ours, theirs         float64 // sums of relative errors
}

func (s *score) add(e energy.Estimate, truth, increase float64) {
	s.numbers++
	if e.Low <= truth && truth <= e.High {
		s.inside++
	}
	if !math.IsNaN(increase) {
		s.ours += math.Abs(e.Joules/truth - 1)
		s.theirs += math.Abs(increase/truth - 1)
	}
}

// compare measures random windows, by the instrument and by increase(): each GPU
// by itself, and all of them.
func (f *plant) compare(t *testing.T, s *Source, nodes []*node, windows int, shortest, longest time.Duration, from, to time.Time) score {
	var all score
	off := map[string]float64{}
	rng := rand.New(rand.NewPCG(7, 7))
	of := map[string]*node{}
	for _, n := range nodes {
		of[n.exporter.UUID(0)] = n
	}
	for range windows {
		d := shortest + time.Duration(rng.Float64()*float64(min(longest, to.Sub(from))-shortest))
		start := from.Add(time.Duration(rng.Float64() * float64(to.Sub(from)-d)))
		end := start.Add(d)
		m := f.atOnce(t, s, energy.Span{Start: start, End: end})
		increase := 0.0
		for _, one := range m.Devices {
			theirs := f.scalar(fmt.Sprintf("sum(increase(%s[%dms]))/1000", s.fleet.selector.series(s.fleet.names, `UUID="`+one.Device.UUID+`"`), d.Milliseconds()), end)
			increase += theirs
			if one.Valid {
				off[one.Device.UUID] += (one.Energy.Joules - of[one.Device.UUID].sim.TrueJoules(start, end)) / float64(windows)
				all.add(one.Energy, of[one.Device.UUID].sim.TrueJoules(start, end), theirs)
			}
		}
		truth := used(m, nodes)
		if m.Valid {
			all.totals++
			if m.Energy.Low <= truth && truth <= m.Energy.High {
				all.insideTotals++
			}
		} else if m.Has(energy.SamplingGapExceeded) || m.Has(energy.BenchmarkWindowNotBracketed) {
			all.late++
		}
		ours := fmt.Sprintf("%.160v", m.Reasons)
		if m.Valid {
			ours = fmt.Sprintf("%7.0f (%+.2f %%) in [%7.0f, %7.0f]", m.Energy.Joules, 100*(m.Energy.Joules/truth-1), m.Energy.Low, m.Energy.High)
		}
		t.Logf("%5.2f s: truth %7.0f J; increase() %7.0f (%+.2f %%); ours %s", d.Seconds(), truth, increase, 100*(increase/truth-1), ours)
	}
	for i, age := range f.ages(s, of) {
		uuid := s.Devices()[i].UUID
		t.Logf("%s: values are %v old when they are scraped; ours is off by %+.1f J on average", uuid, age, off[uuid])
	}
	n := float64(max(all.numbers, 1))
	t.Logf("%d of %d windows have a total, and the truth lies in %d of their intervals; of single GPUs, in %d of %d; mean error of those %.2f %%, of increase() %.2f %%",
		all.totals, windows, all.insideTotals, all.inside, all.numbers, 100*all.ours/n, 100*all.theirs/n)
	assert.GreaterOrEqual(t, float64(all.insideTotals), 0.95*float64(all.totals))
	// The age of a GPU's values is the same in all of its windows, so these are
	// not as many independent trials as there are numbers.
	assert.GreaterOrEqual(t, float64(all.inside), 0.9*float64(all.numbers))
	return all
}

// ages returns how old the newest value of each device was when it was scraped.
func (f *plant) ages(s *Source, of map[string]*node) []time.Duration {
	list := make([]time.Duration, len(s.Devices()))
	readings := make([]energy.Reading, len(list))
	for i := range readings {
		readings[i].Device = i
	}
	s.Read(readings)
	for i, r := range readings {
		collected := of[s.Devices()[i].UUID].exporter.Collected(time.Now())
		age := r.After.Sub(collected) % time.Second
		list[i] = (age + time.Second) % time.Second
	}
	return list
}

// atOnce measures a window by what the server has now.
func (f *plant) atOnce(t *testing.T, s *Source, span energy.Span) energy.Measurement {
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	m, _, err := recalled(ctx, s, span)
	require.NoError(t, err)
	return m
}

// server is a Prometheus process.
type server struct {
	t      *testing.T
	binary string
	dir    string
	addr   string
	cmd    *exec.Cmd
}

// startServer starts Prometheus on a loopback port with a configuration.
func startServer(t *testing.T, config string) *server {
	binary, err := exec.LookPath("prometheus")
	if err != nil && os.Getenv("CI") != "" {
		t.Fatal("there is no prometheus: install Debian's package of that name")
	} else if err != nil {
		t.Skip("there is no prometheus in PATH")
	}
	s := &server{t: t, binary: binary, dir: t.TempDir(), addr: freePort(t)}
	require.NoError(t, os.WriteFile(filepath.Join(s.dir, "prometheus.yml"), []byte(config), 0o600))
	s.start()
	t.Cleanup(s.stop)
	return s
}

func freePort(t *testing.T) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	return l.Addr().String()
}

// start starts the process and waits until it answers.
func (s *server) start() {
	s.cmd = exec.Command(s.binary,
		"--config.file="+filepath.Join(s.dir, "prometheus.yml"),
		"--storage.tsdb.path="+filepath.Join(s.dir, "data"),
		"--web.listen-address="+s.addr, "--log.level=error")
	s.cmd.Stderr = os.Stderr
	require.NoError(s.t, s.cmd.Start())
	require.Eventually(s.t, func() bool {
		resp, err := http.Get("http://" + s.addr + "/-/ready")
		if err != nil {
			return false
		}
		resp.Body.Close()
		return resp.StatusCode == http.StatusOK
	}, 30*time.Second, 50*time.Millisecond, "prometheus did not start")
}

// stop ends the process, which writes down what it has.
func (s *server) stop() {
	if s.cmd != nil {
		s.cmd.Process.Signal(syscall.SIGTERM)
		s.cmd.Wait()
		s.cmd = nil
	}
}

// scalar evaluates an expression that has one value; NaN if it has none.
func (s *server) scalar(expr string, at time.Time) float64 {
	form := url.Values{"query": {expr}, "time": {strconv.FormatFloat(float64(at.UnixMilli())/1000, 'f', 3, 64)}}
	resp, err := http.PostForm("http://"+s.addr+"/api/v1/query", form)
	require.NoError(s.t, err)
	defer resp.Body.Close()
	var answer struct {
		Data struct {
			Result []struct{ Value [2]any }
		}
	}
	require.NoError(s.t, json.NewDecoder(resp.Body).Decode(&answer))
	if len(answer.Data.Result) != 1 {
		return math.NaN()
	}
	v, err := strconv.ParseFloat(answer.Data.Result[0].Value[1].(string), 64)
	require.NoError(s.t, err)
	return v
}

// node is an exporter of a few GPUs on a socket, under a load that changes all
// the time.
type node struct {
	sim      *simsource.Source
	exporter *dcgmtest.Exporter
	addr     string
}

func startNode(t *testing.T, seed uint64, gpus int) *node {
	n := &node{sim: simsource.New(simsource.Config{GPUs: gpus, Idle: 90, Peak: 700, Ramp: 50 * time.Millisecond, Tail: 300 * time.Millisecond, Noise: 0.03, Seed: seed})}
	n.exporter = dcgmtest.New(dcgmtest.Config{Source: n.sim, Hostname: fmt.Sprintf("node-%d", seed), Collect: time.Second, Only: true, Seed: seed})
	web := httptest.NewServer(n.exporter)
	n.addr = web.Listener.Addr().String()
	ctx, cancel := context.WithCancel(context.Background())
	idle := make(chan struct{})
	go func() {
		defer close(idle)
		n.work(ctx, rand.New(rand.NewPCG(seed, 1)))
	}()
	t.Cleanup(func() {
		cancel()
		<-idle
		web.Close()
	})
	return n
}

// work puts load on the GPUs, as a server does that gets requests in bursts.
func (n *node) work(ctx context.Context, rng *rand.Rand) {
	for ctx.Err() == nil {
		done := n.sim.BusyLoad(0.2 + 0.8*rng.Float64())
		wait.Sleep(ctx, time.Duration((0.3+4*rng.Float64())*float64(time.Second)))
		done()
		wait.Sleep(ctx, time.Duration(rng.ExpFloat64()*0.7*float64(time.Second)))
	}
}

// plant is one Prometheus server and what it scrapes.
type plant struct {
	*server
	// Several nodes, since how old a value is when it is scraped stays the same
	// on each, and is the luck of the test.
	clean, slow           []*node
	churn, down, reset    *node
	began, stopped, ended time.Time
}

// record runs a fleet for some time, with what goes wrong in one. All windows
// are measured afterwards, from what the server remembers.
func record(t *testing.T, d time.Duration) *plant {
	f := &plant{churn: startNode(t, 1, 2), down: startNode(t, 2, 2), reset: startNode(t, 3, 2)}
	for i := range uint64(6) {
		f.clean = append(f.clean, startNode(t, 10+i, 1))
		f.slow = append(f.slow, startNode(t, 20+i, 1))
	}
	var config strings.Builder
	config.WriteString("global: {scrape_interval: 1s, scrape_timeout: 900ms}\nscrape_configs:\n")
	for job, nodes := range map[string][]*node{"clean": f.clean, "churn": {f.churn}, "down": {f.down}, "reset": {f.reset}} {
		fmt.Fprintf(&config, "- {job_name: %s, static_configs: [{targets: [%s]}]}\n", job, targets(nodes))
	}
	fmt.Fprintf(&config, "- {job_name: slow, scrape_interval: 15s, scrape_timeout: 5s, static_configs: [{targets: [%s]}]}\n", targets(f.slow))
	f.server = startServer(t, config.String())
	f.began = time.Now()
	at := func(share float64) { time.Sleep(time.Until(f.began.Add(time.Duration(share * float64(d))))) }
	for i := range 4 {
		at(0.1 * float64(i))
		f.churn.exporter.HPCJobs(0, fmt.Sprintf("job-%d", i))
	}
	f.down.exporter.Down()
	time.Sleep(6 * time.Second)
	f.down.exporter.Up()
	at(0.45)
	f.reset.exporter.ResetCounter(1)
	at(0.86)
	f.stopped = time.Now()
	f.server.stop()
	time.Sleep(2 * time.Second)
	f.server.start()
	at(1) // it takes some 5 s until it scrapes again: what follows is after that
	f.ended = time.Now()
	return f
}

func targets(nodes []*node) string {
	quoted := make([]string, len(nodes))
	for i, n := range nodes {
		quoted[i] = "'" + n.addr + "'"
	}
	return strings.Join(quoted, ",")
}

// open opens the GPUs of a job.
func (f *plant) open(job string) *Source {
	s, err := Open(Config{URL: "http://" + f.addr, Selector: fmt.Sprintf("{job=%q}", job), Collect: time.Second})
	require.NoError(f.t, err)
	f.t.Cleanup(func() { s.Close() })
	return s
}
