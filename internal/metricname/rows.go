package metricname

import (
	"fmt"
	"slices"
	"strings"

	"github.com/joulebench/joulebench/powertest/energy"
)

// Rows collects what the rows of one device are for: instances of it, and its
// users. The zero Rows has none.
type Rows struct{ instances, tenants []string }

// Add takes in the labels of one row.
func (r *Rows) Add(x *Exporter, get Labels) {
	r.instances = append(r.instances, get(x.Instance))
	r.tenants = append(r.tenants, x.tenant(get))
}

// Merge takes in what the rows of another page are for.
func (r *Rows) Merge(other Rows) {
	r.instances = append(r.instances, other.instances...)
	r.tenants = append(r.tenants, other.tenants...)
}

// distinct returns what is not empty, sorted, each once.
func distinct(list []string) []string {
	list = slices.Compact(slices.Sorted(slices.Values(list)))
	return slices.DeleteFunc(list, func(v string) bool { return v == "" })
}

// tenant names who a row is for; empty if the row names none.
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

// Marks returns what the rows of a device, and its model, mean for its measurements.
func (r *Rows) Marks(d energy.Device) []energy.Finding {
	var marks []energy.Finding
	uuid := d.UUID
	if d.Method == energy.Counter && CountsModule(d.Name) {
		marks = append(marks, ModuleMark(uuid))
	}
	if n := len(distinct(r.instances)); n > 0 {
		marks = append(marks, energy.Finding{Reason: energy.MIGParentScope, Device: uuid, Detail: fmt.Sprintf(
			"the GPU is divided into MIG instances (%d on the page), which have no counters: the number is that of the whole GPU", n)})
	}
	names := distinct(r.tenants)
	if n := len(names); n > 1 {
		const shown = 4
		list := strings.Join(names[:min(n, shown)], "; ")
		if n > shown {
			list += "; …"
		}
		marks = append(marks, energy.Finding{Reason: energy.SharedGPU, Device: uuid, Detail: fmt.Sprintf(
			"%d users share the GPU (%s): the number is that of all of them", n, list)})
	}
	return marks
}
