package annotate

import (
	"fmt"
	"io"

	"github.com/joulebench/joulebench/powertest"
)

// cost is what the energy costs, if there is a price and an energy.
func (r Result) cost() (c powertest.Cost, ok bool) {
	if r.options.Price == nil || !r.Valid() {
		return c, false
	}
	c = *r.Report().Cost
	return c, c.Total != nil
}

// writeCost writes what the energy costs.
func (r Result) writeCost(w io.Writer) {
	c, ok := r.cost()
	if !ok {
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

// costNotCovered says what is not in a cost; empty if there is none.
func (r Result) costNotCovered() string {
	c, ok := r.cost()
	if !ok {
		return ""
	}
	return c.Price.NotCovered(c.Of) + "\n"
}
