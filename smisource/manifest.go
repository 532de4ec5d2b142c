package smisource

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"

	"github.com/joulebench/joulebench/powertest/energy"
)

// manifest is what the package of a run on several hosts says beside its samples.csv:
// srt-slurm writes it for InferenceX.
type manifest struct {
	Expected []struct {
		Host        string `json:"hostname"`
		Index       int    `json:"gpu_index"`
		Assignments []struct {
			Role string `json:"worker_role"`
		} `json:"assignments"`
	} `json:"expected_devices"`
}

// manifestName is the name of the manifest, and largestManifest how much of it is read.
const (
	manifestName    = "manifest.json"
	largestManifest = 16 << 20
)

// packaged reports whether the log is one that has a manifest.
func (h *header) packaged() bool {
	return h.host >= 0 && h.index >= 0 && slices.Contains(h.names, "scrape_seq")
}

// assign gives the GPUs the roles of the manifest that stands beside the log, if it is
// the log of such a package, and keeps what GPUs there should be.
func (s *Source) assign() error {
	if !s.log.main.packaged() {
		return nil
	}
	path := filepath.Join(filepath.Dir(s.cfg.Path), manifestName)
	file, _, err := openRegular(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	var m manifest
	if err == nil {
		defer file.Close()
		err = json.NewDecoder(io.LimitReader(file, largestManifest)).Decode(&m)
	}
	if err != nil {
		return &Error{Reason: TelemetryFileUnreadable, Path: path, Err: err, Hint: "it has the roles of the GPUs in " + filepath.Base(s.cfg.Path) + ": move it away, and give them with -role"}
	}
	byName := map[string]*gpu{}
	for _, g := range s.log.gpus {
		byName[fmt.Sprintf("%s/%d", g.host, g.index)] = g
	}
	for _, e := range m.Expected {
		name := fmt.Sprintf("%s/%d", e.Host, e.Index)
		g := byName[name]
		if g == nil {
			s.absent = append(s.absent, name)
			continue
		}
		var roles []string
		for _, a := range e.Assignments {
			roles = append(roles, strings.TrimSpace(a.Role))
		}
		slices.Sort(roles)
		if roles = slices.Compact(roles); len(roles) == 1 { // of one with two roles neither is known
			g.role = roles[0]
		}
	}
	return nil
}

// unheard says which GPUs of the manifest the log does not have, where all are wanted.
func (s *Source) unheard() (f energy.Finding, any bool) {
	if !s.all || len(s.absent) == 0 {
		return f, false
	}
	return energy.Finding{Reason: energy.ExpectedGPUCountMismatch, Detail: fmt.Sprintf("%s has %d GPUs that the log does not have: %s",
		manifestName, len(s.absent), listed(s.absent))}, true
}

// listed is a list of names, as far as it can be read.
func listed(names []string) string {
	const most = 8
	if len(names) > most {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), len(names)-most)
	}
	return strings.Join(names, ", ")
}
