package metrictable

import (
	"math"
	"slices"
	"strings"
)

// A Counterpart is what another program calls one of the metrics.
type Counterpart struct {
	// Name is the other program's name, and Unit its unit.
	Name, Unit string
	// Ours is the unit of the metric in [Table].
	Ours string
	// Scale is how many of the other's units one of ours is.
	Scale float64
	// Decimals are those that the other program publishes; 0 means all digits.
	Decimals int
}

// Value is the metric in the other program's unit; NaN or infinite if an input is
// unknown or 0.
func (c Counterpart) Value(in Inputs) float64 {
	m, _ := ByUnit(c.Ours)
	return c.Scale * m.Over.Of(in) / m.Per.Of(in)
}

// Divides reports whether what the metric is by is known.
func (c Counterpart) Divides(in Inputs) bool {
	m, _ := ByUnit(c.Ours)
	return !math.IsNaN(m.Per.Of(in))
}

// AIPerf are the metrics of aiperf's energy section in its order: the four of its
// first generation, which newer exports have with the vendor's name in front, and
// the eight that came later. The formulas are those of aiperf's documentation.
var AIPerf = []Counterpart{
	{"total_gpu_power", "W", "W", 1, 0},
	{"total_gpu_energy", "J", "J", 1, 0},
	{"output_tokens_per_joule", "tokens/J", "tokens/J", 1, 0},
	{"energy_per_user", "joules/user", "J/user", 1, 0},
	{"average_gpu_power", "W", "W", 1, 0},
	{"energy_per_output_token", "mJ/token", "J/token", 1000, 0},
	{"energy_per_total_token", "mJ/token", "J/total-token", 1000, 0},
	{"energy_per_request", "joules/request", "J/req", 1, 0},
	{"energy_delay_product", "J*s", "J*s/req", 1, 0},
	{"performance_per_watt", "requests/sec/W", "req/J", 1, 0},
	{"output_tps_per_watt", "tokens/sec/W", "tokens/J", 1, 0},
	{"goodput_per_watt", "requests/sec/W", "goodput-req/J", 1, 0},
}

// InferenceX are the metrics of an aggregate of InferenceX with version 2 of its
// power metrics, in its order. Watts and joules have three decimals, and what is
// per something has six.
var InferenceX = []Counterpart{
	{"avg_power_w", "W", "W/gpu", 1, 3},
	{"avg_total_gpu_power_w", "W", "W", 1, 3},
	{"total_gpu_energy_j", "J", "J", 1, 3},
	{"joules_per_successful_query", "J", "J/req", 1, 6},
	{"joules_per_input_token", "J", "J/prompt-token", 1, 6},
	{"joules_per_output_token", "J", "J/token", 1, 6},
	{"joules_per_total_token", "J", "J/total-token", 1, 6},
}

// InferenceXRole returns the metrics of an aggregate for a role of a deployment that
// divides its work: "prefill" or "decode". Other roles have none. Their inputs are
// the energy and the number of the role's devices, and the tokens of the whole.
func InferenceXRole(role string) []Counterpart {
	perToken := map[string]string{"prefill": "joules_per_input_token", "decode": "joules_per_output_token"}[role]
	if perToken == "" {
		return nil
	}
	var list []Counterpart
	for _, key := range []string{"total_gpu_energy_j", "avg_power_w", perToken} {
		c, _ := find(InferenceX, key)
		c.Name = role + "_" + strings.TrimPrefix(c.Name, "total_")
		list = append(list, c)
	}
	return list
}

// AggregateKinds are the kinds of devices, and their sum, that an aggregate can have the
// energy of beside that of the GPUs. InferenceX has no such keys: they are ours.
var AggregateKinds = []string{"cpu", "dram", "module", "node", "all"}

// InferenceXKind returns the metrics of an aggregate for one of [AggregateKinds]: the energy
// and the mean power of its devices, and their energy per output token.
func InferenceXKind(kind string) []Counterpart {
	return []Counterpart{
		{kind + "_energy_j", "J", "J", 1, 3},
		{kind + "_avg_power_w", "W", "W", 1, 3},
		{kind + "_joules_per_output_token", "J", "J/token", 1, 6},
	}
}

// PowerKeys are all keys that an aggregate can have: those of the whole, of roles and of
// kinds.
func PowerKeys() []Counterpart {
	list := slices.Concat(InferenceX, InferenceXRole("prefill"), InferenceXRole("decode"))
	for _, kind := range AggregateKinds {
		list = append(list, InferenceXKind(kind)...)
	}
	return list
}

// ByInferenceX returns the counterpart of a key of an aggregate, roles' and kinds' included.
func ByInferenceX(key string) (Counterpart, bool) { return find(PowerKeys(), key) }

func find(list []Counterpart, name string) (Counterpart, bool) {
	if i := slices.IndexFunc(list, func(c Counterpart) bool { return c.Name == name }); i >= 0 {
		return list[i], true
	}
	return Counterpart{}, false
}
