package energy

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

// TestEvents: one that goes on is one event, and when there are too many the oldest
// two become one that covers both.
func TestEvents(t *testing.T) {
	var list events
	list = list.add(event{0, 10, SourceStalled, "first"}, 5)
	list = list.add(event{14, 20, SourceStalled, "more"}, 5)
	assert.Equal(t, events{{0, 20, SourceStalled, "first"}}, list)
	list = list.add(event{22, 23, CounterReset, "other"}, 5)
	list = list.add(event{60, 61, CounterReset, "later"}, 5)
	assert.Len(t, list, 3)

	assert.Empty(t, list.touching(24, 59))
	assert.Equal(t, list[:2], list.touching(20, 22), "both ends belong to an event")
	assert.Len(t, list, 3, "touching leaves the events alone")

	list = events{{0, 1, DeviceLost, "lost"}}
	for i := range int64(maxEvents) {
		list = list.add(event{100 * (i + 1), 100*(i+1) + 1, CounterStale, "stale"}, 5)
	}
	assert.Len(t, list, maxEvents)
	assert.Equal(t, event{0, 101, DeviceLost, "lost"}, list[0])
	assert.Equal(t, event{200, 201, CounterStale, "stale"}, list[1])
}
