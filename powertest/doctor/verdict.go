package doctor

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/joulebench/joulebench/powertest/energy"
)

// conclude decides whether joules can be measured with the source of the name.
func (r *Report) conclude(name string) {
	lead, beside := r.leading()
	bad := 0
	for _, g := range lead {
		if !g.Measurable {
			bad++
		}
	}
	left := leftOf(r.LeftOut, lead)
	joules := "joules"
	if r.Simulated {
		joules = "simulated joules"
	}
	if r.Measurable = bad == 0; !r.Measurable {
		r.Benchtime = Benchtime{Reason: "joules can't be measured"}
		who := fmt.Sprintf("%d of %s", bad, counted(lead, left))
		why := r.firstObstacle()
		r.Verdict = fmt.Sprintf("%s can't be measured of %s by %s: %s: %s", joules, who, name, why.Reason, why.Detail)
		return
	}
	who := counted(lead, 0)
	if left > 0 {
		who = fmt.Sprintf("%d of %s", len(lead), counted(lead, left))
	}
	r.Verdict = fmt.Sprintf("%s can be measured: %s by %s, %s; %s%s",
		joules, who, name, refreshed(lead), r.Benchtime.advice(r.Watch.Past && r.Server == nil), r.besides(beside))
}

// besides says whether the other kinds of devices can be measured, and what is missing.
func (r *Report) besides(beside []GPU) (text string) {
	for _, kind := range kindsOf(beside) {
		list := slices.DeleteFunc(slices.Clone(beside), func(g GPU) bool { return g.Kind != kind })
		text += "; beside them " + counted(list, 0)
		if why := firstObstacle(list); why != nil {
			text += fmt.Sprintf(", which can't be measured: %s: %s", why.Reason, why.Detail)
		}
	}
	if r.Missing != "" {
		text += "; without " + strings.ReplaceAll(r.Missing, "\n", "; ")
	}
	return text
}

// leading returns the devices that J/op is of, and the others.
func (r *Report) leading() (lead, beside []GPU) {
	kinds := energy.Leading(kindsOf(r.GPUs))
	for _, g := range r.GPUs {
		if slices.Contains(kinds, g.Kind.OrGPU()) {
			lead = append(lead, g)
		} else {
			beside = append(beside, g)
		}
	}
	return lead, beside
}

func kindsOf(list []GPU) []energy.Kind {
	devices := make([]energy.Device, len(list))
	for i, g := range list {
		devices[i].Kind = g.Kind
	}
	return energy.KindsOf(devices)
}

// leftOf returns how many devices were left out that are of the kinds of others.
func leftOf(left []energy.LeftOut, list []GPU) (n int) {
	kinds := kindsOf(list)
	for _, l := range left {
		if slices.Contains(kinds, l.Kind.OrGPU()) {
			n++
		}
	}
	return n
}

// firstObstacle returns why the first of the leading devices that is not measurable is not;
// nil if all are.
func (r *Report) firstObstacle() *energy.Finding {
	lead, _ := r.leading()
	return firstObstacle(lead)
}

func firstObstacle(list []GPU) *energy.Finding {
	for _, g := range list {
		if !g.Measurable {
			return obstacle(g.Findings)
		}
	}
	return nil
}

// told reports whether the verdict names a cause, and it is that of all devices.
func (r *Report) told(c energy.Cause) bool {
	why := r.firstObstacle()
	return why != nil && c.Reason == why.Reason && c.Detail == why.Detail && !c.Differ && len(c.Devices) == len(r.GPUs)
}

// counted says how many devices there are, and more of the first kind: "2 GPUs", "1 CPU and
// 1 DRAM".
func counted(list []GPU, more int) string {
	var text []string
	for _, kind := range kindsOf(list) {
		n := more
		for _, g := range list {
			if g.Kind.OrGPU() == kind {
				n++
			}
		}
		more = 0
		plural := "s"
		if n == 1 || kind == energy.DRAM {
			plural = ""
		}
		text = append(text, fmt.Sprintf("%d %s%s", n, kind.Title(), plural))
	}
	return strings.Join(text, " and ")
}

// refreshed says how often the slowest counter is refreshed.
func refreshed(list []GPU) string {
	slowest := time.Duration(0)
	gauge := ""
	for _, g := range list {
		if g.Period != nil {
			slowest = max(slowest, *g.Period)
		}
		if g.Method == energy.Gauge {
			gauge = "power only, "
		}
	}
	if slowest == 0 {
		return gauge + "which did not change while it was watched"
	}
	return gauge + "refreshed every " + digitsOf(slowest, 2)
}
