package energy

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
)

// A Selection says which devices of a source are measured, and what they do. The
// zero Selection is all of them, as the source describes them.
type Selection struct {
	// Devices are selectors as [Select] takes them; none means all devices.
	Devices []string
	// Roles are given to devices whose role the source does not know.
	Roles []Role
}

// A Role is what some devices do in a server that divides its work.
type Role struct {
	// Name is the role, such as "prefill": without spaces, and not "net", since it
	// becomes the beginning of units.
	Name string
	// Devices are selectors as [Select] takes them.
	Devices []string
}

// IsPartName reports whether a part of the energy, a role's or a phase's, can be
// reported under a name: it becomes the beginning of units.
func IsPartName(name string) bool {
	return name != "" && name != "net" && !strings.ContainsFunc(name, unicode.IsSpace)
}

// Choose returns the positions of the devices that are chosen, and what they are like
// with their roles. A device has one role at most: its energy counts for that. The
// error wraps [ErrNoDevice], or [ErrMalformed].
func (s Selection) Choose(all []Device) (index []int, chosen []Device, err error) {
	if index, err = Select(all, s.Devices...); err != nil {
		return nil, nil, err
	}
	for _, i := range index {
		chosen = append(chosen, all[i])
	}
	for _, r := range s.Roles {
		if !IsPartName(r.Name) {
			return nil, nil, fmt.Errorf("role %q: %w: a role's name has no spaces, and is not empty or \"net\"", r.Name, ErrMalformed)
		}
		if !slices.ContainsFunc(r.Devices, func(sel string) bool { return strings.TrimSpace(sel) != "" }) {
			return nil, nil, fmt.Errorf("role %q: %w: it names no devices", r.Name, ErrMalformed)
		}
		at, err := Select(chosen, r.Devices...)
		if err != nil {
			return nil, nil, fmt.Errorf("role %q: %w", r.Name, err)
		}
		for _, i := range at {
			d := &chosen[i]
			if d.Role != "" && d.Role != r.Name {
				return nil, nil, fmt.Errorf("%w: %s has two roles, %q and %q", ErrMalformed, d.UUID, d.Role, r.Name)
			}
			d.Role = r.Name
		}
	}
	return index, chosen, nil
}
