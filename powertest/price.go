package powertest

import (
	"cmp"
	"flag"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/joulebench/joulebench/internal/metrictable"
	"github.com/joulebench/joulebench/powertest/energy"
)

// Price is what energy costs.
type Price struct {
	// PerKWh is by the kilowatt-hour, in Currency: a code such as EUR, or "cost" if it has
	// no name.
	PerKWh   float64 `json:"per_kwh"`
	Currency string  `json:"currency"`
}

// signs are the currencies that have a sign.
var signs = map[string]string{"€": "EUR", "$": "USD", "£": "GBP", "¥": "JPY"}

// per are the units of energy that prices are by, in kWh.
var per = map[string]float64{"kwh": 1, "mwh": 1000}

const priceForms = "write it as 0.30/kWh, EUR 0.30/kWh, 0.30€/kWh or $0.12/kWh"

// ParsePrice parses a price as people write it: "0.30/kWh", "EUR 0.30/kWh", "0.30€/kWh",
// "$0.12/kWh", "85 EUR/MWh". The error wraps [energy.ErrMalformed].
func ParsePrice(s string) (Price, error) {
	wrong := func(what string) (Price, error) {
		return Price{}, fmt.Errorf("price %.40q: %w: %s\n%s", s, energy.ErrMalformed, what, priceForms)
	}
	amount, unit, found := strings.Cut(s, "/")
	kWh, known := per[strings.ToLower(strings.TrimSpace(unit))]
	if !found || !known {
		return wrong("it does not say by what")
	}
	isAmount := func(r rune) bool { return unicode.IsDigit(r) || strings.ContainsRune(".,-+", r) }
	from := strings.IndexFunc(amount, isAmount)
	if from < 0 {
		return wrong("there is no number")
	}
	to := strings.LastIndexFunc(amount, isAmount) + 1
	before, after := strings.TrimSpace(amount[:from]), strings.TrimSpace(amount[to:])
	value, err := strconv.ParseFloat(amount[from:to], 64)
	switch {
	case strings.Contains(amount[from:to], ","):
		return wrong("a comma may be of decimals or of thousands: write a point, and no thousands")
	case err != nil || math.IsInf(value, 0):
		return wrong("it is no number")
	case value/kWh <= 0:
		return wrong("it must be more than 0")
	case before != "" && after != "":
		return wrong("it has two currencies")
	}
	currency, ok := currencyOf(before + after)
	if !ok {
		return wrong("the currency must be three letters, or one of € $ £ ¥")
	}
	return Price{value / kWh, currency}, nil
}

// currencyOf is the code of a currency.
func currencyOf(name string) (code string, ok bool) {
	if code = signs[name]; code != "" {
		return code, true
	}
	code = strings.ToUpper(name)
	return cmp.Or(code, metrictable.NoCurrency), code == "" || metrictable.IsCurrency(code)
}

// RegisterPrice defines the flag -price in a set: to is what is given with it.
func RegisterPrice(f *flag.FlagSet, to **Price) {
	const usage = "what energy costs, as `EUR 0.30/kWh`, 0.30€/kWh, $0.12/kWh or 0.30/kWh: then the cost is reported, by request and by a million output tokens"
	f.Func("price", usage, func(s string) error {
		p, err := ParsePrice(s)
		*to = &p
		return err
	})
}

// String is the price as [ParsePrice] understands it.
func (p Price) String() string {
	text := strconv.FormatFloat(p.PerKWh, 'g', -1, 64) + "/kWh"
	if p.Currency != metrictable.NoCurrency {
		text = p.Currency + " " + text
	}
	return text
}

// joulesPerKWh is what a kilowatt-hour is.
const joulesPerKWh = 3.6e6

// Of is what energy costs, in joules.
func (p Price) Of(joules Interval) Interval {
	by := p.PerKWh / joulesPerKWh
	return Interval{by * joules.Value, by * joules.Low, by * joules.High}
}

// PerMillion is what a million tokens cost, by the energy of one.
func (p Price) PerMillion(joulesPerToken Interval) Interval {
	return p.Of(Interval{perMillion * joulesPerToken.Value, perMillion * joulesPerToken.Low, perMillion * joulesPerToken.High})
}

// NotCovered says what is not in a cost of the energy of some devices, such as "GPUs".
func (p Price) NotCovered(of string) string {
	return fmt.Sprintf("cost: %v for the energy of the %s alone; no rest of a node, no PUE", p, of)
}

// Cost is what the energy of a window costs. Only the energy that was measured is in it, and of
// that only what J/op is of: nothing of the rest of the machine, of cooling or of losses. No PUE is
// assumed.
type Cost struct {
	Price Price `json:"price"`
	// Of are the devices whose energy it is, such as "GPUs".
	Of string `json:"of"`
	// Total is the cost of the window, PerRequest that of a request, and PerMillionTokens that of
	// a million output tokens; nil if it is withheld, or the count is not known.
	Total            *Interval `json:"total,omitempty"`
	PerRequest       *Interval `json:"per_request,omitempty"`
	PerMillionTokens *Interval `json:"per_million_output_tokens,omitempty"`
}

// SetPrice adds to a report what its energy costs, and the metrics of that: by the operation, by the
// request and by a million output tokens, such as EUR/Mtoken. They take the place of those of another
// price.
func (r *Report) SetPrice(p Price) {
	if r.Cost != nil {
		r.Metrics = slices.DeleteFunc(r.Metrics, func(m Metric) bool {
			return strings.HasPrefix(m.Unit, r.Cost.Price.Currency+"/")
		})
	}
	r.Cost = &Cost{Price: p}
	r.addCost()
}

// perMillion is how many tokens a price of tokens is by.
const perMillion = 1e6

// addCost computes the cost, and adds its metrics.
func (r *Report) addCost() {
	c := r.Cost
	*c = Cost{Price: c.Price}
	if r.Measurement == nil {
		return
	}
	c.Of = kindsInWords[r.Measurement.Kind.OrGPU()]
	if !r.Valid() {
		return
	}
	w, e := r.served(), r.Measurement.Energy
	total := c.Price.Of(Interval{e.Joules, e.Low, e.High})
	by := func(n float64) *Interval {
		if n <= 0 {
			return nil
		}
		return &Interval{total.Value / n, total.Low / n, total.High / n}
	}
	c.Total, c.PerRequest, c.PerMillionTokens = &total, by(float64(w.Requests)), by(float64(w.OutputTokens)/perMillion)
	if r.Server != nil && r.Server.JoulesPerToken != nil { // whose interval has that of the tokens
		million := c.Price.PerMillion(*r.Server.JoulesPerToken)
		c.PerMillionTokens = &million
	}
	in := inputsOf(w, *r.Measurement)
	in.Cost = total.Value
	r.Metrics = append(r.Metrics, evaluate(in, metrictable.OfPrice(c.Price.Currency))...)
}

// kindsInWords are the devices of the whole, as a cost is of them.
var kindsInWords = map[energy.Kind]string{
	energy.GPU: "GPUs", energy.CPU: "CPUs and their memory", energy.Module: "modules", energy.Node: "nodes",
}
