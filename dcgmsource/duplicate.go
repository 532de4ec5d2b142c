package dcgmsource

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/joulebench/joulebench/powertest/energy"
)

// instanceOf returns the MIG instance that a row is for; empty if it is for the
// whole GPU. The value of the row is that of the whole GPU all the same.
func instanceOf(get labels) string { return get("GPU_I_ID") }

// tenantOf names the pod, job or claim that a row is for; empty if it is for
// none. A server that scrapes an exporter keeps pod for the exporter's own, and
// calls that of the row exported_pod.
func tenantOf(get labels) string {
	var parts []string
	add := func(what string, values ...string) {
		values = slices.DeleteFunc(values, func(v string) bool { return v == "" })
		if len(values) > 0 {
			parts = append(parts, what+" "+strings.Join(values, "/"))
		}
	}
	if pod := get("exported_pod"); pod != "" {
		add("pod", get("exported_namespace"), pod, get("exported_container"))
	} else if pod := get("pod"); pod != "" {
		add("pod", get("namespace"), pod, get("container"))
	}
	if claim := get("dra_claim_name"); claim != "" {
		add("claim", get("dra_claim_namespace"), claim, get("dra_device_name"))
	}
	add("job", get("hpc_job"))
	add("vgpu", get("vgpu"))
	return strings.Join(parts, ", ")
}

// duplicates collects what the rows of one GPU are for.
type duplicates struct {
	instances, tenants map[string]bool
}

// add takes in one row.
func (d *duplicates) add(get labels) {
	note := func(set *map[string]bool, v string) {
		if v == "" {
			return
		}
		if *set == nil {
			*set = map[string]bool{}
		}
		(*set)[v] = true
	}
	note(&d.instances, instanceOf(get))
	note(&d.tenants, tenantOf(get))
}

// merge takes in what the rows of another page are for.
func (d *duplicates) merge(other duplicates) {
	for _, set := range [...]struct{ to, from *map[string]bool }{{&d.instances, &other.instances}, {&d.tenants, &other.tenants}} {
		if *set.to == nil {
			*set.to = map[string]bool{}
		}
		maps.Copy(*set.to, *set.from)
	}
}

// marks returns what the rows of the GPU mean for its measurements.
func (d *duplicates) marks(uuid string) []energy.Finding {
	var marks []energy.Finding
	if n := len(d.instances); n > 0 {
		marks = append(marks, energy.Finding{Reason: energy.MIGParentScope, Device: uuid, Detail: fmt.Sprintf(
			"the GPU is divided into MIG instances (%d on the page), which have no counters: the number is that of the whole GPU", n)})
	}
	if n := len(d.tenants); n > 1 {
		const shown = 4
		names := slices.Sorted(maps.Keys(d.tenants))
		list := strings.Join(names[:min(n, shown)], "; ")
		if n > shown {
			list += "; …"
		}
		marks = append(marks, energy.Finding{Reason: energy.SharedGPU, Device: uuid, Detail: fmt.Sprintf(
			"%d users share the GPU (%s): the number is that of all of them", n, list)})
	}
	return marks
}
