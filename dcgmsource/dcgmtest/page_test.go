package dcgmtest

import (
	"bytes"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/joulebench/joulebench/simsource"
)

func TestPageIsThatOfTheDefaultConfiguration(t *testing.T) {
	page := New(Config{}).Page(time.Now())
	assert.Len(t, page, 47024, "what the real exporter makes of eight GPUs")
	p := parse(t, page)
	assert.Len(t, p, 25)
	for name, family := range p {
		assert.Len(t, family.Metric, 8, name)
	}
	uuids := p.labels(powerName, "UUID")
	assert.Regexp(t, `^GPU-[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$`, uuids[7])
	row := regexp.MustCompile(`(?m)^DCGM_FI_DEV_TOTAL_ENERGY.*gpu="7".*$`).Find(page)
	assert.Equal(t, `DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION{gpu="7",UUID="`+uuids[7]+`",pci_bus_id="00000000:8F:00.0",`+
		`device="nvidia7",modelName="NVIDIA H200",Hostname="gpu-node-01",DCGM_FI_DRIVER_VERSION="570.124.06"} 184467000000`, string(row))
	assert.Regexp(t, `(?m)^DCGM_FI_DEV_XID_ERRORS\{gpu="0",.*,DCGM_FI_DRIVER_VERSION="570.124.06",err_code="0",err_msg="No Error"\} 0$`, string(page))
	assert.Regexp(t, `(?m)^DCGM_FI_DEV_POWER_USAGE\{gpu="0",.*\} 100.000000$`, string(page))
}

func TestLayouts(t *testing.T) {
	for layout, want := range map[Layout]struct {
		name, uuid, hostname string
		base                 float64
	}{
		ExporterOld: {"DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION", "UUID", "Hostname", 184467e6},
		Lowercase:   {"DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION", "UUID", "hostname", 184467e6},
		Joules:      {"DCGM_FI_DEV_GPU_ENERGY_JOULES_TOTAL", "UUID", "hostname", 184467e3},
		Compat:      {"dcgm_total_energy_consumption", "uuid", "Hostname", 184467e6},
	} {
		p := now(t, New(Config{Layout: layout, Only: true}))
		assert.Len(t, p, 2)
		assert.Equal(t, want.base, p.values(want.name)[7])
		assert.Len(t, p.labels(want.name, want.uuid), 8)
		assert.Len(t, p.labels(want.name, want.hostname), 8)
	}
	p := now(t, New(Config{Layout: OnlyPower}))
	assert.Len(t, p, 24)
	assert.Len(t, p.values("DCGM_FI_DEV_POWER_USAGE"), 8)
	p = now(t, New(Config{Layout: Joules}))
	assert.Len(t, p.values("DCGM_FI_DEV_BOARD_POWER_WATTS"), 8)
	assert.Len(t, p.labels("DCGM_FI_DEV_BOARD_POWER_WATTS", "DCGM_FI_SYSTEM_DRIVER_VERSION"), 8)
}

// Until the next collection pages differ in the order of their groups only.
func TestPagesOfACollectionAreEqual(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := New(Config{Phase: 20 * time.Second, Jitter: -1})
		time.Sleep(21 * time.Second)
		first, unequal := e.Page(time.Now()), 0
		for range 28 {
			time.Sleep(time.Second)
			page := e.Page(time.Now())
			assert.Equal(t, string(Sort(first)), string(Sort(page)))
			if !bytes.Equal(first, page) {
				unequal++
			}
		}
		assert.Greater(t, unequal, 20)
		time.Sleep(2 * time.Second)
		assert.NotEqual(t, string(Sort(first)), string(Sort(e.Page(time.Now()))))
	})
}

func TestSortKeepsEverything(t *testing.T) {
	page := New(Config{}).Page(time.Now())
	sorted := Sort(page)
	assert.ElementsMatch(t, strings.SplitAfter(string(page), "\n"), strings.SplitAfter(string(sorted), "\n"))
	assert.Equal(t, parse(t, page).labels(energyName, "gpu"), parse(t, sorted).labels(energyName, "gpu"))
	assert.Empty(t, Sort(nil))
}

// Who a GPU is follows from its machine, not from who exports it.
func TestExportersShareGPUs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sim := simsource.New(simsource.Config{GPUs: 4})
		a := New(Config{Source: sim, Hostname: "a"})
		rest := New(Config{Source: sim, Hostname: "a", Devices: []int{2, 3}})
		b := New(Config{Source: sim, Hostname: "b"})
		pod := New(Config{Source: sim, Hostname: "pod", Machine: "a"})
		assert.Equal(t, a.UUID(3), rest.UUID(1))
		assert.Equal(t, a.UUID(3), pod.UUID(3))
		assert.NotEqual(t, a.UUID(3), b.UUID(3))
		assert.NotEqual(t, a.UUID(3), a.UUID(2))
		p := now(t, rest)
		assert.Equal(t, []string{"0", "1"}, p.labels(energyName, "gpu"))
		assert.Equal(t, []string{"pod"}, now(t, pod).labels(energyName, "Hostname")[:1])

		// They collect at other times, but what the driver shows is the same.
		time.Sleep(time.Minute)
		x, y := a.Collected(time.Now()), pod.Collected(time.Now())
		assert.NotEqual(t, x, y)
		assert.Zero(t, a.Shown(3, x).Sub(pod.Shown(3, y))%(100*time.Millisecond))
	})
}

func TestUnknownEnergyHasNoRow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sim := simsource.New(simsource.Config{GPUs: 2, History: 10})
		e := New(Config{Source: sim, Collect: time.Second})
		for range 20 {
			done := sim.Busy(1)
			time.Sleep(100 * time.Millisecond)
			done()
			time.Sleep(100 * time.Millisecond)
		}
		p := now(t, e)
		assert.Equal(t, []string{"0"}, p.labels(energyName, "gpu"), "that of GPU 1 is forgotten")
		assert.Equal(t, []string{"0", "1"}, p.labels(powerName, "gpu"))
	})
}

// An exporter that is asked as often as it collects never outruns what the
// simulation remembers of twice that time.
func TestLittleHistoryIsEnough(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sim := simsource.New(simsource.Config{History: 50})
		start := time.Now()
		e := New(Config{Source: sim, Collect: time.Second, Jitter: -1})
		for range 1000 {
			done := sim.Busy()
			time.Sleep(50 * time.Millisecond)
			done()
			time.Sleep(50 * time.Millisecond)
			e.Page(time.Now())
		}
		joules := now(t, e).millis()[0]/1e3 - 184467e3
		assert.InDelta(t, 400*e.Shown(0, time.Now()).Sub(start).Seconds(), joules, 31)
	})
}

func BenchmarkPage(b *testing.B) {
	for name, cfg := range map[string]Config{"all": {}, "only": {Only: true}} {
		b.Run(name, func(b *testing.B) {
			e := New(cfg)
			require.NotEmpty(b, e.Page(time.Now()))
			b.ReportAllocs()
			for b.Loop() {
				e.Page(time.Now())
			}
		})
	}
}

// A thousand GPUs, of which each page is of a new collection.
func BenchmarkThousand(b *testing.B) {
	var exporters []*Exporter
	for range 125 {
		exporters = append(exporters, New(Config{Only: true, Collect: time.Millisecond, Jitter: -1}))
	}
	b.ReportAllocs()
	for b.Loop() {
		for _, e := range exporters {
			e.Page(time.Now())
		}
	}
}
