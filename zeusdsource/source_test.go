package zeusdsource

import (
	"io/fs"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/joulebench/joulebench/internal/web"
	"github.com/joulebench/joulebench/powertest/energy"
	"github.com/joulebench/joulebench/powertest/energy/energytest"
)

func TestDevices(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &daemon{start: time.Now()}
		n := network{"a:4938": d}
		s := opened(t, Config{Servers: []Address{"a#decode"}, HTTP: n.client()})
		assert.Equal(t, energy.Info{Name: "zeusd", Period: counterPeriod, Poll: shortestPoll, Version: "not measured are 1 dram of zeusd, 2 cpu of zeusd (see kind=)"}, s.Info())
		assert.Equal(t, []energy.Device{
			{UUID: "a:4938/0000:01:00.0", Index: 0, Name: "NVIDIA A40", PCI: "0000:01:00.0", Host: "a", Endpoint: "http://a:4938", Role: "decode", Method: energy.Counter, Metric: "energy_mj of /gpu/get_cumulative_energy", Resolution: 1e-3},
			{UUID: "a:4938/0000:41:00.0", Index: 1, Name: "NVIDIA A40", PCI: "0000:41:00.0", Host: "a", Endpoint: "http://a:4938", Role: "decode", Method: energy.Counter, Metric: "energy_mj of /gpu/get_cumulative_energy", Resolution: 1e-3},
		}, s.Devices())
		r := readAll(s)
		assert.Equal(t, []float64{5000, 5001}, []float64{r[0].Joules, r[1].Joules})
		assert.Equal(t, []string{"/discover?", "/gpu/get_cumulative_energy?gpu_ids=0,1"}, d.asked(), "one request for all")

		cpus := opened(t, Config{Servers: []Address{"a?kind=cpu"}, HTTP: n.client()})
		time.Sleep(time.Second)
		var got []string
		for i, r := range readAll(cpus) {
			require.NoError(t, r.Err)
			got = append(got, cpus.Devices()[i].UUID+" "+string(cpus.Devices()[i].Kind))
			assert.Equal(t, map[string]float64{"a:4938/cpu/0": 107, "a:4938/dram/0": 10.7, "a:4938/cpu/1": 107.001}[cpus.Devices()[i].UUID], r.Joules)
		}
		assert.Equal(t, []string{"a:4938/cpu/0 cpu", "a:4938/dram/0 dram", "a:4938/cpu/1 cpu"}, got)
	})
}

// A GPU whose counter zeusd does not trust is read by its power, and not asked for its
// counter, which would fail the others'.
func TestAGPUWithoutACounter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := opened(t, Config{Servers: []Address{"a"}, HTTP: network{"a:4938": &daemon{start: time.Now(), gauge: true}}.client()})
		r := readAll(s)
		assert.Equal(t, energy.Gauge, s.Devices()[1].Method)
		assert.Equal(t, 5000.0, r[0].Joules)
		assert.Equal(t, 400.0, r[1].Watts)
		assert.False(t, r[1].HasJoules)
	})
}

func TestConformance(t *testing.T) {
	for name, query := range map[string]string{"GPUs": "", "processors": "?kind=cpu", "all": "?kind=all"} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := network{"a:4938": &daemon{start: time.Now(), gauge: true}, "b:4938": &daemon{start: time.Now()}}
				open := func(devices []string) (energy.Source, error) {
					s, err := Open(Config{Servers: []Address{Address("a" + query), "b"}, Devices: devices, HTTP: n.client()})
					if err != nil {
						return nil, err
					}
					return s, nil
				}
				err := energytest.TestSource(func() (energy.Source, error) { return open(nil) }, energytest.Allocs(1000), energytest.Opens(open))
				require.NoError(t, err)
			})
		})
	}
}

// The whole way: a recorder measures what the devices used.
func TestRecorder(t *testing.T) {
	for query, watts := range map[string]float64{"": 800, "?kind=dram": 10} {
		t.Run(query, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := opened(t, Config{Servers: []Address{Address("a" + query)}, HTTP: network{"a:4938": &daemon{start: time.Now()}}.client()})
				w := energy.NewRecorder(s).Open()
				time.Sleep(2 * time.Second)
				w.Resume()
				time.Sleep(10 * time.Second)
				w.Pause()
				m := w.Measure(t.Context())
				require.True(t, m.Valid, "%v", m.Reasons)
				assert.InEpsilon(t, watts*10, m.Energy.Joules, 0.005)
			})
		})
	}
}

// Faults of a source are seen in what is measured of it.
func TestFaults(t *testing.T) {
	for name, c := range map[string]struct {
		inject func(energy.Source) energy.Source
		want   energy.Reason
	}{
		"reset":  {func(s energy.Source) energy.Source { return energytest.Reset(s, 0, 200) }, energy.CounterReset},
		"freeze": {func(s energy.Source) energy.Source { return energytest.Freeze(s, 60) }, energy.CounterStale},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := opened(t, Config{Servers: []Address{"a"}, HTTP: network{"a:4938": &daemon{start: time.Now()}}.client()})
				w := energy.NewRecorder(c.inject(s)).Open()
				time.Sleep(2 * time.Second)
				w.Resume()
				time.Sleep(time.Minute)
				w.Pause()
				m := w.Measure(t.Context())
				assert.False(t, m.Valid)
				assert.True(t, m.Has(c.want), "%v", m.Reasons)
			})
		})
	}
}

func TestASlowServerCostsOnlyItsOwnReadings(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		slow := &daemon{start: time.Now()}
		s := opened(t, Config{Servers: []Address{"a", "b"}, HTTP: network{"a:4938": &daemon{start: time.Now()}, "b:4938": slow}.client()})
		slow.set(nil, time.Second)
		start := time.Now()
		r := readAll(s)
		assert.Equal(t, maxWait, time.Since(start))
		require.NoError(t, r[0].Err)
		require.ErrorIs(t, r[2].Err, os.ErrDeadlineExceeded)
		require.ErrorIs(t, r[2].Err, energy.ErrNoAnswer)
		time.Sleep(2 * time.Second)
		r = readAll(s)
		require.NoError(t, r[2].Err, "the answer that came meanwhile")
		assert.Equal(t, start.Add(time.Second), r[2].After)
		require.NoError(t, s.Close())
		require.NoError(t, s.Close())
		require.ErrorIs(t, readAll(s)[0].Err, fs.ErrClosed)
	})
}

func TestFailuresCostOneReading(t *testing.T) {
	answer := func(status int, body string) func(http.ResponseWriter, *http.Request) bool {
		return func(w http.ResponseWriter, _ *http.Request) bool {
			w.WriteHeader(status)
			w.Write([]byte(body))
			return true
		}
	}
	for name, c := range map[string]struct {
		fails func(http.ResponseWriter, *http.Request) bool
		is    error
		want  string
	}{
		"500":           {answer(500, `{"errors":{"1":"GPU is lost"}}`), energy.ErrNoAnswer, "GPU is lost"},
		"401":           {answer(401, ""), fs.ErrPermission, "ZEUSD_TOKEN"},
		"403":           {answer(403, ""), fs.ErrPermission, "gpu-read"},
		"404":           {answer(404, ""), nil, "--enable"},
		"another's":     {answer(200, "<html>"), web.ErrNotJSON, "<html>"},
		"of nothing":    {answer(200, "{}"), energy.ErrNoDevice, "has no energy_mj"},
		"null":          {answer(200, `{"0":{"energy_mj":null}}`), energy.ErrNoDevice, "has no energy_mj"},
		"negative":      {answer(200, `{"0":{"energy_mj":-5}}`), energy.ErrNoDevice, "has no energy_mj"},
		"of a word":     {answer(200, `{"0":{"energy_mj":"5"}}`), web.ErrNotJSON, ""},
		"too great":     {answer(200, `{"0":{"energy_mj":1e999}}`), web.ErrNotJSON, ""},
		"breaks off":    {answer(200, `{"0":{"energy_mj":5`), web.ErrNotJSON, ""},
		"without an id": {answer(200, `{"":{"energy_mj":5}}`), energy.ErrNoDevice, ""},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := &daemon{start: time.Now()}
				s := opened(t, Config{Servers: []Address{"http://u:hunter2@a:4938"}, HTTP: network{"a:4938": d}.client()})
				d.set(c.fails, 0)
				r := readAll(s)[0]
				require.ErrorContains(t, r.Err, c.want)
				if c.is != nil {
					require.ErrorIs(t, r.Err, c.is)
				}
				assert.NotContains(t, r.Err.Error(), "hunter2")
				assert.False(t, r.HasJoules || r.HasWatts, "absent is not zero")
				d.set(nil, 0)
				require.NoError(t, readAll(s)[0].Err)
			})
		})
	}
}

func TestOpenFails(t *testing.T) {
	for arg, want := range map[string]string{
		"a,":           "an address is empty",
		"a,http://a":   "",
		"a,A:4938":     "is named twice",
		"a?kind=gpus":  "kind=\"gpus\" is none",
		"a?token=S":    "parameters that are none",
		"unix:":        "names no socket",
		"ftp://u:S@h/": "scheme",
	} {
		src, err := energy.Open("zeusd", arg, nil)
		require.Error(t, err, arg)
		assert.ErrorContains(t, err, want)
		assert.True(t, src == nil)
		assert.NotContains(t, err.Error(), "S@")
		assert.NotContains(t, err.Error(), "=S")
	}
	synctest.Test(t, func(t *testing.T) {
		n := network{"a:4938": http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte(`{"gpus":[],"cpus":[]}`)) }), "b:4938": &daemon{start: time.Now()}}
		_, err := Open(Config{Servers: []Address{"b", "a"}, HTTP: n.client()})
		require.ErrorIs(t, err, energy.ErrNoDevice)
		_, err = Open(Config{Servers: []Address{"b"}, Devices: []string{"7"}, HTTP: n.client()})
		require.ErrorIs(t, err, energy.ErrNoDevice)
		_, err = Open(Config{Servers: []Address{"b?kind=node"}, HTTP: n.client()})
		require.ErrorIs(t, err, energy.ErrNoDevice)
		assert.ErrorContains(t, err, "2 gpu of zeusd")
		n["d:4938"] = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte(`{"gpus":[{"id":0},{"id":0}]}`)) })
		_, err = Open(Config{Servers: []Address{"d"}, HTTP: n.client()})
		require.ErrorContains(t, err, "d:4938/gpu/0 is there twice")
		_, err = Open(Config{Servers: []Address{"c"}, HTTP: n.client()})
		require.ErrorIs(t, err, energy.ErrNoAnswer)
	})
}

// A token goes with each request that needs one: that of ZEUSD_TOKEN where no other is given.
func TestToken(t *testing.T) {
	server := httptest.NewServer(&daemon{start: time.Now(), token: "hush"})
	defer server.Close()
	t.Setenv("POWERTEST_HTTP_BEARER_TOKEN", "")
	for token, want := range map[string]error{"hush": nil, "other": fs.ErrPermission} {
		t.Setenv("ZEUSD_TOKEN", token)
		s := opened(t, Config{Servers: []Address{Address(server.URL)}})
		assert.ErrorIs(t, readAll(s)[0].Err, want)
	}
	s := opened(t, Config{Servers: []Address{Address(server.URL)}, HTTP: HTTP{BearerToken: "hush"}})
	assert.NoError(t, readAll(s)[0].Err)
	t.Setenv("ZEUSD_TOKEN", "other")
	t.Setenv("POWERTEST_HTTP_BEARER_TOKEN", "hush")
	assert.NoError(t, readAll(opened(t, Config{Servers: []Address{Address(server.URL)}}))[0].Err)
}

// By a Unix socket, named in the address or by Zeus's own variable.
func TestSocket(t *testing.T) {
	path := filepath.Join(t.TempDir(), "z.sock")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Skip("no Unix sockets: ", err)
	}
	server := &http.Server{Handler: &daemon{start: time.Now()}}
	go server.Serve(l)
	defer server.Close()
	host, err := os.Hostname()
	require.NoError(t, err)
	t.Setenv("ZEUSD_SOCK_PATH", path)
	for _, arg := range []string{path, "unix:" + path, ""} {
		src, err := energy.Open("zeusd", arg, nil)
		require.NoError(t, err, arg)
		defer src.Close()
		assert.Equal(t, host+"/0000:01:00.0", src.Devices()[0].UUID)
		assert.Equal(t, "unix:"+path, src.Devices()[0].Endpoint)
		assert.NoError(t, readAll(src.(*Source))[0].Err)
	}
	_, err = energy.Open("zeusd", path+"-no", nil)
	require.ErrorIs(t, err, energy.ErrNoAnswer)
	assert.ErrorIs(t, err, fs.ErrNotExist)
}

// FuzzAnswers: whatever a server answers, no value is made of what is none.
func FuzzAnswers(f *testing.F) {
	f.Add([]byte(`{"0":{"energy_mj":5,"cpu_energy_uj":5,"dram_energy_uj":null}}`), []byte(`{"gpus":[{"id":0,"pci_address":"0000:01:00.0"}],"cpus":[{"id":0,"dram_available":true}]}`))
	f.Add([]byte(`{"power_mw":{"0":-1}}`), []byte(`{"gpus":[{"id":0,"cumulative_energy_available":false},{"id":0}]}`))
	f.Fuzz(func(t *testing.T, answer, discovered []byte) {
		n := network{"a:4938": http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/discover" {
				w.Write(discovered)
				return
			}
			w.Write(answer)
		})}
		s, err := Open(Config{Servers: []Address{"a?kind=all"}, HTTP: n.client()})
		if err != nil {
			return
		}
		defer s.Close()
		seen := map[string]bool{}
		for i, r := range readAll(s) {
			require.False(t, seen[s.Devices()[i].UUID], "each once")
			seen[s.Devices()[i].UUID] = true
			require.Equal(t, r.Err == nil, r.HasJoules || r.HasWatts)
			require.True(t, r.Joules >= 0 && r.Watts >= 0)
		}
	})
}
