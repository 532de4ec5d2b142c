package dcgmsource

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/joulebench/joulebench/powertest/energy"
)

// nodePage is the page of two GPUs of a node that have used some energy.
func nodePage(node string, joules float64) string {
	var b strings.Builder
	for gpu := range 2 {
		fmt.Fprintf(&b, "DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION{gpu=\"%d\",UUID=\"GPU-%s-%d\",modelName=\"NVIDIA H200\",Hostname=\"%s\"} %.0f\n", gpu, node, gpu, node, 1000*joules)
	}
	return b.String()
}

// service answers with the pages of several nodes by turns: each node every so many
// requests, after a time.
func service(t *testing.T, every int, after time.Duration, pages ...func(joules float64) string) *Source {
	t.Helper()
	s, err := openService(every, after, pages...)
	require.NoError(t, err)
	t.Cleanup(func() { s.Close() })
	return s
}

func openService(every int, after time.Duration, pages ...func(joules float64) string) (*Source, error) {
	start, requests := time.Now(), 0
	n := network{"svc:9400": func(w http.ResponseWriter, _ *http.Request) {
		page := 0
		if time.Since(start) >= after {
			requests++
			page = requests / every % len(pages)
		}
		joules := 1e6 + 700*time.Since(start).Truncate(time.Second).Seconds()
		fmt.Fprint(w, pages[page](joules))
	}}
	return Open(Config{Endpoints: []Endpoint{{URL: "svc"}}, HTTP: n.client()})
}

func of(node string) func(float64) string {
	return func(joules float64) string { return nodePage(node, joules) }
}

// renamed is the page of the GPUs of node a, under another name of its host.
func renamed(host string) func(float64) string {
	return func(joules float64) string {
		return strings.ReplaceAll(nodePage("a", joules), `Hostname="a"`, fmt.Sprintf("Hostname=%q", host))
	}
}

func window(s *Source) energy.Measurement {
	w := energy.NewRecorder(s).Open()
	w.Resume()
	time.Sleep(20 * time.Second)
	return w.Measure(context.Background())
}

// An address that stands for several nodes is an error that says what to name.
func TestServiceOfSeveralNodes(t *testing.T) {
	for name, pages := range map[string][]func(float64) string{
		"nodes": {of("a"), of("b")},
		"three": {of("a"), of("b"), of("c")},
		"names": {of("a"), renamed("b")},
	} {
		for _, every := range []int{1, 2} {
			synctest.Test(t, func(t *testing.T) {
				_, err := openService(every, 0, pages...)
				require.ErrorIs(t, err, ErrNodes, name)
				assert.ErrorContains(t, err, "by turns: ", name)
				assert.ErrorContains(t, err, "name the exporter of each node", name)
			})
		}
	}
}

// One that shows only later that it does withholds the windows from then on.
func TestServiceTurnsLater(t *testing.T) {
	for name, pages := range map[string][]func(float64) string{
		"nodes": {of("a"), of("b")},
		"names": {of("a"), renamed("b")},
	} {
		synctest.Test(t, func(t *testing.T) {
			s := service(t, 3, 40*time.Second, pages...)
			m := window(s)
			require.True(t, m.Valid, "%s: %v", name, m.Reasons)
			time.Sleep(time.Until(m.End.Add(20 * time.Second)))
			m = window(s)
			assert.False(t, m.Valid, name)
			require.True(t, m.Has(energy.ExpectedGPUCountMismatch), "%s: %v", name, m.Reasons)
			assert.Contains(t, fmt.Sprint(m.Reasons), "name the exporter of each node", name)
		})
	}
}

// A service that chooses a node for each connection, at random: what the first pages did not
// show, later ones do.
func TestServiceByConnection(t *testing.T) {
	for _, first := range []int{surveyed, 12, 40} { // connections that have led to node a by chance
		synctest.Test(t, func(t *testing.T) {
			start, connections, open := time.Now(), 0, false
			n := network{"svc:9400": func(w http.ResponseWriter, r *http.Request) {
				if !open {
					connections++
				}
				open = !r.Close
				node := "a"
				if connections > first && connections%2 == 0 {
					node = "b"
				}
				fmt.Fprint(w, nodePage(node, 1e6+700*time.Since(start).Truncate(time.Second).Seconds()))
			}}
			s, err := Open(Config{Endpoints: []Endpoint{{URL: "svc"}}, HTTP: n.client()})
			require.NoError(t, err)
			defer s.Close()
			m := window(s)
			if first > 12 {
				m = window(s)
			}
			assert.False(t, m.Valid)
			assert.Contains(t, fmt.Sprint(m.Reasons), "name the exporter of each node")
		})
	}
}

// A pod that is replaced, and so has another name, is the same node.
func TestHostIsRenamed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		n := network{"a:9400": func(w http.ResponseWriter, _ *http.Request) {
			joules := 1e6 + 700*time.Since(start).Truncate(time.Second).Seconds()
			if time.Since(start) < 10*time.Second {
				fmt.Fprint(w, of("a")(joules))
			} else {
				fmt.Fprint(w, renamed("pod-2")(joules))
			}
		}}
		s, err := Open(Config{Endpoints: []Endpoint{{URL: "a"}}, HTTP: n.client()})
		require.NoError(t, err)
		defer s.Close()
		m := window(s)
		assert.True(t, m.Valid, "%v", m.Reasons)
	})
}

// A GPU that appears on a page during the window withholds, if it would have been selected.
func TestGPUAppears(t *testing.T) {
	for devices, valid := range map[string]bool{"": false, "all": false, "a": false, "0-1": true, "GPU-a-0,GPU-a-1": true} {
		synctest.Test(t, func(t *testing.T) {
			start := time.Now()
			n := network{"a:9400": func(w http.ResponseWriter, _ *http.Request) {
				elapsed := time.Since(start).Truncate(time.Second)
				page := nodePage("a", 1e6+700*elapsed.Seconds())
				if elapsed > 12*time.Second {
					page += fmt.Sprintf("DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION{gpu=\"7\",UUID=\"GPU-a-7\",Hostname=\"a\"} %d\n", elapsed/time.Microsecond)
				}
				fmt.Fprint(w, page)
			}}
			s, err := Open(Config{Endpoints: []Endpoint{{URL: "a"}}, HTTP: n.client(), Devices: []string{devices}})
			require.NoError(t, err)
			defer s.Close()
			m := window(s)
			assert.Equal(t, valid, m.Valid, "%q: %v", devices, m.Reasons)
			if !valid {
				assert.Contains(t, fmt.Sprint(m.Reasons), "GPU-a-7")
			}
		})
	}
}
