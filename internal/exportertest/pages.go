// Package exportertest has pages of exporters, and what a source is to make of them,
// whether it reads the pages or the server that scrapes them.
package exportertest

import (
	"cmp"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/joulebench/joulebench/powertest/energy"
)

// folder is seen from the tests of the sources.
const folder = "../testdata/exporters"

// Place is where the pages are: the target of a server's scrapes.
const Place = "a:9400"

// Case is a page, and what is to be measured of it.
type Case struct {
	// Page is the name of its file.
	Page string
	// Kind is what the address asks for by kind=, with further parameters; empty if it
	// asks for nothing.
	Kind string
	// Devices are those that are measured, by their UUIDs.
	Devices []Device
	// Note says what is not.
	Note string
}

// Device is what there is of a device, with its value, in joules or in watts.
type Device struct {
	UUID, Name, PCI, Metric string
	Kind                    energy.Kind
	Joules, Watts           float64
}

// Cases returns the cases, and Text the page of one.
func Cases(t testing.TB) (cases []Case) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(folder, "want.json"))
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(data, &cases))
	return cases
}

// Text returns the page.
func (c Case) Text(t testing.TB) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(folder, c.Page))
	require.NoError(t, err)
	return string(data)
}

// At returns the case for pages that are elsewhere than at [Place].
func (c Case) At(place string) Case {
	c.Devices = slices.Clone(c.Devices)
	for i := range c.Devices {
		c.Devices[i].UUID = strings.Replace(c.Devices[i].UUID, Place, place, 1)
	}
	return c
}

// Query returns what follows the question mark in the address; empty if nothing does.
func (c Case) Query() string {
	if c.Kind == "" {
		return ""
	}
	return "kind=" + c.Kind
}

// Check checks what a source has made of the page.
func (c Case) Check(t testing.TB, s energy.Source) {
	t.Helper()
	devices := s.Devices()
	readings := make([]energy.Reading, len(devices))
	for i := range readings {
		readings[i].Device = i
	}
	s.Read(readings)
	got := make([]Device, len(devices))
	for i, d := range devices {
		r := readings[i]
		require.NoError(t, r.Err, d.UUID)
		got[i] = Device{UUID: d.UUID, Name: d.Name, PCI: d.PCI, Metric: d.Metric, Kind: d.Kind}
		assert.Equal(t, d.Method == energy.Counter, r.HasJoules, d.UUID)
		if r.HasJoules {
			got[i].Joules = r.Joules
		} else {
			got[i].Watts = r.Watts
		}
	}
	slices.SortFunc(got, func(a, b Device) int { return cmp.Compare(a.UUID, b.UUID) })
	for i := range got {
		if i < len(c.Devices) && c.Devices[i].PCI == "" {
			got[i].PCI = ""
		}
	}
	assert.Equal(t, c.Devices, got)
	if f, notices := s.(energy.FindingSource); notices {
		assert.Empty(t, f.Findings(time.Now().Add(-time.Hour), time.Now().Add(time.Hour)))
	}
	if c.Note != "" {
		assert.Contains(t, s.Info().Version, c.Note)
	} else {
		assert.NotContains(t, s.Info().Version, "not measured")
	}
}
