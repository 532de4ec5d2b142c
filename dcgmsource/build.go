package dcgmsource

import (
	"context"
	"slices"
	"strings"

	"github.com/joulebench/joulebench/powertest/energy"
)

// newSource connects the chosen GPUs with their endpoints. Endpoints that tell
// of none of them are not read.
func newSource(chosen []candidate, surveys []*survey, w *web) *Source {
	s := &Source{web: w, devices: devicesOf(chosen), meters: make([]meter, len(chosen))}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	s.info = energy.Info{Name: sourceName, Period: nominalPeriod, Poll: shortestPoll, Version: driverVersions(surveys)}
	places := map[*endpoint]map[string]int{}
	for i := range chosen {
		m := &s.meters[i]
		m.device = &s.devices[i]
		s.collapsed += max(m.device.Rows-1, 0)
		for _, from := range chosen[i].counting() {
			e := from.endpoint
			if places[e] == nil {
				places[e] = map[string]int{}
			}
			places[e][m.device.UUID] = len(e.values)
			m.origins = append(m.origins, origin{endpoint: e, local: len(e.values)})
			e.values = append(e.values, value{energy: from.gpu.energy, power: from.gpu.power})
		}
	}
	for e, place := range places {
		e.page = page{place: func(uuid string) int {
			if i, ok := place[uuid]; ok {
				return i
			}
			return -1
		}}
	}
	return s
}

func driverVersions(surveys []*survey) string {
	var versions []string
	for _, s := range surveys {
		versions = append(versions, s.drivers...)
	}
	if len(versions) == 0 {
		return ""
	}
	slices.Sort(versions)
	return "driver " + strings.Join(slices.Compact(versions), ", ")
}
