package main

import (
	"errors"
	"io/fs"
	"slices"
	"time"

	"github.com/joulebench/joulebench/dcgmsource"
	"github.com/joulebench/joulebench/nvmlsource"
	"github.com/joulebench/joulebench/powertest/energy"
	"github.com/joulebench/joulebench/promsource"
)

// A sourceCheck is what is known of one source.
type sourceCheck struct {
	Name string `json:"name"`
	// Chosen says that it is the one that would measure.
	Chosen bool `json:"chosen"`
	// Linked says that this binary has it.
	Linked bool `json:"linked"`
	// Status is "usable", "not tried", or why it is not usable: "no library",
	// "no permission", "not in this build", "no device", "no answer", "off" or
	// "failed".
	Status string `json:"status"`
	// Detail says more, and what to do.
	Detail string `json:"detail,omitempty"`
}

// untried says of sources that are not chosen what they need.
var untried = []struct{ name, needs string }{
	{"nvml", ""},
	{"dcgm", "needs the address of an exporter: -source dcgm=http://HOST:9400"},
	{"prometheus", "needs the address of a server: -source prometheus=http://HOST:9090"},
	{"smi", "needs a log of nvidia-smi or amd-smi: -source smi=FILE"},
	{"sim", "always there, and simulates: -source sim"},
}

// listSources lists the known sources, with the chosen one among them: src, or
// why it could not be opened.
func listSources(chosen string, src energy.Source, err error) []sourceCheck {
	linked := energy.Registered()
	var list []sourceCheck
	for _, u := range untried {
		c := sourceCheck{Name: u.name, Chosen: u.name == chosen, Linked: slices.Contains(linked, u.name), Status: "not tried", Detail: u.needs}
		if u.name == "nvml" && !c.Chosen {
			c.tryNVML()
		}
		list = append(list, c)
	}
	i := slices.IndexFunc(list, func(c sourceCheck) bool { return c.Chosen })
	if i < 0 {
		list = append(list, sourceCheck{Name: chosen, Chosen: true, Linked: slices.Contains(linked, chosen)})
		i = len(list) - 1
	}
	list[i].opened(src, err)
	return list
}

// tryNVML opens the driver to see whether it could be used: that costs nothing.
func (c *sourceCheck) tryNVML() {
	src, err := nvmlsource.Open(nvmlsource.Config{})
	if err != nil {
		c.opened(nil, err)
		return
	}
	c.opened(src, nil)
	_ = src.Close()
}

// opened says what came of opening it.
func (c *sourceCheck) opened(src energy.Source, err error) {
	if err == nil {
		c.Status, c.Detail = "usable", src.Info().Version
		return
	}
	c.Status, c.Detail = status(err), err.Error()
}

// status is the kind of an error of opening a source.
func status(err error) string {
	for _, k := range []struct {
		is   error
		kind string
	}{
		{errOff, "off"},
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

// A serverCheck is what is known of how a server or exporters tell.
type serverCheck struct {
	// Scrape is the longest scrape interval; nil if it is an exporter.
	Scrape *time.Duration `json:"scrape_ns"`
	// Offset is the server's clock minus this machine's, known to ± Within.
	Offset *time.Duration `json:"clock_offset_ns"`
	Within *time.Duration `json:"clock_offset_within_ns"`
	// Collapsed is how many rows or series told of GPUs that were counted
	// already.
	Collapsed int `json:"rows_collapsed"`
}

// serverOf asks the source; nil if it is on this machine.
func serverOf(src energy.Source) *serverCheck {
	switch s := src.(type) {
	case *dcgmsource.Source:
		return &serverCheck{Collapsed: s.Collapsed()}
	case *promsource.Source:
		v := s.ServerFacts()
		c := &serverCheck{Scrape: &v.Scrape, Offset: &v.Offset, Within: &v.Uncertainty}
		for _, d := range s.Devices() {
			c.Collapsed += max(d.Rows-1, 0)
		}
		return c
	}
	return nil
}

// modesOf returns the settings of a GPU, as far as they are known.
func modesOf(src energy.Source, device int) nvmlsource.Modes {
	if s, ok := src.(*nvmlsource.Source); ok {
		return s.Modes(device)
	}
	return nvmlsource.Modes{}
}
