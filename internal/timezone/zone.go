// Package timezone parses time zones as people write them.
package timezone

import (
	"fmt"
	"time"
)

// Parse returns the location of a name of the time zone database, UTC, Local, or an
// offset such as +0200 or -07:30.
func Parse(s string) (*time.Location, error) {
	for _, layout := range []string{"-0700", "-07:00"} {
		if t, err := time.Parse(layout, s); err == nil {
			_, offset := t.Zone()
			return time.FixedZone(s, offset), nil
		}
	}
	if s == "" { // which time.LoadLocation takes for UTC
		return nil, fmt.Errorf("no time zone is given")
	}
	return time.LoadLocation(s)
}
