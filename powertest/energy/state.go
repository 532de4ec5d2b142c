package energy

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

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
