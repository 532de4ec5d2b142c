package metricname

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/joulebench/joulebench/powertest/energy"
)

// Rows collects what the rows of one device are for: instances of it, and its
// users. The zero Rows has none.
type Rows struct {
	instances, tenants map[string]bool
}

// Add takes in the labels of one row.
func (r *Rows) Add(x *Exporter, get Labels) {
	note(&r.instances, get(x.Instance))
	note(&r.tenants, x.tenant(get))
}

func note(set *map[string]bool, v string) {
	if v == "" {
		return
	}
	if *set == nil {
		*set = map[string]bool{}
	}
	(*set)[v] = true
}

// Merge takes in what the rows of another page are for.
func (r *Rows) Merge(other Rows) {
	for v := range other.instances {
		note(&r.instances, v)
	}
	for v := range other.tenants {
		note(&r.tenants, v)
	}
}

// tenant names who a row is for; empty if it is for nobody in particular.
func (x *Exporter) tenant(get Labels) string {
	var parts []string
	for _, t := range x.Tenants {
		if get(t.Key) == "" || t.Unless != "" && get(t.Unless) != "" {
			continue
		}
		var name []string
		for _, label := range t.Name {
			if v := get(label); v != "" {
				name = append(name, v)
			}
		}
		parts = append(parts, t.What+" "+strings.Join(name, "/"))
	}
	return strings.Join(parts, ", ")
}

// Marks returns what the rows of the device mean for its measurements.
func (r *Rows) Marks(uuid string) []energy.Finding {
	var marks []energy.Finding
	if n := len(r.instances); n > 0 {
		marks = append(marks, energy.Finding{Reason: energy.MIGParentScope, Device: uuid, Detail: fmt.Sprintf(
			"the GPU is divided into MIG instances (%d on the page), which have no counters: the number is that of the whole GPU", n)})
	}
	if n := len(r.tenants); n > 1 {
		const shown = 4
		names := slices.Sorted(maps.Keys(r.tenants))
		list := strings.Join(names[:min(n, shown)], "; ")
		if n > shown {
			list += "; …"
		}
		marks = append(marks, energy.Finding{Reason: energy.SharedGPU, Device: uuid, Detail: fmt.Sprintf(
			"%d users share the GPU (%s): the number is that of all of them", n, list)})
	}
	return marks
}
