package main

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/joulebench/joulebench/powertest/energy"
)

// A roleFlag says what some GPUs do in a server that divides its work, for
// sources that do not know it.
type roleFlag []roleRule

type roleRule struct {
	selectors []string
	role      string
}

// String implements [flag.Value].
func (f *roleFlag) String() string {
	var list []string
	for _, r := range *f {
		list = append(list, strings.Join(r.selectors, ",")+"="+r.role)
	}
	return strings.Join(list, " ")
}

// Set implements [flag.Value].
func (f *roleFlag) Set(s string) error {
	selectors, role, found := strings.Cut(s, "=")
	if !found || strings.TrimSpace(selectors) == "" || strings.TrimSpace(role) == "" {
		return fmt.Errorf("it must be selectors, an equals sign and a role, for instance 0-3=prefill")
	}
	rule := roleRule{role: strings.TrimSpace(role)}
	for sel := range strings.SplitSeq(selectors, ",") {
		if sel = strings.TrimSpace(sel); sel == "" {
			return fmt.Errorf("there is an empty selector in %q", selectors)
		}
		rule.selectors = append(rule.selectors, sel)
	}
	*f = append(*f, rule)
	return nil
}

// assign gives the devices of a measurement their roles, and adds the energy of
// each role up. It returns an error if a selector fits no device, or a device has
// two roles.
func (f roleFlag) assign(m *energy.Measurement) error {
	if len(f) == 0 {
		return nil
	}
	for _, rule := range f {
		for _, sel := range rule.selectors {
			if i, ok := missing(sel, m.Devices); ok {
				return fmt.Errorf("-role %s=%s: there is no GPU %d", sel, rule.role, i)
			}
			fits := false
			for i := range m.Devices {
				d := &m.Devices[i].Device
				if !selects(sel, *d) {
					continue
				}
				if fits = true; d.Role != "" && d.Role != rule.role {
					return fmt.Errorf("-role: the GPU %s has two roles, %s and %s: its energy counts for one", d.UUID, d.Role, rule.role)
				}
				d.Role = rule.role
			}
			if !fits {
				return fmt.Errorf("-role %s=%s: there is no such GPU", sel, rule.role)
			}
		}
	}
	m.Roles = sumRoles(m)
	return nil
}

// check returns the error that assign will.
func (f roleFlag) check(devices []energy.Device) error {
	m := energy.Measurement{Devices: make([]energy.DeviceMeasurement, len(devices))}
	for i, d := range devices {
		m.Devices[i].Device = d
	}
	return f.assign(&m)
}

// selects reports whether a selector means a device: its index, a range of
// indices, a UUID or the beginning of one, a host, or a host and an index.
func selects(sel string, d energy.Device) bool {
	if host, index, found := strings.Cut(sel, "/"); found {
		return host == d.Host && index == strconv.Itoa(d.Index)
	}
	if n, err := strconv.Atoi(sel); err == nil {
		return n == d.Index
	}
	if from, to, ok := indexRange(sel); ok {
		return from <= d.Index && d.Index <= to
	}
	return sel == d.Host || strings.HasPrefix(strings.ToLower(d.UUID), strings.ToLower(sel))
}

// indexRange is the selector 0-3.
func indexRange(sel string) (from, to int, ok bool) {
	a, b, found := strings.Cut(sel, "-")
	from, errA := strconv.Atoi(a)
	to, errB := strconv.Atoi(b)
	return from, to, found && errA == nil && errB == nil
}

// missing returns the first index of a range that no device has.
func missing(sel string, devices []energy.DeviceMeasurement) (index int, ok bool) {
	from, to, isRange := indexRange(sel)
	for i := from; isRange && i <= to; i++ {
		if !slices.ContainsFunc(devices, func(d energy.DeviceMeasurement) bool { return d.Device.Index == i }) {
			return i, true
		}
	}
	return 0, false
}

// sumRoles adds the devices of each role up, in the order of the names. How far
// their errors are alike is not known here, so their intervals add up, which is
// the worst case.
func sumRoles(m *energy.Measurement) []energy.RoleMeasurement {
	var list []energy.RoleMeasurement
	for _, d := range m.Devices {
		role := d.Device.Role
		if role == "" {
			continue
		}
		i := slices.IndexFunc(list, func(r energy.RoleMeasurement) bool { return r.Role == role })
		if i < 0 {
			i = len(list)
			list = append(list, energy.RoleMeasurement{Role: role, Valid: true})
		}
		r := &list[i]
		r.Devices++
		r.Valid = r.Valid && d.Valid
		r.Watts += d.Watts
		r.Energy.Joules += d.Energy.Joules
		r.Energy.Low += d.Energy.Low
		r.Energy.High += d.Energy.High
	}
	for i := range list {
		if r := &list[i]; !r.Valid {
			r.Energy, r.Watts = energy.Estimate{}, 0
		}
	}
	slices.SortFunc(list, func(a, b energy.RoleMeasurement) int { return strings.Compare(a.Role, b.Role) })
	return list
}
