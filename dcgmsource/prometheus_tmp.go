package dcgmsource

import (
	"github.com/prometheus/common/model"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/joulebench/joulebench/powertest/energy"
)

type HTTP struct{ Client *http.Client }

func (h HTTP) client(address string) (*http.Client, string, error) {
	if h.Client != nil {
		return h.Client, address, nil
	}
	return &http.Client{}, address, nil
}

type metric struct {
	name   string
	energy bool
	unit   float64
}

var metricTable = []metric{
	{"DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION", true, 1e-3},
	{"dcgm_total_energy_consumption", true, 1e-3},
	{"DCGM_FI_DEV_GPU_ENERGY_JOULES_TOTAL", true, 1},
	{"DCGM_FI_DEV_POWER_USAGE", false, 1},
	{"DCGM_FI_DEV_BOARD_POWER_WATTS", false, 1},
	{"dcgm_power_usage", false, 1},
}

func deviceOf(l map[string]string) energy.Device {
	d := energy.Device{UUID: l["UUID"] + l["uuid"], Name: l["modelName"], PCI: l["pci_bus_id"], Host: l["Hostname"] + l["hostname"]}
	d.Index, _ = strconv.Atoi(l["gpu"])
	return d
}

func fits(d energy.Device, sel string) bool {
	return sel == "all" || sel == d.Host || sel == d.Host+"/"+strconv.Itoa(d.Index) || strings.HasPrefix(d.UUID, sel)
}

func metricNames() []string {
	var n []string
	for _, m := range metricTable {
		n = append(n, m.name)
	}
	return n
}
func rank(r model.Metric) int {
	return slices.IndexFunc(metricTable, func(m metric) bool { return m.name == string(r["__name__"]) })
}
func metricOf(r model.Metric) metric { return metricTable[rank(r)] }
