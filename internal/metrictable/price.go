package metrictable

import "strings"

// NoCurrency stands in units for a currency that has no name.
const NoCurrency = "cost"

// IsCurrency reports whether a word is the code of a currency: three upper-case letters, as ISO
// 4217 has them, or [NoCurrency].
func IsCurrency(word string) bool {
	outside := func(r rune) bool { return r < 'A' || r > 'Z' }
	return word == NoCurrency || len(word) == 3 && strings.IndexFunc(word, outside) < 0
}

var (
	cost           = Quantity{"price · E", func(in Inputs) float64 { return in.Cost }}
	millionOutputs = Quantity{"million output tokens", func(in Inputs) float64 { return in.Output / 1e6 }}
)

// OfPrice returns the metrics of what energy costs, in a currency.
func OfPrice(currency string) []Metric {
	return []Metric{
		{currency + "/op", cost, ops, Lower, Loads},
		{currency + "/req", cost, requests, Lower, Loads},
		{currency + "/Mtoken", cost, millionOutputs, Lower, Loads},
	}
}
