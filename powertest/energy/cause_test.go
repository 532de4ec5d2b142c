package energy

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
)

// TestCauses: what is the same of several devices is one cause, with their names; what
// is not stays apart.
func TestCauses(t *testing.T) {
	var found []Finding
	for i := range 6 {
		uuid := fmt.Sprintf("GPU-%d", i)
		found = append(found,
			Finding{Reason: CounterStale, Device: uuid, Detail: fmt.Sprintf("the counter of %s has not changed for %d.5s\nrestart the driver", uuid, i)},
			Finding{Reason: Throttled, Device: uuid, Detail: "clocks were held down"})
	}
	found = append(found,
		Finding{Reason: CounterStale, Device: "GPU-7", Detail: "it is slower than that"},
		Finding{Reason: PartialCohort, Detail: "6 of 7 devices have no number"},
		Finding{Reason: CounterDisagrees, Device: "GPU-0", Detail: "by 10 %"},
		Finding{Reason: CounterDisagrees, Device: "GPU-1", Detail: "by 40 %", Withheld: true})
	var lines []string
	for _, c := range Causes(found) {
		lines = append(lines, c.String())
	}
	assert.Equal(t, []string{
		"counter_stale (6 devices: GPU-0, GPU-1, GPU-2, GPU-3 and 2 more): the counter of GPU-0 has not changed for 0.5s (the first of them)\nrestart the driver",
		"throttled (6 devices: GPU-0, GPU-1, GPU-2, GPU-3 and 2 more): clocks were held down",
		"counter_stale (GPU-7): it is slower than that",
		"partial_cohort: 6 of 7 devices have no number",
		"counter_disagrees (GPU-0): by 10 %",
		"counter_disagrees (GPU-1): by 40 %",
	}, lines)
	named := Cause{Finding{Reason: Throttled, Detail: "a lot"}, []string{"GPU-0", "GPU-1"}, false}
	assert.Equal(t, "throttled (2 devices: 0, 1): a lot", named.Line(func(uuid string) string { return uuid[4:] }))
	assert.Equal(t, "throttled", Cause{Finding: Finding{Reason: Throttled}}.String())
}
