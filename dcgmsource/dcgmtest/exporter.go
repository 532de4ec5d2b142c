package dcgmtest

import (
	"math/rand/v2"
	"sync"
	"time"
)

// Exporter is a dcgm-exporter. All of its methods are safe to call from any
// goroutine, at any time. GPUs are given by their index in Config.Devices, which
// is the label gpu; methods panic if there is no such GPU.
type Exporter struct {
	cfg    Config
	names  names
	groups []group

	mu        sync.Mutex
	gpus      []*gpu
	grid      grid      // when it collects
	collected time.Time // when it did last
	starts    uint64    // how often it was started
	order     *rand.Rand
	faults    faults
}

// New starts an exporter now.
func New(cfg Config) *Exporter {
	cfg = cfg.withDefaults()
	e := &Exporter{cfg: cfg, names: layouts[cfg.Layout]}
	e.groups = e.metrics()
	now := time.Now()
	for i, device := range cfg.Devices {
		g := &gpu{
			device: device,
			uuid:   uuid(cfg.Machine, device),
			live:   cfg.Refresh == 0, counted: now, joules: cfg.Base,
		}
		g.label(&e.names, &cfg, i)
		if !g.live {
			// The driver's ticks are the GPU's own, whichever exporter looks at it
			// and whenever that was started.
			phase := time.Duration(float64(cfg.Refresh) * uniform(seedOf(cfg.Seed, g.uuid), 0))
			sinceTick := time.Duration((now.UnixNano() - int64(phase)) % int64(cfg.Refresh))
			g.driver = grid{origin: now, phase: cfg.Refresh - sinceTick, period: cfg.Refresh}
		}
		e.gpus = append(e.gpus, g)
	}
	e.order = rand.New(rand.NewPCG(cfg.Seed, seedOf("order", cfg.Hostname)))
	e.start(now, cfg.Phase)
	return e
}

// start collects everything now, and from now on at a new phase if none is given.
func (e *Exporter) start(now time.Time, phase time.Duration) {
	seed := seedOf("collect", e.cfg.Seed, e.cfg.Hostname)
	switch {
	case phase < 0:
		phase = e.cfg.Collect
	case phase == 0:
		phase = time.Duration(float64(e.cfg.Collect) * uniform(seed, 1<<63+e.starts))
	}
	e.starts++
	e.grid = grid{origin: now, phase: phase, period: e.cfg.Collect, jitter: e.cfg.Jitter, seed: seed}
	e.collect(now)
}

// collect collects what there is at t. The caller holds mu.
func (e *Exporter) collect(t time.Time) {
	for _, g := range e.gpus {
		g.collect(e.cfg.Source, t)
	}
	e.collected = t
}

// refresh brings what was collected up to t. The caller holds mu.
func (e *Exporter) refresh(t time.Time) {
	if e.faults.frozen {
		return
	}
	if last := e.grid.last(t); last.After(e.collected) {
		e.collect(last)
	}
}

// UUID returns the UUID of a GPU.
func (e *Exporter) UUID(gpu int) string { return e.gpus[gpu].uuid }

// Collected returns when what a page at t shows was collected. Time does not go
// back: if a later page was made, it is that of the later one.
func (e *Exporter) Collected(t time.Time) time.Time {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.refresh(t)
	return e.collected
}

// Shown returns the time of the driver's counter of a GPU that a page at t shows:
// the energy is that used until then, exactly.
func (e *Exporter) Shown(gpu int, t time.Time) time.Time {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.refresh(t)
	return e.gpus[gpu].shown
}
