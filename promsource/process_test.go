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

	"github.com/stretchr/testify/require"

	"github.com/joulebench/joulebench/dcgmsource/dcgmtest"
	"github.com/joulebench/joulebench/internal/wait"
	"github.com/joulebench/joulebench/simsource"
)

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
