package amdsource

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/joulebench/joulebench/internal/drm"
	"github.com/joulebench/joulebench/powertest/energy"
)

// Source is an [energy.Source], an [energy.Inspector] of temperatures and an
// [energy.PartialSource] on the AMD GPUs of this machine. It keeps their files open.
type Source struct{ *drm.Source }

// Open opens the GPUs that cfg selects. Its errors have what to do on a second line, and
// wrap [errors.ErrUnsupported] elsewhere than on Linux, [io/fs.ErrNotExist] if there is no
// graphics driver, [io/fs.ErrPermission] if a file may not be read, [energy.ErrNoDevice] if
// there is no AMD GPU, none is selected or one is not there, [energy.ErrNoEnergy] if
// one reports neither energy nor power, and [energy.ErrNoAnswer] if its driver does not
// answer, as while it is in reset.
func Open(cfg Config) (*Source, error) {
	tree, err := drm.Open(cfg.Root)
	if err != nil {
		return nil, fmt.Errorf("amd: %w", err)
	}
	cards, platform, err := tree.Cards(drm.AMD)
	if err != nil {
		return nil, fmt.Errorf("amd: %w", err)
	}
	if len(cards) == 0 {
		return nil, fmt.Errorf("amd: %w: the kernel shows no AMD GPU\ncheck ls /sys/class/drm, and that the module amdgpu is loaded", energy.ErrNoDevice)
	}
	gpus := inventory(cards)
	devices := make([]energy.Device, len(gpus))
	for i, g := range gpus {
		devices[i] = g.device
	}
	chosen, byDefault, err := choose(devices, cfg.Devices, os.LookupEnv)
	if err != nil {
		return nil, fmt.Errorf("amd: %w", err)
	}
	s := &Source{drm.NewSource(energy.Info{Name: sourceName, Version: strings.TrimSpace("amdgpu " + tree.Module("amdgpu"))})}
	second := secondDies(gpus)
	var failure error
	for _, i := range chosen {
		m, dev, err := gpus[i].probe()
		switch {
		case err == nil:
			s.Add(dev, m, drm.Thermometer(gpus[i].sensors, "edge", "junction"))
		case byDefault && second[i]:
			failure = err // what it uses is counted, and named by a mark
		case byDefault && errors.Is(err, errSecondDie):
			failure = err
			s.Leave(dev, "its energy and its power are 0, as those of a second die, and no first die of its model is there")
		case byDefault && errors.Is(err, errors.ErrUnsupported):
			failure = err // such as the small GPU that drives the display
			s.Leave(dev, "it reports neither energy nor power")
		default:
			_ = s.Close()
			return nil, err
		}
	}
	if len(s.Devices()) == 0 {
		return nil, failure
	}
	s.markDies(gpus, second)
	if byDefault {
		s.markPartitions(gpus, platform)
	}
	return s, nil
}

// secondDies says of each GPU whether it is a second die that another one of the same
// model counts. Which one, the driver does not say: there must be as many that count.
func secondDies(gpus []gpu) []bool {
	second := make([]bool, len(gpus))
	balance := map[uint16]int{} // of each model
	for i, g := range gpus {
		if g.tableErr != nil {
			continue
		}
		if second[i] = g.table.secondDie(); second[i] {
			balance[g.Model]--
		} else if _, counts := g.table.joules(); counts {
			balance[g.Model]++
		}
	}
	for i, g := range gpus {
		second[i] = second[i] && balance[g.Model] >= 0
	}
	return second
}

// markDies marks the GPUs whose counter is that of two dies.
func (s *Source) markDies(gpus []gpu, second []bool) {
	dies := map[uint16][]string{} // the second ones of a model
	models := map[string]uint16{}
	for i, g := range gpus {
		if second[i] {
			dies[g.Model] = append(dies[g.Model], g.PCI)
		}
		models[g.device.UUID] = g.Model
	}
	for model, list := range dies {
		detail := fmt.Sprintf("the energy is that of both dies of its card: the second ones report nothing (%s)", strings.Join(list, ", "))
		s.Mark(energy.MIGParentScope, detail, func(d energy.Device) bool { return models[d.UUID] == model })
	}
}

// markPartitions marks the GPUs that are divided into partitions, of which a program
// uses some: the counter is that of all.
func (s *Source) markPartitions(gpus []gpu, platform []string) {
	parts := 0
	for _, name := range platform {
		if strings.HasPrefix(name, "amdgpu_xcp") {
			parts++
		}
	}
	for _, g := range gpus {
		mode := g.partition()
		if mode == "" {
			continue
		}
		detail := fmt.Sprintf("the GPU is divided into partitions (%s; %d beside the first are shown on this machine), which have no counters: this is the energy of all of it", mode, parts)
		s.Mark(energy.MIGParentScope, detail, func(d energy.Device) bool { return d.UUID == g.device.UUID })
	}
}
