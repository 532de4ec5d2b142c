package dcgmsource

import (
	"fmt"
	"maps"
	"slices"

	"github.com/joulebench/joulebench/powertest/energy"
)

// assignRoles sets the roles of the devices: roles gives the selectors of each
// role's devices. What a device has as its role already, it keeps, and a second
// one is an error: its energy would count twice.
func assignRoles(devices []energy.Device, roles map[string][]string) error {
	for _, role := range slices.Sorted(maps.Keys(roles)) {
		if role == "" {
			return fmt.Errorf("dcgm: a role has no name: give each a name, such as prefill")
		}
		if len(roles[role]) == 0 {
			return fmt.Errorf("dcgm: %w: no selector says which GPUs have the role %q", energy.ErrNoDevice, role)
		}
		at, err := selectDevices(devices, roles[role])
		if err != nil {
			return fmt.Errorf("role %q: %w", role, err)
		}
		for _, i := range at {
			if err := setRole(&devices[i], role); err != nil {
				return err
			}
		}
	}
	return nil
}

// setRole gives a device its role, unless it has another.
func setRole(d *energy.Device, role string) error {
	if d.Role != "" && d.Role != role {
		return fmt.Errorf("dcgm: %s has two roles, %q and %q: a GPU's energy counts for one", d.UUID, d.Role, role)
	}
	d.Role = role
	return nil
}
