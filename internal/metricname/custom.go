package metricname

import (
	"fmt"
	"strings"

	"github.com/joulebench/joulebench/powertest/energy"
)

// Custom is a metric that is in no table, as somebody describes it. The zero value is
// none.
type Custom struct {
	// Name is its name.
	Name string
	// Unit is uJ, mJ or J for energy, which is cumulative, and mW or W for power.
	Unit string
	// ID is the label that holds what identifies a device on its machine, or anywhere.
	ID string
	// Model is the label that holds what it is; empty if there is none.
	Model string
	// Kind is what it is; empty means a GPU.
	Kind energy.Kind
}

// CustomKeys are the keys by which an address describes a [Custom].
var CustomKeys = []string{"metric", "unit", "id", "model"}

// Set takes in a key of an address and its value, and reports whether the key is one of
// [CustomKeys].
func (c *Custom) Set(key, value string) bool {
	field := map[string]*string{"metric": &c.Name, "unit": &c.Unit, "id": &c.ID, "model": &c.Model}[key]
	if field == nil {
		return false
	}
	*field = value
	return true
}

// customUnits are the units of a Custom: how many make a joule, or a watt.
var customUnits = map[string]struct {
	kind Kind
	per  float64
}{
	"uJ": {Energy, 1e6}, "µJ": {Energy, 1e6}, "mJ": {Energy, 1000}, "J": {Energy, 1},
	"mW": {Power, 1000}, "W": {Power, 1},
}

// Vocabulary returns the vocabulary of the one metric; [Known] for the zero Custom. The
// error wraps [energy.ErrMalformed].
func (c Custom) Vocabulary() (*Vocabulary, error) {
	if c == (Custom{Kind: c.Kind}) {
		return Known, nil
	}
	unit, known := customUnits[c.Unit]
	switch {
	case c.Name == "" || c.ID == "":
		return nil, fmt.Errorf("%w: a metric of one's own needs a name, a unit and a label that identifies devices\nwrite metric=NAME&unit=uJ|mJ|J|W|mW&id=LABEL[&model=LABEL]", energy.ErrMalformed)
	case !known:
		return nil, fmt.Errorf("%w: unit=%.20q is none\nwrite unit=uJ, mJ or J for a counter of energy, unit=W or mW for power", energy.ErrMalformed, c.Unit)
	case strings.ContainsAny(c.Name, "{} \t\n\"#"):
		return nil, fmt.Errorf("%w: metric=%.40q is no name", energy.ErrMalformed, c.Name)
	}
	x := &Exporter{Name: c.Name, Place: []string{InstanceLabel}, Local: []string{c.ID}}
	if c.Model != "" {
		x.Model = []string{c.Model}
	}
	of := c.Kind
	if of == energy.GPU {
		of = ""
	}
	return newVocabulary([]Metric{{Name: strings.TrimSuffix(c.Name, total), Kind: unit.kind, Per: unit.per, From: x, Of: of, Where: has(c.ID)}}), nil
}

// has reports whether there is a label.
func has(label string) func(Labels) bool { return func(get Labels) bool { return get(label) != "" } }
