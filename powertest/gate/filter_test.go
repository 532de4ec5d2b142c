package gate

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestFilterUnits(t *testing.T) {
	for query, want := range map[string]string{
		"*":                                    "",
		".unit:W":                              "W",
		".unit : W":                            "W",
		".name:Chat .unit:(W OR J/op)":         "W J/op",
		".name:(A OR B) AND .unit:J/op":        "J/op",
		"-.unit:B/op":                          "",
		"-(.name:A OR .unit:B/op) .unit:W":     "W",
		"-(-.unit:W)":                          "W",
		"(.unit:W OR (.name:A -.unit:J/op))":   "W",
		`.unit:"J/op" ".unit":"OR"`:            "J/op OR",
		`.unit:/^.*J\/(op|token)$/ .unit:W`:    "W",
		`.unit:(/J/ OR W)`:                     "W",
		`/users:16 .name:/a b\/.unit:x/`:       "",
		`/users:16 .unit:goodput-tokens/J`:     "goodput-tokens/J",
		`.unit:err-% gpu:"NVIDIA .unit:W (x)"`: "err-%",
	} {
		_, err := newPlan(Config{Filter: query})
		assert.NoError(t, err, query)
		assert.Equal(t, want, strings.Join(filterUnits(query), " "), query)
	}
}

// FuzzFilterUnits: it ends, whatever the filter is.
func FuzzFilterUnits(f *testing.F) {
	f.Add(`-(.unit:(W OR "x") OR .name:/a/)`)
	f.Fuzz(func(t *testing.T, query string) { filterUnits(query) })
}

// TestFilterNamesAbsentUnit: a unit that the filter names must be there.
func TestFilterNamesAbsentUnit(t *testing.T) {
	watts := strings.ReplaceAll(before, "J/op", "J/op\t 300 W")
	cfg := Config{Filter: ".unit:(J/op OR W)", Missing: Warn}
	assert.Equal(t, Pass, run(t, cfg, watts, watts).Outcome)
	requireReason(t, run(t, cfg, before, before), CannotJudge, "W, which no result has, is named by the filter")
	requireReason(t, run(t, cfg, before, watts), CannotJudge, "W, which no result of old.txt has, is named by the filter")
	requireReason(t, run(t, cfg, watts, before), CannotJudge, "W, which no result of new.txt has, is named by the filter")
	assert.Equal(t, Pass, run(t, Config{Filter: "-.unit:W"}, before, before).Outcome)
}
