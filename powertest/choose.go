package powertest

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/joulebench/joulebench/powertest/energy"
)

// chosen is a source with some of another's devices, in its order.
type chosen struct {
	energy.Source
	devices []energy.Device
	index   []int // of each device, in the other source
	whole   bool  // all of them
}

// role is what some devices do, by selectors.
type role struct {
	name      string
	selectors []string
}

// choose returns the source with the devices that match a selector: a UUID, the
// beginning of one, or an index. Without selectors it has all devices. Those that
// match a role's selector have that role. If nothing is asked for it is the source
// itself.
func choose(src energy.Source, selectors []string, roles []role) (energy.Source, error) {
	if len(selectors) == 0 && len(roles) == 0 {
		return src, nil
	}
	all := src.Devices()
	c := &chosen{Source: src, whole: len(selectors) == 0}
	if c.whole {
		for i := range all {
			c.index = append(c.index, i)
		}
	} else {
		var err error
		if c.index, err = matching(src, all, selectors); err != nil {
			return nil, err
		}
	}
	for _, i := range c.index {
		c.devices = append(c.devices, all[i])
	}
	if err := assign(src, c.devices, roles); err != nil {
		return nil, err
	}
	switch src := src.(type) {
	case energy.HistorySource:
		return &chosenHistory{c, src}, nil
	case energy.Inspector:
		return &chosenInspector{c, src}, nil
	}
	return c, nil
}

// matching returns the indices of the devices that match a selector, in order. Each
// selector must match one.
func matching(src energy.Source, devices []energy.Device, selectors []string) ([]int, error) {
	var index []int
	for _, sel := range selectors {
		found := false
		for i, d := range devices {
			if sel == strconv.Itoa(d.Index) || (sel != "" && strings.HasPrefix(d.UUID, sel)) {
				found = true
				index = append(index, i)
			}
		}
		if !found {
			return nil, fmt.Errorf("source %s: %w: %q is neither the index of a device nor the beginning of a UUID; there are %s",
				src.Info().Name, energy.ErrNoDevice, sel, names(devices))
		}
	}
	slices.Sort(index)
	return slices.Compact(index), nil
}

// assign sets the roles of devices. A device has one at most: its energy counts
// for that.
func assign(src energy.Source, devices []energy.Device, roles []role) error {
	for _, r := range roles {
		if !isPartName(r.name) {
			return fmt.Errorf("role %q: %w: a role's name must have no spaces, and not be empty or \"net\"", r.name, energy.ErrMalformed)
		}
		index, err := matching(src, devices, r.selectors)
		if err != nil {
			return fmt.Errorf("role %q: %w", r.name, err)
		}
		for _, i := range index {
			d := &devices[i]
			if d.Role != "" && d.Role != r.name {
				return fmt.Errorf("source %s: %w: %s has two roles, %q and %q", src.Info().Name, energy.ErrMalformed, d.UUID, d.Role, r.name)
			}
			d.Role = r.name
		}
	}
	return nil
}

func names(devices []energy.Device) string {
	var list []string
	for _, d := range devices {
		list = append(list, fmt.Sprintf("%d (%s)", d.Index, d.UUID))
	}
	return strings.Join(list, ", ")
}

// Devices lists the chosen devices.
func (c *chosen) Devices() []energy.Device { return c.devices }

// Read reads the chosen devices under their numbers in the other source.
func (c *chosen) Read(dst []energy.Reading) {
	for i := range dst {
		dst[i].Device = c.index[dst[i].Device]
	}
	c.Source.Read(dst)
	for i := range dst {
		dst[i].Device = slices.Index(c.index, dst[i].Device)
	}
}

// chosenHistory is chosen for a source that is an [energy.HistorySource].
type chosenHistory struct {
	*chosen
	historian energy.HistorySource
}

// ReadRange is [energy.HistorySource.ReadRange] for the chosen devices. It asks for all of the
// source's: to measure a few of a fleet, select them when the source is opened.
func (c *chosenHistory) ReadRange(ctx context.Context, spans []energy.Span, curves []*energy.History) ([]energy.Finding, error) {
	all := make([]*energy.History, len(c.historian.Devices()))
	chosen := map[string]bool{"": true} // findings about the whole
	for i, d := range c.historian.Devices() {
		all[i] = energy.NewHistory(d, spans[0].Start, cmp.Or(d.Period, c.Info().Period))
	}
	for k, i := range c.index {
		all[i] = curves[k]
		chosen[c.devices[k].UUID] = true
	}
	found, err := c.historian.ReadRange(ctx, spans, all)
	return slices.DeleteFunc(found, func(f energy.Finding) bool {
		// Who chose by name does not mind that there are others.
		return !chosen[f.Device] || !c.whole && f.Reason == energy.ExpectedGPUCountMismatch
	}), err
}

// chosenInspector is chosen for a source that is an [energy.Inspector].
type chosenInspector struct {
	*chosen
	inspector energy.Inspector
}

// Inspect is [energy.Inspector.Inspect] for the chosen devices.
func (c *chosenInspector) Inspect(dst []energy.State) {
	for i := range dst {
		dst[i].Device = c.index[dst[i].Device]
	}
	c.inspector.Inspect(dst)
	for i := range dst {
		dst[i].Device = slices.Index(c.index, dst[i].Device)
	}
}
