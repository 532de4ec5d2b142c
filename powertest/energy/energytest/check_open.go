package energytest

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/joulebench/joulebench/powertest/energy"
)

func checkOpen(c *check) {
	if c.opens == nil {
		return
	}
	devices, err := c.openFor()
	if err != nil {
		c.errorf("open without selectors: %w", err)
		return
	}
	every := uuids(devices)
	c.checkSelectors(every, "all")
	c.checkSelectors(every, every...)
	for _, id := range every {
		one := []string{id}
		c.checkSelectors(one, id)
		c.checkSelectors(one, strings.ToUpper(id))
		c.checkSelectors(one, id, id)
	}
	last := devices[len(devices)-1]
	isOther := func(d energy.Device) bool { return d.Index == last.Index && d.UUID != last.UUID }
	if last.Host == "" && !slices.ContainsFunc(devices, isOther) {
		c.checkSelectors([]string{last.UUID}, strconv.Itoa(last.Index))
	}
	for _, selectors := range [][]string{{"no-such-device"}, {devices[0].UUID, "no-such-device"}} {
		if got, err := c.openFor(selectors...); err == nil {
			c.errorf("open of %q, of which one does not exist, gave %q and no error", selectors, uuids(got))
		} else if !errors.Is(err, energy.ErrNoDevice) {
			c.errorf("open of %q: %w: it must fail with energy.ErrNoDevice", selectors, err)
		}
	}
}

// checkSelectors opens the source for selectors, which must give just the devices
// that are wanted, in any order.
func (c *check) checkSelectors(want []string, selectors ...string) {
	devices, err := c.openFor(selectors...)
	got := uuids(devices)
	switch {
	case err != nil:
		c.errorf("open of %q: %w", selectors, err)
	case !slices.Equal(slices.Sorted(slices.Values(got)), slices.Sorted(slices.Values(want))):
		c.errorf("open of %q gave %q", selectors, got)
	}
}

// openFor returns the devices of a source that is opened for selectors, and closes
// it.
func (c *check) openFor(selectors ...string) ([]energy.Device, error) {
	src, err := c.opens(selectors)
	if err != nil && src != nil {
		return nil, fmt.Errorf("a source that is not nil (%T) comes with the error %q", src, err)
	}
	if err != nil {
		return nil, err
	}
	devices := slices.Clone(src.Devices())
	if err := src.Close(); err != nil {
		return nil, fmt.Errorf("close: %w", err)
	}
	if len(devices) == 0 {
		return nil, errors.New("the source has no device")
	}
	return devices, nil
}

func uuids(devices []energy.Device) []string {
	var list []string
	for _, d := range devices {
		list = append(list, d.UUID)
	}
	return list
}
