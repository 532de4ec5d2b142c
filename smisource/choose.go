package smisource

import (
	"fmt"
	"slices"
	"strings"

	"github.com/joulebench/joulebench/powertest/energy"
)

// choose selects GPUs of the log, each once, in the order of the log.
func (s *Source) choose() error {
	var wanted []string
	for _, list := range s.cfg.Devices {
		for sel := range strings.SplitSeq(list, ",") {
			if sel = strings.TrimSpace(sel); sel != "" {
				wanted = append(wanted, sel)
			}
		}
	}
	s.all = len(wanted) == 0 || slices.Contains(wanted, "all")
	met := make([]bool, len(wanted))
	for k, g := range s.log.gpus {
		chosen := s.all
		for i, sel := range wanted {
			if g.fits(sel) {
				met[i], chosen = true, true
			}
		}
		if chosen {
			s.gpus = append(s.gpus, k)
		}
	}
	for i, sel := range wanted {
		if !met[i] && sel != "all" {
			return fmt.Errorf("smi: %s: %w: %q; the log has %s", s.cfg.Path, energy.ErrNoDevice, sel, s.names())
		}
	}
	return nil
}

// fits reports whether a selector is of the GPU: its index as in the log, its
// UUID or the beginning of it, or what else it is known by.
func (g *gpu) fits(sel string) bool {
	if sel == g.id || sel == g.key() || g.pci != "" && strings.EqualFold(sel, g.pci) {
		return true
	}
	const shortest = 4
	bare := strings.TrimPrefix(sel, "GPU-")
	return g.uuid != "" && len(bare) >= shortest && (strings.HasPrefix(g.uuid, sel) || strings.HasPrefix(g.uuid, "GPU-"+bare))
}

func (s *Source) names() string {
	names := make([]string, len(s.log.gpus))
	for i, g := range s.log.gpus {
		names[i] = g.id
		if g.uuid != "" && g.uuid != g.id {
			names[i] += " (" + g.uuid + ")"
		}
	}
	return strings.Join(names, ", ")
}
