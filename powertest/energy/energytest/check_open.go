package energytest

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/joulebench/joulebench/powertest/energy"
)

func checkOpen(s *suite, _ energy.Source) error {
	if s.opens == nil {
		return nil
	}
	devices, err := s.openFor()
	if err != nil {
		return fmt.Errorf("open without selectors: %w", err)
	}
	every := uuids(devices)
	errs := []error{s.checkSelectors(every, "all"), s.checkSelectors(every, every...)}
	for _, d := range devices {
		one := []string{d.UUID}
		errs = append(errs, s.checkSelectors(one, d.UUID), s.checkSelectors(one, strings.ToUpper(d.UUID)), s.checkSelectors(one, d.UUID, d.UUID))
	}
	last := devices[len(devices)-1]
	same := slices.IndexFunc(devices, func(d energy.Device) bool { return d.Index == last.Index && d.UUID != last.UUID })
	if last.Host == "" && same < 0 {
		errs = append(errs, s.checkSelectors([]string{last.UUID}, strconv.Itoa(last.Index)))
	}
	for _, selectors := range [][]string{{"no-such-device"}, {devices[0].UUID, "no-such-device"}} {
		if got, err := s.openFor(selectors...); err == nil {
			errs = append(errs, fmt.Errorf("open of %q, of which one does not exist, gave %q and no error", selectors, uuids(got)))
		} else if !errors.Is(err, energy.ErrNoDevice) {
			errs = append(errs, fmt.Errorf("open of %q: %w: it must fail with energy.ErrNoDevice", selectors, err))
		}
	}
	return errors.Join(errs...)
}

// checkSelectors opens the source for selectors, which must give just the devices
// that are wanted, in any order.
func (s *suite) checkSelectors(want []string, selectors ...string) error {
	devices, err := s.openFor(selectors...)
	if err != nil {
		return fmt.Errorf("open of %q: %w", selectors, err)
	}
	got := uuids(devices)
	if !slices.Equal(slices.Sorted(slices.Values(got)), slices.Sorted(slices.Values(want))) {
		return fmt.Errorf("open of %q gave %q", selectors, got)
	}
	return nil
}

// openFor returns the devices of a source that is opened for selectors, and closes
// it.
func (s *suite) openFor(selectors ...string) ([]energy.Device, error) {
	src, err := s.opens(selectors)
	if err != nil {
		if src != nil {
			return nil, fmt.Errorf("a source that is not nil (%T) comes with the error %q", src, err)
		}
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
