package sensors

import (
	"regexp"
	"strings"
)

// Architecture is a family of models whose sensors are alike.
type Architecture string

// The architectures of NVIDIA's GPUs. Ampere is without GA100, whose sensors differ.
const (
	Kepler    Architecture = "Kepler"
	Maxwell   Architecture = "Maxwell"
	Pascal    Architecture = "Pascal"
	Volta     Architecture = "Volta"
	Turing    Architecture = "Turing"
	GA100     Architecture = "GA100"
	Ampere    Architecture = "GA10x"
	Ada       Architecture = "Ada"
	Hopper    Architecture = "Hopper"
	Blackwell Architecture = "Blackwell"
)

// models are patterns of model names in lower case, the first that fits counts.
var models = []struct {
	pattern      *regexp.Regexp
	architecture Architecture
}{
	{regexp.MustCompile(`\b(g?b[12356]00|b30a|gb10|rtx pro|rtx 50[5-9]0|blackwell)`), Blackwell},
	{regexp.MustCompile(`\b(g?h[128]00|h20|gh200)\b`), Hopper},
	{regexp.MustCompile(`\b(l4|l2|l20|l40|l40s|l40g|rtx 40[5-9]0|ada)\b`), Ada},
	{regexp.MustCompile(`\b(a100x?|a800|a30x?|cmp 170hx)\b`), GA100},
	{regexp.MustCompile(`\b(a2|a10|a10g|a10m|a16|a40|rtx a[1-6]0?00|rtx 30[5-9]0|a[1-6]000)\b`), Ampere},
	{regexp.MustCompile(`\b(t4g?|t[1246]00|t1[02]00|gtx 16[5-9]0|rtx 20[5-9]0|titan rtx|quadro rtx|rtx [3-8]000)\b`), Turing},
	{regexp.MustCompile(`\b(v100s?|gv100|titan v)\b`), Volta},
	{regexp.MustCompile(`\b(p100|p40|p4|p6|gp100|gtx 10[1-8]0|titan xp|titan x \(pascal|quadro p[1-6]000|p[1-6][02]00)\b`), Pascal},
	{regexp.MustCompile(`\b(m4|m6|m10|m40|m60|gtx 9[5-8]0|quadro m[1-6]000)\b`), Maxwell},
	{regexp.MustCompile(`\b(k10|k20[xcms]?|k40[cmst]?|k80|gtx titan( black| z)?$|gtx [67][0-9]0|quadro k[1-6][0-9]{2,3})\b`), Kepler},
}

// architectureOf returns the architecture of a model by its name; empty if it is not
// known.
func architectureOf(model string) Architecture {
	model = strings.ToLower(strings.NewReplacer("-", " ", "_", " ").Replace(model))
	for _, m := range models {
		if m.pattern.MatchString(model) {
			return m.architecture
		}
	}
	return ""
}
