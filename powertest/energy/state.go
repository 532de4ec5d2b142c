package energy

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// An Inspector is a [Source] that can say in what state its devices are. It is
// called before a window begins and after it has ended, since such calls can take
// milliseconds; other windows may be open then.
type Inspector interface {
	// Inspect fills in dst: element i is the state of the device
	// Devices()[dst[i].Device], which the caller has set.
	Inspect(dst []State)
}

// State is the state of a device at one time. Nil or absent means unknown.
type State struct {
	// Device is the index into [Source.Devices]; the caller sets it.
	Device int `json:"-"`
	// At is when the state was read.
	At time.Time `json:"at"`
	// Celsius is the temperature of the device, if HasCelsius.
	Celsius    float64 `json:"celsius"`
	HasCelsius bool    `json:"has_celsius"`
	// Throttled is, by cause, for how long in all the device's clocks have
	// been held down since its driver was loaded.
	Throttled map[string]time.Duration `json:"throttled_ns,omitempty"`
	// Processes are the processes that use the device, other than this one.
	Processes []Process `json:"processes,omitempty"`
	// Err says what could not be read; what could be read is set all the same.
	Err error `json:"-"`
}

// Process is a process that uses a device.
type Process struct {
	PID  int    `json:"pid"`
	Name string `json:"name,omitempty"` // empty if unknown
}

// throttledPercent is the share of a window in which the clocks may be held
// down without a word: a busy device touches its power limit now and then.
const throttledPercent = 1

// compare adds what the state of the device before and after the window tells.
func (d *DeviceMeasurement) compare(before, after State) {
	d.Before, d.After = &before, &after
	var causes []string
	took := after.At.Sub(before.At)
	for _, cause := range slices.Sorted(maps.Keys(after.Throttled)) {
		was, known := before.Throttled[cause]
		delta := after.Throttled[cause] - was
		if !known || delta <= 0 || took <= 0 {
			continue
		}
		if percent := 100 * float64(min(delta, took)) / float64(took); percent >= throttledPercent {
			causes = append(causes, fmt.Sprintf("%s %.0f %%", cause, percent))
		}
	}
	if len(causes) > 0 {
		d.find(Throttled, "clocks were held down during the window: %s of %v", strings.Join(causes, ", "), took.Round(time.Millisecond))
	}
	others := map[int]string{}
	for _, p := range slices.Concat(before.Processes, after.Processes) {
		others[p.PID] = p.Name
	}
	if len(others) == 0 {
		return
	}
	names := make([]string, 0, len(others))
	for _, pid := range slices.Sorted(maps.Keys(others)) {
		name := fmt.Sprint(pid)
		if others[pid] != "" {
			name += " (" + others[pid] + ")"
		}
		names = append(names, name)
	}
	d.find(SharedGPU, "other processes use the GPU: %s; its energy is that of all of them (fine, if they are the server under test)", strings.Join(names, ", "))
}
