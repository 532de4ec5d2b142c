package energy

import (
	"cmp"
	"fmt"
	"regexp"
	"strings"
)

// Cause is what some devices have in common: findings of the same reason and the same
// words, whatever the numbers in them are.
type Cause struct {
	// Finding is the first of them.
	Finding
	// Devices are the UUIDs of all devices concerned, in the order of their findings; none
	// if it is not about some of them.
	Devices []string
	// Differ says that the numbers in the others are not those of the first.
	Differ bool
}

// Causes puts findings of the same cause together, in the order of the first of each: for
// people, who would have to read them for every device.
func Causes(found []Finding) []Cause {
	var list []Cause
	at, named := map[string]int{}, map[string]bool{}
	for _, f := range found {
		key := fmt.Sprintf("%s %v %v %q %s", f.Reason, f.Withholds(), f.Device == "", f.Source, f.sense())
		i, known := at[key]
		if !known {
			i = len(list)
			at[key] = i
			list = append(list, Cause{Finding: f})
		}
		c := &list[i]
		if of := key + " " + f.Device; f.Device != "" && !named[of] {
			named[of] = true
			c.Devices = append(c.Devices, f.Device)
		}
		c.Differ = c.Differ || f.Detail != c.Detail
	}
	return list
}

// number is one with what is written together with it, such as 1.5s.
var number = regexp.MustCompile(`[0-9][0-9.,a-zµ]*`)

// sense is the detail without its numbers, and without the name of the device.
func (f Finding) sense() string {
	text := f.Detail
	if f.Device != "" {
		text = strings.ReplaceAll(text, f.Device, "")
	}
	return number.ReplaceAllString(text, "#")
}

// shownDevices is how many devices a cause names.
const shownDevices = 4

// Line returns the cause as [Finding.String] does, with all of its devices, by names that
// a function gives them, or by their UUIDs: "throttled (6 devices: GPU-a, GPU-b, GPU-c,
// GPU-d and 2 more): …".
func (c Cause) Line(name func(uuid string) string) string {
	var names []string
	for _, uuid := range c.Devices[:min(len(c.Devices), shownDevices)] {
		if name != nil {
			uuid = name(uuid)
		}
		names = append(names, uuid)
	}
	who := cmp.Or(strings.Join(names, ", "), c.Source)
	if more := len(c.Devices) - len(names); more > 0 {
		who += fmt.Sprintf(" and %d more", more)
	}
	what := c.Detail
	if len(c.Devices) > 1 {
		who = fmt.Sprintf("%d devices: %s", len(c.Devices), who)
		if c.Differ {
			seen, advice, found := strings.Cut(what, "\n")
			if what = seen + " (the first of them)"; found {
				what += "\n" + advice
			}
		}
	}
	return describe(c.Reason, who, what)
}

// String returns the cause with the UUIDs of its devices.
func (c Cause) String() string { return c.Line(nil) }

// describe writes a finding: its reason, who has it, and what was seen.
func describe(r Reason, who, what string) string {
	text := string(r)
	if who != "" {
		text += " (" + who + ")"
	}
	if what != "" {
		text += ": " + what
	}
	return text
}
