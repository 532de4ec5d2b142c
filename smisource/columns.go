package smisource

import (
	"slices"
	"strconv"
	"strings"
)

// columns say what the columns of a log hold, where their names say too little.
type columns []givenColumn

// givenColumn is a kind of column with the name that a log has for it, or its place,
// from 0, in a log without a header; place is -1 for a name.
type givenColumn struct {
	kind, name string
	place      int
}

// kinds are those of columns.
var kinds = []string{"time", "power", "energy", "gpu", "uuid", "name", "limit", "host"}

const columnsAdvice = "give kinds and names, for instance columns=time=timestamp,power=GPU0,power=GPU1 (-columns time=timestamp,power=GPU0,power=GPU1); the kinds are time, power, energy, gpu, uuid, name, limit and host"

// parseColumns parses time=when,power=GPU0,power=GPU1.
func parseColumns(text string) (list columns, err error) {
	if strings.TrimSpace(text) == "" {
		return nil, nil
	}
	for part := range strings.SplitSeq(text, ",") {
		kind, name, found := strings.Cut(part, "=")
		g := givenColumn{strings.ToLower(strings.TrimSpace(kind)), strings.TrimSpace(name), -1}
		if !found || g.name == "" || !slices.Contains(kinds, g.kind) {
			return nil, malformed("columns=%s: %q is not a kind and a name\n%s", text, part, columnsAdvice)
		}
		if n, err := strconv.Atoi(strings.TrimPrefix(g.name, "#")); err == nil && g.name[0] == '#' && n > 0 && n < 1<<16 {
			g.place = n - 1
		}
		if slices.ContainsFunc(list, func(o givenColumn) bool { return o.name == g.name || o.kind == g.kind && g.kind != "power" }) {
			return nil, malformed("columns=%s: %q is one too many\nonly power may be given several times, each time with another name", text, part)
		}
		list = append(list, g)
	}
	if list.several() && (list.has("gpu") || list.has("uuid")) {
		return nil, malformed("columns=%s: several columns of power are a GPU each, and no other column is\nleave gpu and uuid out, or all columns of power but one", text)
	}
	if list.placed() && (!list.has("time") || !list.has("power") && !list.has("energy")) {
		return nil, malformed("columns=%s: a log without a header needs the places of the time and of the power\ngive for instance columns=time=#1,power=#3", text)
	}
	return list, nil
}

// has reports whether a column of a kind is given.
func (c columns) has(kind string) bool {
	return slices.ContainsFunc(c, func(g givenColumn) bool { return g.kind == kind })
}

// several reports whether there are columns of several GPUs.
func (c columns) several() bool {
	n := 0
	for _, g := range c {
		if g.kind == "power" {
			n++
		}
	}
	return n > 1
}

// placed reports whether columns are given by their places: there is no header.
func (c columns) placed() bool {
	return slices.ContainsFunc(c, func(g givenColumn) bool { return g.place >= 0 })
}

// kind returns what a column is given as; empty if it is not. Its name may be written
// as the log has it, or without its unit.
func (c columns) kind(at int, cell string) string {
	bare, _ := plain(cell)
	for _, g := range c {
		name, _ := plain(g.name)
		if g.place >= 0 && g.place == at || g.place < 0 && (strings.TrimSpace(cell) == g.name || bare == name && bare != "") {
			return g.kind
		}
	}
	return ""
}

// lacking returns the names of given columns that none of the cells has.
func (c columns) lacking(cells [][]byte) (names []string) {
	for _, g := range c {
		if !slices.ContainsFunc(cells, func(cell []byte) bool { return columns{g}.kind(-1, string(cell)) != "" }) && (g.place < 0 || g.place >= len(cells)) {
			names = append(names, g.name)
		}
	}
	return names
}
