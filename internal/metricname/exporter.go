package metricname

import (
	"strconv"
	"time"

	"github.com/joulebench/joulebench/powertest/energy"
)

// Exporter is a kind of exporter: how its rows name a device, and what its values
// are like.
type Exporter struct {
	// Mark is what is in the names of all of its metrics, in lower case.
	Mark string
	// UUID, Index, Model, PCI, Host and Driver are the labels that hold these. The
	// names differ between versions and settings; the first that is there counts.
	UUID, Index, Model, PCI, Host, Driver []string
	// Instance is the label of a part of a device that has no counter of its own:
	// the value of its row is that of the whole device.
	Instance string
	// Tenants are the labels that name who uses the device.
	Tenants []Tenant
	// Behind is by how much a value can be old already when the exporter's own
	// source takes it.
	Behind time.Duration
	// Hint is what would make values change more often.
	Hint string
	// blank reports whether a raw value stands for none.
	blank func(kind Kind, raw float64) bool
}

// Tenant is how rows name one kind of user of a device.
type Tenant struct {
	// What is the kind: "pod".
	What string
	// Key is the label that is there if a row is for such a user, and Name those
	// that name it together.
	Key  string
	Name []string
	// Unless is a label that takes precedence over Key; empty if there is none.
	Unless string
}

// DCGM is NVIDIA's dcgm-exporter. Its gpu_uuid is that of a link's other end.
var DCGM = Exporter{
	Mark:     "dcgm",
	UUID:     []string{"UUID", "uuid"},
	Index:    []string{"gpu"},
	Model:    []string{"modelName"},
	PCI:      []string{"pci_bus_id"},
	Host:     []string{"Hostname", "hostname"},
	Driver:   []string{"DCGM_FI_DRIVER_VERSION", "DCGM_FI_SYSTEM_DRIVER_VERSION"},
	Instance: "GPU_I_ID",
	Tenants: []Tenant{
		// A server that scrapes an exporter keeps pod for the exporter's own, and
		// renames that of the row to exported_pod.
		{What: "pod", Key: "exported_pod", Name: []string{"exported_namespace", "exported_pod", "exported_container"}},
		{What: "pod", Key: "pod", Name: []string{"namespace", "pod", "container"}, Unless: "exported_pod"},
		{What: "claim", Key: "dra_claim_name", Name: []string{"dra_claim_namespace", "dra_claim_name", "dra_device_name"}},
		{What: "job", Key: "hpc_job", Name: []string{"hpc_job"}},
		{What: "vgpu", Key: "vgpu", Name: []string{"vgpu"}},
	},
	Behind: 100 * time.Millisecond, // how seldom the driver's counter changes
	Hint:   "start dcgm-exporter with -c 1000",
	blank:  blankOfDCGM,
}

// DCGM marks a value that it does not have by a number that is out of range.
// The exporter leaves such rows out since 2.4; older ones print the number.
const (
	blankInt      = float64(0x7ffffffffffffff0)
	blankDouble   = float64(1 << 47)
	blankDoubleTo = blankDouble + 3
)

func blankOfDCGM(kind Kind, raw float64) bool {
	return raw >= blankInt || kind == Power && raw >= blankDouble && raw <= blankDoubleTo
}

// Labels returns the value of a label by its name; empty if there is no such
// label.
type Labels func(name string) string

// first returns the first of the labels that is there.
func (l Labels) first(names []string) string {
	for _, name := range names {
		if v := l(name); v != "" {
			return v
		}
	}
	return ""
}

// UnknownIndex is the index of a device whose row does not name it.
const UnknownIndex = -1

// Device returns what the labels of a row say of its device. The UUID is empty if
// they do not name it: such a row is of no use, since nothing else identifies a
// device.
func (x *Exporter) Device(get Labels) energy.Device {
	index, err := strconv.Atoi(get.first(x.Index))
	if err != nil || index < 0 {
		index = UnknownIndex
	}
	return energy.Device{
		UUID:   get.first(x.UUID),
		Index:  index,
		Name:   get.first(x.Model),
		PCI:    get.first(x.PCI),
		Host:   get.first(x.Host),
		Driver: x.DriverVersion(get),
	}
}

// DriverVersion returns the version of the driver; empty if the labels do not hold
// it.
func (x *Exporter) DriverVersion(get Labels) string { return get.first(x.Driver) }

// UUIDLabel returns the label that holds the UUID.
func (x *Exporter) UUIDLabel(get Labels) string {
	for _, name := range x.UUID {
		if get(name) != "" {
			return name
		}
	}
	return ""
}

// UUIDLabels are the labels that can hold the UUID of a device, of all exporters.
var UUIDLabels = func() (names []string) {
	for _, x := range exporters {
		names = append(names, x.UUID...)
	}
	return names
}()
