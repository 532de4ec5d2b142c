package doctor

import (
	"errors"
	"io/fs"
	"slices"

	"github.com/joulebench/joulebench/powertest/energy"
)

// ErrOff says that measuring was switched off.
var ErrOff = errors.New("measuring is switched off")

// A SourceStatus is what is known of one source.
type SourceStatus struct {
	Name string `json:"name"`
	// Chosen says that it is the one that would measure.
	Chosen bool `json:"chosen"`
	// Linked says that this binary has it.
	Linked bool `json:"linked"`
	// Status is "usable", "not tried", or why it is not usable: "not there",
	// "no permission", "not in this build", "no device", "device lost", "no answer",
	// "off" or "failed".
	Status string `json:"status"`
	// Detail says more, and what to do.
	Detail string `json:"detail,omitempty"`
}

// known are the sources of this module, with what those need that are not chosen.
// Nothing is needed to open the driver of this machine, and it costs nothing.
var known = []struct{ name, needs string }{
	{"nvml", ""},
	{"dcgm", "needs the address of an exporter: -source dcgm=http://HOST:9400"},
	{"prometheus", "needs the address of a server: -source prometheus=http://HOST:9090"},
	{"smi", "needs a log of nvidia-smi or amd-smi: -source smi=FILE"},
	{"sim", "always there, and simulates: -source sim"},
}

// Survey lists the known sources with the chosen one among them: src, or why it could
// not be opened. Of the others only the driver of this machine is tried, if it is
// linked in.
func Survey(chosen string, src energy.Source, err error) []SourceStatus {
	linked := energy.Registered()
	var list []SourceStatus
	for _, k := range known {
		s := SourceStatus{Name: k.name, Chosen: k.name == chosen, Linked: slices.Contains(linked, k.name), Status: "not tried", Detail: k.needs}
		if k.needs == "" && s.Linked && !s.Chosen {
			s.try()
		}
		list = append(list, s)
	}
	i := slices.IndexFunc(list, func(s SourceStatus) bool { return s.Chosen })
	if i < 0 {
		list = append(list, SourceStatus{Name: chosen, Chosen: true, Linked: slices.Contains(linked, chosen)})
		i = len(list) - 1
	}
	list[i].opened(src, err)
	return list
}

func (s *SourceStatus) try() {
	src, err := energy.Open(s.Name, "", nil)
	s.opened(src, err)
	if err == nil {
		_ = src.Close()
	}
}

// opened says what came of opening it.
func (s *SourceStatus) opened(src energy.Source, err error) {
	if err == nil {
		s.Status, s.Detail = "usable", src.Info().Version
		return
	}
	s.Status, s.Detail = status(err), err.Error()
}

// status is the kind of an error of opening a source.
func status(err error) string {
	for _, k := range []struct {
		is   error
		kind string
	}{
		{ErrOff, "off"},
		{errors.ErrUnsupported, "not in this build"},
		{fs.ErrPermission, "no permission"},
		{fs.ErrNotExist, "not there"},
		{energy.ErrDeviceLost, "device lost"},
		{energy.ErrStalled, "no answer"},
		{energy.ErrNoAnswer, "no answer"},
		{energy.ErrNoDevice, "no device"},
	} {
		if errors.Is(err, k.is) {
			return k.kind
		}
	}
	return "failed"
}
