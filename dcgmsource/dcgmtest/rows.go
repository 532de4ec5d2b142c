package dcgmtest

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// row is one line of every group: a GPU, an instance of one, or a GPU as seen
// by one of its pods.
type row struct {
	gpu    int
	fixed  string // the labels of the GPU or instance, without the braces
	pod    map[string]string
	labels string // fixed, and those of the pod
	skewed bool   // its energy is of a moment earlier than that of others
}

// label makes the labels that a GPU has in any row.
func (g *gpu) label(n *names, cfg *Config, i int) {
	g.head = fmt.Sprintf(`gpu="%d",%s="%s",pci_bus_id="%08X:%02X:00.0",device="nvidia%d",modelName="%s"`,
		i, n.uuid, g.uuid, i/14, 0x18+0x11*(i%14), i, cfg.Model)
	g.tail = fmt.Sprintf(`,%s="%s",%s="570.124.06"`, n.hostname, cfg.Hostname, n.driver)
}

var xidLabels = map[string]string{"err_code": "0", "err_msg": "No Error"}

// rows lists the rows of a GPU. pods has the labels that each pod gives it.
func (g *gpu) rows(i int, pods []map[string]string) []row {
	if len(pods) == 0 {
		pods = []map[string]string{nil}
	}
	if len(g.jobs) > 0 {
		pods = withJobs(pods, g.jobs)
	}
	var rows []row
	for instance := range max(g.instances, 1) {
		fixed := g.head + g.tail
		if g.instances > 0 {
			fixed = fmt.Sprintf(`%s,GPU_I_PROFILE="1g.18gb",GPU_I_ID="%d"%s`, g.head, 7+instance, g.tail)
		}
		for _, pod := range pods {
			rows = append(rows, row{
				gpu: i, fixed: fixed, pod: pod, labels: fixed + attributes(pod), skewed: instance%2 == 1,
			})
		}
	}
	return rows
}

// withJobs gives each job a row of its own, as the exporter does that finds
// several in the file of a GPU in its directory of jobs.
func withJobs(pods []map[string]string, jobs []string) []map[string]string {
	var out []map[string]string
	for _, pod := range pods {
		for _, job := range jobs {
			labels := map[string]string{"hpc_job": job}
			maps.Copy(labels, pod)
			out = append(out, labels)
		}
	}
	return out
}

// attributes are labels that the exporter sorts by name. It does not escape
// their values.
func attributes(of ...map[string]string) string {
	all := map[string]string{}
	for _, labels := range of {
		maps.Copy(all, labels)
	}
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(all)) {
		fmt.Fprintf(&b, `,%s="%s"`, name, all[name])
	}
	return b.String()
}
