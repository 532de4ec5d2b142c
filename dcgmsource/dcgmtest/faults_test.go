package dcgmtest

import (
	"bytes"
	"fmt"
	"regexp"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/joulebench/joulebench/simsource"
)

// bubble runs a test of an exporter that collects every second, on time.
func bubble(t *testing.T, cfg Config, test func(t *testing.T, e *Exporter)) {
	synctest.Test(t, func(t *testing.T) {
		if cfg.Collect == 0 {
			cfg.Collect, cfg.Phase, cfg.Jitter, cfg.Refresh, cfg.Base = time.Second, time.Second, -1, -1, 1000
		}
		cfg.Source = simsource.New(simsource.Config{GPUs: 4})
		test(t, New(cfg))
	})
}

func TestRowsComeAndGo(t *testing.T) {
	bubble(t, Config{}, func(t *testing.T, e *Exporter) {
		e.HideGPU(2)
		for name, family := range now(t, e) {
			assert.Len(t, family.Metric, 3, name)
		}
		assert.Equal(t, []string{"0", "1", "3"}, now(t, e).labels(energyName, "gpu"))
		for gpu := range 4 {
			e.HideGPU(gpu)
		}
		assert.Empty(t, e.Page(time.Now()), "not even the headers")
		e.ShowGPU(2)
		time.Sleep(time.Second)
		assert.Equal(t, []float64{1100e3}, now(t, e).millis())
		assert.Panics(t, func() { e.HideGPU(4) })
		e.ShowGPU(1) // the panic holds no lock
	})
}

func TestResetShowsAtTheNextCollection(t *testing.T) {
	bubble(t, Config{}, func(t *testing.T, e *Exporter) {
		time.Sleep(1500 * time.Millisecond)
		e.ResetCounter(1)
		assert.Equal(t, []float64{1100e3, 1100e3, 1100e3, 1100e3}, now(t, e).millis())
		time.Sleep(time.Second)
		assert.Equal(t, []float64{1200e3, 50e3, 1200e3, 1200e3}, now(t, e).millis())
		time.Sleep(time.Second)
		assert.Equal(t, []float64{1300e3, 150e3, 1300e3, 1300e3}, now(t, e).millis())
	})
	bubble(t, Config{Collect: time.Second, Phase: time.Second, Jitter: -1, Refresh: 800 * time.Millisecond}, func(t *testing.T, e *Exporter) {
		time.Sleep(999 * time.Millisecond)
		e.ResetCounter(0)
		time.Sleep(time.Millisecond)
		assert.Zero(t, now(t, e).millis()[0], "the driver has not ticked since")
	})
}

func TestFreeze(t *testing.T) {
	bubble(t, Config{}, func(t *testing.T, e *Exporter) {
		time.Sleep(1500 * time.Millisecond)
		e.Freeze()
		frozen := e.Page(time.Now())
		time.Sleep(time.Hour)
		assert.Equal(t, string(Sort(frozen)), string(Sort(e.Page(time.Now()))))
		assert.Equal(t, 1100e3, now(t, e).millis()[0])
		e.Thaw()
		assert.Equal(t, 361100e3, now(t, e).millis()[0])
	})
}

func TestRestart(t *testing.T) {
	bubble(t, Config{}, func(t *testing.T, e *Exporter) {
		time.Sleep(10500 * time.Millisecond)
		restarted := time.Now()
		e.Restart()
		assert.Equal(t, 2050e3, now(t, e).millis()[0], "it collects when it starts")
		time.Sleep(5 * time.Second)
		first := e.Collected(time.Now())
		assert.NotZero(t, first.Sub(restarted)%time.Second)
		assert.NotEqual(t, 500*time.Millisecond, first.Sub(restarted)%time.Second, "the old phase")
		assert.InDelta(t, 2050e3+1e5*first.Sub(restarted).Seconds(), now(t, e).millis()[0], 1)
		e.Restart()
		time.Sleep(5 * time.Second)
		assert.NotZero(t, e.Collected(time.Now()).Sub(first)%time.Second, "another one each time")
	})
}

// Instances have the energy of the whole GPU; some have it as of a moment before.
func TestMIG(t *testing.T) {
	bubble(t, Config{Collect: time.Second}, func(t *testing.T, e *Exporter) {
		before := now(t, e).millis()
		e.MIG(1, 3)
		time.Sleep(20 * time.Second)
		p := now(t, e)
		millis := p.millis()
		require.Len(t, millis, 6)
		assert.Equal(t, []string{"0", "1", "1", "1", "2", "3"}, p.labels(energyName, "gpu"))
		assert.Equal(t, []string{"7", "8", "9"}, p.labels(energyName, "GPU_I_ID"))
		assert.Equal(t, millis[1], millis[3])
		assert.InDelta(t, millis[1]-10e3, millis[2], 1, "100 ms at 100 W")
		assert.InDelta(t, 100*e.Shown(1, time.Now()).Sub(e.gpus[1].driver.origin).Seconds(), (millis[1]-before[1])/1e3, 1e-3)
		assert.Regexp(t, `device="nvidia1",modelName="NVIDIA H200",GPU_I_PROFILE="1g.18gb",GPU_I_ID="7",Hostname=`, string(e.Page(time.Now())))
		e.MIG(1, 0)
		assert.Len(t, now(t, e).millis(), 4)
	})
}

func TestHPCJobs(t *testing.T) {
	bubble(t, Config{}, func(t *testing.T, e *Exporter) {
		e.HPCJobs(0, "job-4711", "job-4712")
		p := now(t, e)
		assert.Equal(t, []string{"job-4711", "job-4712"}, p.labels(energyName, "hpc_job"))
		assert.Equal(t, []float64{1000e3, 1000e3, 1000e3, 1000e3, 1000e3}, p.millis())
		e.HPCJobs(0)
		assert.Empty(t, now(t, e).labels(energyName, "hpc_job"))
	})
}

func TestPodLabels(t *testing.T) {
	bubble(t, Config{}, func(t *testing.T, e *Exporter) {
		start := time.Now()
		e.PodLabels(func(gpu int, at time.Time) []map[string]string {
			var pods []map[string]string
			for vgpu := range gpu {
				pods = append(pods, map[string]string{
					"pod":       fmt.Sprintf("vllm-%d", at.Sub(start)/(15*time.Second)),
					"namespace": "bench",
					"vgpu":      strconv.Itoa(vgpu),
				})
			}
			return pods
		})
		p := now(t, e)
		assert.Equal(t, []string{"0", "1", "2", "2", "3", "3", "3"}, p.labels(energyName, "gpu"))
		assert.Equal(t, []string{"0", "0", "1", "0", "1", "2"}, p.labels(energyName, "vgpu"))
		assert.Equal(t, "vllm-0", p.labels(energyName, "pod")[0])
		assert.Regexp(t, `err_code="0",err_msg="No Error",namespace="bench",pod="vllm-0",vgpu="2"\} 0\n`, string(e.Page(time.Now())))
		time.Sleep(31 * time.Second)
		assert.Equal(t, "vllm-2", now(t, e).labels(energyName, "pod")[0])
		e.PodLabels(nil)
		assert.Len(t, now(t, e).millis(), 4)
	})
}

func TestBrokenLabels(t *testing.T) {
	bubble(t, Config{}, func(t *testing.T, e *Exporter) {
		broken := regexp.MustCompile(`(?m)^(\w+)\{gpu="(\d)".*,hpc_job="sweep "A""\}`)
		e.BreakElsewhere(true)
		page := e.Page(time.Now())
		rejected(t, page)
		for _, m := range broken.FindAllSubmatch(page, -1) {
			assert.NotContains(t, []string{energyName, powerName}, string(m[1]))
		}
		assert.Len(t, broken.FindAll(page, -1), 4)
		e.BreakElsewhere(false)
		e.BreakLabel(2, true)
		page = e.Page(time.Now())
		rejected(t, page)
		found := broken.FindAllSubmatch(page, -1)
		require.Len(t, found, 1)
		assert.Equal(t, energyName, string(found[0][1]))
		assert.Equal(t, "2", string(found[0][2]))
		e.BreakLabel(2, false)
		now(t, e)
	})
}

func TestTruncate(t *testing.T) {
	bubble(t, Config{Only: true}, func(t *testing.T, e *Exporter) {
		whole := e.Page(time.Now())
		e.Truncate(true)
		page := e.Page(time.Now())
		rejected(t, page)
		assert.Len(t, page, len(whole)-4)
		assert.True(t, bytes.HasSuffix(page, []byte(`DCGM_FI_DRIVER_VERSION="570.124.06"} 1000`)), "of 1000000")
		e.Truncate(false)
		assert.Len(t, now(t, e).millis(), 4)
	})
}

func TestManyGoroutines(t *testing.T) {
	e := New(Config{Collect: time.Millisecond, Only: true})
	faults := []func(i int){
		func(i int) { e.HideGPU(i % 8) }, func(i int) { e.ShowGPU(i % 8) }, func(i int) { e.ResetCounter(i % 8) },
		func(i int) { e.MIG(i%8, i%3) }, func(i int) { e.HPCJobs(i%8, "a", "b") }, func(int) { e.Restart() },
		func(int) { e.Freeze() }, func(int) { e.Thaw() }, func(i int) { e.Status(i % 2 * 500) },
	}
	var wg sync.WaitGroup
	for _, fault := range faults {
		wg.Go(func() {
			for i := range 50 {
				fault(i)
				parse(t, e.Page(time.Now()))
			}
		})
	}
	wg.Wait()
}
