package annotate

import (
	"fmt"
	"io"

	"github.com/joulebench/joulebench/powertest"
)

// cost is what the energy costs; nil if there is no price or no energy.
func (r Result) cost() *powertest.Cost {
	if r.options.Price == nil || !r.Valid() {
		return nil
	}
	if c := r.Report().Cost; c.Total != nil {
		return c
	}
	return nil
}

// writeCost writes what the energy costs, if that is not nil.
func writeCost(w io.Writer, c *powertest.Cost) {
	if c == nil {
		return
	}
	unit := c.Price.Currency
	if unit = " " + unit; unit == " cost" {
		unit = ""
	}
	for _, one := range []struct {
		name string
		of   *powertest.Interval
	}{{"cost", c.Total}, {"cost per request", c.PerRequest}, {"cost per million output tokens", c.PerMillionTokens}} {
		if one.of != nil {
			fmt.Fprintf(w, "%s\t%s%s (%s to %s%s)\n", one.name, digits(one.of.Value), unit, digits(one.of.Low), digits(one.of.High), unit)
		}
	}
}
