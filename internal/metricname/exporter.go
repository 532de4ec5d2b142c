package metricname

import (
	"net"
	"path"
	"strconv"
	"strings"
	"time"

	"github.com/joulebench/joulebench/powertest/energy"
)

// Exporter is a kind of exporter: how its rows name a device, and what its values
// are like.
type Exporter struct {
	// Name is what it is called.
	Name string
	// Mark is what is in the names of all of its metrics, in lower case; empty if it need
	// not be known.
	Mark string
	// Vendor is whose GPUs it reads; empty if it may be anyone's, or if it reads none.
	Vendor string
	// UUID are labels that hold what identifies a device anywhere; the first that is there
	// counts. UUIDPrefix is what they lack of it.
	UUID       []string
	UUIDPrefix string
	// Local are labels that identify a device together, on the machine that Place names:
	// where there is no UUID.
	Local []string
	// Place are labels of which the first that is there names the machine.
	Place []string
	// Index, Model, PCI, Host and Driver are the labels that hold these. The
	// names differ between versions and settings; the first that is there counts.
	Index, Model, PCI, Host, Driver []string
	// Instance is the label of a part of a device that has no counter of its own:
	// the value of its row is that of the whole device.
	Instance string
	// Tenants are the labels that name who uses the device.
	Tenants []Tenant
	// Lists says that its metrics of kind About have rows of all of its devices.
	Lists bool
	// Period is how often its values change; 0 if that is as the source says. Behind is
	// by how much a value can be old already when the exporter's own source takes it, and
	// Fresh by how much when the exporter is asked; 0 if that is not known.
	Period, Behind, Fresh time.Duration
	// Hint is what would make values change more often.
	Hint string
	// blank reports whether a raw value stands for none; nil if none does.
	blank func(kind Kind, raw float64) bool
	// admit reports whether the device is one to measure, and completes what is known of
	// it from all of its rows; nil if all are.
	admit func(d *energy.Device) bool
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

// Pods are how rows name the pods that use a device. A server that scrapes an exporter
// keeps pod for the exporter's own, and renames that of the row to exported_pod.
var pods = []Tenant{
	{What: "pod", Key: "exported_pod", Name: []string{"exported_namespace", "exported_pod", "exported_container"}},
	{What: "pod", Key: "pod", Name: []string{"namespace", "pod", "container"}, Unless: "exported_pod"},
}

// Labels returns the value of a label by its name; empty if there is no such
// label.
type Labels func(name string) string

// first returns the first of the labels that is there, and its name.
func (l Labels) first(names []string) (value, name string) {
	for _, name := range names {
		if v := l(name); v != "" {
			return v, name
		}
	}
	return "", ""
}

// InstanceLabel is the label by which a server names the target of a scrape. A page has
// none: there it is where the page is.
const InstanceLabel = "instance"

// Pair is a label with its value.
type Pair struct{ Name, Value string }

// Key returns the labels that identify the device of a row among all of the exporter's;
// none if they do not.
func (x *Exporter) Key(get Labels) []Pair {
	if v, name := get.first(x.UUID); v != "" || len(x.Place) == 0 {
		if v == "" {
			return nil
		}
		return []Pair{{name, v}}
	}
	place, name := get.first(x.Place)
	if place == "" {
		return nil
	}
	key := []Pair{{name, place}}
	for _, name := range x.Local {
		key = append(key, Pair{name, get(name)})
	}
	if len(key) == 2 && strings.HasPrefix(key[1].Value, "GPU-") {
		return key[1:] // a UUID of NVIDIA's, which is the same everywhere
	}
	return key
}

// Identity returns what identifies the device of a row anywhere, the UUID of
// [energy.Device]; empty if the labels do not hold it.
func (x *Exporter) Identity(get Labels) string {
	if v, _ := get.first(x.UUID); v != "" {
		if x.UUIDPrefix != "" && !strings.HasPrefix(v, x.UUIDPrefix) {
			v = x.UUIDPrefix + v
		}
		return v
	}
	if len(x.Place) == 0 {
		return ""
	}
	key := x.Key(get)
	if len(key) == 0 {
		return ""
	}
	if len(key) == 1 && len(x.Local) == 1 {
		return key[0].Value
	}
	parts := make([]string, len(key))
	for i, p := range key {
		if p.Name == "path" && p.Value != "" {
			p.Value = path.Base(p.Value)
		}
		parts[i] = strings.ReplaceAll(p.Value, "/", "%2F") // else two devices could have one name
	}
	for len(parts) > 0 && parts[len(parts)-1] == "" {
		parts = parts[:len(parts)-1]
	}
	if len(parts) == 1 {
		parts = append(parts, string(energy.Node))
	}
	return strings.Join(parts, "/")
}

// KeyLabels are the labels that can be in a [Exporter.Key].
func (x *Exporter) KeyLabels() []string {
	return append(append(append([]string(nil), x.UUID...), x.Place...), x.Local...)
}

// UnknownIndex is the index of a device whose row does not name it.
const UnknownIndex = -1

// Device returns what the labels of a row say of its device. The UUID is empty if
// they do not name it: such a row is of no use, since nothing else identifies a
// device.
func (x *Exporter) Device(get Labels) energy.Device {
	text, _ := get.first(x.Index)
	index, err := strconv.Atoi(text)
	if err != nil || index < 0 {
		index = UnknownIndex
	}
	d := energy.Device{UUID: x.Identity(get), Index: index, Driver: x.DriverVersion(get)}
	d.Name, _ = get.first(x.Model)
	d.PCI, _ = get.first(x.PCI)
	if d.Host, _ = get.first(x.Host); d.Host == "" && len(x.Place) > 0 {
		d.Host, _ = get.first(x.Place)
		if host, _, err := net.SplitHostPort(d.Host); err == nil {
			d.Host = host
		}
	}
	return d
}

// DriverVersion returns the version of the driver; empty if the labels do not hold
// it.
func (x *Exporter) DriverVersion(get Labels) string {
	v, _ := get.first(x.Driver)
	return v
}

// Complete adds to a device what other rows say of it.
func Complete(d *energy.Device, other energy.Device) {
	if d.Index == UnknownIndex {
		d.Index = other.Index
	}
	for _, field := range []struct{ to, from *string }{{&d.Name, &other.Name}, {&d.PCI, &other.PCI}, {&d.Driver, &other.Driver}, {&d.Host, &other.Host}} {
		if *field.to == "" {
			*field.to = *field.from
		}
	}
}

// is reports whether a label has one of some values.
func is(label string, values ...string) func(Labels) bool {
	return func(get Labels) bool {
		v := get(label)
		for _, want := range values {
			if v == want {
				return true
			}
		}
		return false
	}
}

// begins reports whether a label begins with a text.
func begins(label, text string) func(Labels) bool {
	return func(get Labels) bool { return strings.HasPrefix(get(label), text) }
}

// all reports whether all conditions hold.
func all(conditions ...func(Labels) bool) func(Labels) bool {
	return func(get Labels) bool {
		for _, c := range conditions {
			if !c(get) {
				return false
			}
		}
		return true
	}
}
