package tokenmetric

import (
	"slices"
	"strconv"
	"strings"

	"github.com/joulebench/joulebench/internal/metricpage"
)

// Key is the identity of a row by its labels, in whatever order: those of a [Server]'s Copies and
// [Copied], by which rows are copies of one another, and the metric's name are not in it.
func Key(labels []metricpage.Label, copies []string) string {
	var parts []string
	for _, l := range labels {
		if l.Name != "__name__" && !slices.Contains(copies, l.Name) && !slices.Contains(Copied, l.Name) {
			parts = append(parts, strconv.Quote(l.Name)+strconv.Quote(l.Value))
		}
	}
	slices.Sort(parts)
	return strings.Join(parts, ",")
}
