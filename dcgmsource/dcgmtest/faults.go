package dcgmtest

import "time"

// faults are what goes wrong with an exporter. Its lock guards them.
type faults struct {
	down            bool
	status          int
	emptyUntil      time.Time
	delay           time.Duration
	endless         bool
	truncated       bool
	brokenElsewhere bool
	frozen          bool
	pods            func(gpu int, t time.Time) []map[string]string
}

// set changes something under the lock.
func (e *Exporter) set(change func()) {
	e.mu.Lock()
	defer e.mu.Unlock()
	change()
}

// Down makes the exporter refuse connections, where [Transport] makes them; a
// server closes them instead. It goes on collecting.
func (e *Exporter) Down() { e.set(func() { e.faults.down = true }) }

func (e *Exporter) isDown() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.faults.down
}

// Up ends [Exporter.Down].
func (e *Exporter) Up() { e.set(func() { e.faults.down = false }) }

// Status makes every answer an error with that status, as 500 is the answer if
// DCGM fails for any GPU; 0 ends that.
func (e *Exporter) Status(code int) { e.set(func() { e.faults.status = code }) }

// EmptyBody makes pages empty for a time, as they are while the exporter reads
// its configuration again.
func (e *Exporter) EmptyBody(d time.Duration) {
	e.set(func() { e.faults.emptyUntil = time.Now().Add(d) })
}

// Delay makes answers come that much later; the page is made half way.
func (e *Exporter) Delay(d time.Duration) { e.set(func() { e.faults.delay = d }) }

// Endless makes pages that never end.
func (e *Exporter) Endless(on bool) { e.set(func() { e.faults.endless = on }) }

// Truncate makes pages end amid the digits of the last GPU's energy, which comes
// last, so that what is left looks like a smaller number.
func (e *Exporter) Truncate(on bool) { e.set(func() { e.faults.truncated = on }) }

// BreakElsewhere makes the labels of one metric malformed, which is neither the
// energy nor the power. With Config.Only there is none.
func (e *Exporter) BreakElsewhere(on bool) { e.set(func() { e.faults.brokenElsewhere = on }) }

// BreakLabel makes the labels of a GPU's energy malformed.
func (e *Exporter) BreakLabel(gpu int, on bool) { e.set(func() { e.gpus[gpu].broken = on }) }

// HideGPU drops the rows of a GPU, as a lost one's are.
func (e *Exporter) HideGPU(gpu int) { e.set(func() { e.gpus[gpu].hidden = true }) }

// ShowGPU ends [Exporter.HideGPU].
func (e *Exporter) ShowGPU(gpu int) { e.set(func() { e.gpus[gpu].hidden = false }) }

// ResetCounter starts the energy counter of a GPU again at 0 J, as a driver that
// is loaded again does. It shows from the next collection on.
func (e *Exporter) ResetCounter(gpu int) {
	e.set(func() {
		g, now := e.gpus[gpu], time.Now()
		e.refresh(now)
		g.counted, g.joules = now, 0
	})
}

// Freeze makes the exporter collect no more: it goes on showing what it has.
func (e *Exporter) Freeze() {
	e.set(func() {
		e.refresh(time.Now())
		e.faults.frozen = true
	})
}

// Thaw ends [Exporter.Freeze]. It catches up at the next request.
func (e *Exporter) Thaw() { e.set(func() { e.faults.frozen = false }) }

// Restart starts the exporter again: it collects now, and then at another phase.
// The counters, which are the driver's, go on.
func (e *Exporter) Restart() { e.set(func() { e.start(time.Now(), 0) }) }

// MIG divides a GPU into instances: there is a row for each, with the energy of
// the whole GPU, in every other one as of a refresh period earlier. 0
// ends that.
func (e *Exporter) MIG(gpu, instances int) { e.set(func() { e.gpus[gpu].instances = instances }) }

// HPCJobs makes a row of a GPU for each job; none ends that.
func (e *Exporter) HPCJobs(gpu int, jobs ...string) { e.set(func() { e.gpus[gpu].jobs = jobs }) }

// PodLabels makes a row of each GPU for each of its pods at the time of a page,
// with the labels that f returns for it, such as pod and vgpu; without pods a GPU
// has the row that it has otherwise. f must not call the exporter. Nil ends that.
func (e *Exporter) PodLabels(f func(gpu int, t time.Time) []map[string]string) {
	e.set(func() { e.faults.pods = f })
}
