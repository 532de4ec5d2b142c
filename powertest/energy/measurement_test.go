package energy

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// keysOf lists the keys of the JSON of a type: those of parts behind a dot, and of
// elements behind [].
func keysOf(t reflect.Type, prefix string) (keys []string) {
	for f := range t.Fields() {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if !f.IsExported() || name == "-" {
			continue
		}
		if name == "" {
			name = f.Name + " has no key"
		}
		in, path := f.Type, prefix+name
		if in.Kind() == reflect.Slice {
			in, path = in.Elem(), path+"[]"
		}
		if in.Kind() == reflect.Pointer {
			in = in.Elem()
		}
		if in.Kind() == reflect.Struct && in != reflect.TypeFor[time.Time]() {
			keys = append(keys, keysOf(in, path+".")...)
			continue
		}
		if in == reflect.TypeFor[time.Duration]() && !strings.HasSuffix(name, "_ns") {
			path += " has no unit"
		}
		keys = append(keys, path)
	}
	return keys
}

// TestJSONKeys: others read these keys. A key that is added comes into the list; one
// that is renamed or goes breaks them.
func TestJSONKeys(t *testing.T) {
	const estimate, power, finding, state = "joules low high", "watts low high", "reason device source detail withheld", "at celsius has_celsius throttled_ns processes[].pid processes[].name"
	sub := func(prefix, keys string) (list []string) {
		for key := range strings.FieldsSeq(keys) {
			list = append(list, prefix+key)
		}
		return list
	}
	device := func(prefix string) []string {
		in := prefix + "device."
		return slices.Concat(
			sub(in, "uuid kind index name source pci driver vbios host endpoint role rows power_limit_watts method metric resolution_joules period_ns read_within_ns fresh_ns behind_ns delay_ns delay_sd_ns"),
			sub(in+"sensor.kernels[].", "manner shortest_ns longest_ns earliest_ns latest_ns"), sub(in+"sensor.", "refresh_ns stamped"),
			sub(in+"calibration.", "profile"), sub(in+"calibration.scale.", "gain offset_watts gain_sd offset_sd_watts correlation floor_watts"),
			sub(in+"calibration.", "delay_ns delay_sd_ns share"), sub(in, "max_gap_ns hint"),
			sub(in+"marks[].", finding),
			sub(prefix, "valid"), sub(prefix+"energy.", estimate),
			sub(prefix, "watts calibration_joules before_watts has_before"), sub(prefix+"idle.", power), sub(prefix, "has_idle period_ns ticks gauge_joules has_gauge"),
			sub(prefix+"cross_check.counter.", power), sub(prefix+"cross_check.gauge.", power), sub(prefix, "cross_check.ratio"),
			sub(prefix+"before.", state), sub(prefix+"after.", state), sub(prefix+"reasons[].", finding))
	}
	var want []string
	for _, keys := range [][]string{
		sub("", "start end duration_ns valid"), sub("energy.", estimate), sub("", "watts before_watts has_before"), sub("idle.", power), sub("", "has_idle kind"),
		device("devices[]."),
		sub("kinds[].", "kind of[] count valid"), sub("kinds[].energy.", estimate), sub("kinds[].", "watts"),
		device("kinds[].devices[]."), sub("kinds[].reasons[].", finding),
		sub("left_out[].", "uuid kind index name why"),
		sub("roles[].", "role devices valid"), sub("roles[].energy.", estimate), sub("roles[].", "watts"),
		sub("", "waited_ns"), sub("reasons[].", finding), sub("source.", "name simulated period_ns poll_ns version"),
	} {
		want = append(want, keys...)
	}
	assert.Equal(t, strings.Join(want, "\n"), strings.Join(keysOf(reflect.TypeFor[Measurement](), ""), "\n"))
}

// TestJSONOfAMeasurement: what is absent has no key or says so, and what is read back
// is what was written.
func TestJSONOfAMeasurement(t *testing.T) {
	m := *knownDevices("a")
	m.Start, m.End = epoch.UTC(), epoch.UTC().Add(time.Second)
	m.Devices[0].Device.Method = Counter
	m.total()
	text, err := json.Marshal(m)
	require.NoError(t, err)
	assert.Contains(t, string(text), `"energy":{"joules":100,"low":99,"high":101}`)
	assert.Contains(t, string(text), `"duration_ns":1000000000,"valid":true`)
	for _, absent := range []string{`"reasons"`, `"before":`, `"after":`, `"hint"`} {
		assert.NotContains(t, string(text), absent)
	}
	var back Measurement
	require.NoError(t, json.Unmarshal(text, &back))
	assert.Equal(t, m, back)
	assert.Contains(t, fmt.Sprint(back.Devices[0].Device.Method), "counter")
}
