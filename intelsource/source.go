package intelsource

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/joulebench/joulebench/internal/drm"
	"github.com/joulebench/joulebench/powertest/energy"
)

// Source is an [energy.Source], an [energy.Inspector] of temperatures and an
// [energy.PartialSource] on the Intel GPUs of this machine. It keeps their files open.
type Source struct{ *drm.Source }

// Open opens the GPUs that cfg selects. Its errors have what to do on a second line, and
// wrap [errors.ErrUnsupported] elsewhere than on Linux, [io/fs.ErrNotExist] if there is no
// graphics driver, [io/fs.ErrPermission] if a file may not be read, [energy.ErrNoDevice] if
// there is no Intel GPU, or one that is selected is not there, [energy.ErrNoEnergy] if
// one reports no energy, and [energy.ErrNoAnswer] if its driver does not answer.
func Open(cfg Config) (*Source, error) {
	tree, err := drm.Open(cfg.Root)
	if err != nil {
		return nil, fmt.Errorf("intel: %w", err)
	}
	cards, _, err := tree.Cards(drm.Intel)
	if err != nil {
		return nil, fmt.Errorf("intel: %w", err)
	}
	if len(cards) == 0 {
		return nil, fmt.Errorf("intel: %w: the kernel shows no Intel GPU\ncheck ls /sys/class/drm, and that the module i915 or xe is loaded", energy.ErrNoDevice)
	}
	devices := make([]energy.Device, len(cards))
	for i, c := range cards {
		devices[i] = c.Device(i, "", fmt.Sprintf("Intel GPU %04x:%04x", uint16(drm.Intel), c.Model))
	}
	named, err := energy.Selectors(cfg.Devices...)
	if err != nil {
		return nil, fmt.Errorf("intel: %w", err)
	}
	chosen, err := energy.Select(devices, named...)
	if err != nil {
		return nil, fmt.Errorf("intel: %w", err)
	}
	var version []string
	for _, d := range drivers {
		if slices.ContainsFunc(chosen, func(i int) bool { return cards[i].Driver == d }) {
			version = append(version, strings.TrimSpace(d+" "+tree.Module(d)))
		}
	}
	s := &Source{drm.NewSource(energy.Info{Name: sourceName, Version: strings.Join(version, ", ")})}
	for _, i := range chosen {
		m, d, e := probe(cards[i], devices[i])
		switch {
		case e == nil:
			s.Add(d, m, drm.Thermometer(cards[i].Sensors(drivers...), "pkg"))
		case len(named) == 0 && errors.Is(e, errors.ErrUnsupported):
			err = e // such as the graphics within the processor
			s.Leave(d, "it reports no energy")
		default:
			_ = s.Close()
			return nil, e
		}
	}
	if len(s.Devices()) == 0 {
		return nil, err
	}
	return s, nil
}
