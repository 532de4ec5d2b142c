package energy

// groups are devices that tick together, because one request of the source
// tells all of them: those with the same Endpoint.
type groups struct {
	of    []int // the group of each device
	n     int
	alone int    // devices that are in no group but their own
	due   []bool // for the recorder: whether a group is to be read
}

func newGroups(devices []Device) groups {
	g := groups{of: make([]int, len(devices))}
	at := map[string]int{}
	for i, d := range devices {
		k, known := at[d.Endpoint]
		if d.Endpoint == "" || !known {
			k = g.n
			g.n++
		}
		if d.Endpoint == "" {
			g.alone++
		} else {
			at[d.Endpoint] = k
		}
		g.of[i] = k
	}
	g.due = make([]bool, g.n)
	return g
}
