package annotate

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/joulebench/joulebench/internal/metrictable"
	"github.com/joulebench/joulebench/internal/timezone"
	"github.com/joulebench/joulebench/powertest"
	"github.com/joulebench/joulebench/powertest/energy"
	"github.com/joulebench/joulebench/smisource/smitest"
)

// base is when the windows of tests begin, in seconds since 1970.
const base = smitest.Base

// A trial is a directory in which annotate is run, with a log, a result and an
// aggregate that a test changes as it needs.
type trial struct {
	*testing.T
	Result
	err error  // of Annotate
	out string // the table, after what a command has written
}

// newTrial makes one, with two GPUs of 500 W and a window of ten seconds.
func newTrial(t *testing.T) *trial {
	x := &trial{T: t}
	t.Chdir(t.TempDir())
	x.log("2*-1..11:500")
	x.result(nil)
	x.write("agg.json", `{"hw": "h200", "conc": 64}`)
	return x
}

// in is the same trial in another test.
func (x *trial) in(t *testing.T) *trial {
	y := *x
	y.T = t
	return &y
}

func (x *trial) write(name, text string) {
	x.Helper()
	require.NoError(x, os.WriteFile(name, []byte(text), 0o644))
}

// log writes gpu.csv, with the readings of each GPU.
func (x *trial) log(gpus ...string) {
	x.Helper()
	text, err := smitest.Log(gpus...)
	require.NoError(x, err)
	x.write("gpu.csv", text)
}

// addRow adds a row to the log.
func (x *trial) addRow(row string) {
	x.Helper()
	text, err := os.ReadFile("gpu.csv")
	require.NoError(x, err)
	x.write("gpu.csv", string(text)+row+"\n")
}

// result writes bench.json. Values replace the usual ones; nil removes a key.
func (x *trial) result(change map[string]any) {
	x.Helper()
	r := map[string]any{
		"benchmark_start_time_unix": base, "benchmark_end_time_unix": base + 10, "duration": 10.0,
		"completed": 10, "total_input_tokens": 10000, "total_output_tokens": 2000,
	}
	for key, value := range change {
		if r[key] = value; value == nil {
			delete(r, key)
		}
	}
	text, err := json.Marshal(r)
	require.NoError(x, err)
	x.write("bench.json", string(text))
}

// window changes the window, in seconds after base.
func (x *trial) window(from, to float64) {
	x.Helper()
	x.result(map[string]any{"benchmark_start_time_unix": base + from, "benchmark_end_time_unix": base + to, "duration": to - from})
}

// annotate runs annotate on the files of the trial.
func (x *trial) annotate(args ...string) {
	x.Helper()
	x.run(append([]string{"-log", "gpu.csv", "-bench", "bench.json", "-agg", "agg.json", "-sidecar", "side.json", "-tz", "UTC"}, args...)...)
}

// run runs annotate with no other arguments than these, which are those of the
// command: how that writes the files.
func (x *trial) run(args ...string) {
	x.Helper()
	x.live(nil, args...)
}

// live is run with exec in place of a command, if it is not nil.
func (x *trial) live(exec Runner, args ...string) {
	x.Helper()
	o := Options{}
	var sidecar, record string
	f := flag.NewFlagSet("annotate", flag.ContinueOnError)
	f.StringVar(&o.Source.Log, "log", "", "")
	f.StringVar(&o.Source.Trace, "trace", "", "")
	f.Func("source", "", func(s string) error { o.Source.Name, o.Source.Arg, _ = strings.Cut(s, "="); return nil })
	f.BoolFunc("opened", "", func(string) error { o.Source.Opened = rig{theRig}; return nil })
	f.StringVar(&o.Result, "bench", "", "")
	f.Func("aiperf", "", func(s string) error { o.Result, o.Format = s, "aiperf"; return nil })
	f.StringVar(&o.Aggregate, "agg", "", "")
	f.StringVar(&o.Tokens, "tokens", "", "")
	f.StringVar(&sidecar, "sidecar", "", "")
	f.StringVar(&record, "benchfmt", "", "")
	f.Func("devices", "", func(s string) error { o.Devices = append(o.Devices, s); return nil })
	f.Func("gpus", "", func(s string) error { n, err := strconv.Atoi(s); o.ExpectedGPUs = &n; return err })
	f.Func("tz", "", func(s string) (err error) { o.Zone, err = timezone.Parse(s); return err })
	f.Func("role", "", func(s string) error {
		devices, name, _ := strings.Cut(s, "=")
		o.Roles = append(o.Roles, energy.Role{Name: name, Devices: []string{devices}})
		return nil
	})
	f.Func("price", "", func(s string) error {
		p, err := powertest.ParsePrice(s)
		o.Price = &p
		return err
	})
	var which runFlags
	which.register(f)
	start := f.String("start", "", "")
	require.NoError(x, f.Parse(args))
	require.NoError(x, which.apply(&o, *start))
	if o.Command = f.Args(); exec != nil {
		o.Command, o.Run = []string{"bench"}, exec
	}
	var out bytes.Buffer
	o.Std.Out = &out
	if x.Result, x.err = Annotate(x.Context(), o); x.err != nil {
		return
	}
	require.NoError(x, x.WriteValidation(sidecar))
	if record != "" {
		var b bytes.Buffer
		require.NoError(x, x.WriteBenchmark(&b))
		x.write(record, b.String())
	}
	require.NoError(x, x.WriteTable(&out))
	x.out = out.String()
}

// file decodes a JSON file, strictly.
func (x *trial) file(name string) map[string]any {
	x.Helper()
	text, err := os.ReadFile(name)
	require.NoError(x, err)
	var v map[string]any
	require.NoError(x, json.Unmarshal(text, &v), "%s", text)
	return v
}

// reasons are the codes of the validation file.
func (x *trial) reasons() []string {
	x.Helper()
	side := x.file("side.json")
	list := []string{}
	for _, r := range side["reasons"].([]any) {
		list = append(list, r.(string))
	}
	assert.Equal(x, len(list) == 0, side["power_valid"])
	return list
}

// valid requires that the aggregate has these metrics, to nine digits of the
// number before it was rounded, as far as rounding leaves them.
func (x *trial) valid(want map[string]float64) {
	x.Helper()
	require.NoError(x, x.err)
	require.Empty(x, x.reasons(), x.out)
	agg, side := x.file("agg.json"), x.file("side.json")["metrics"].(map[string]any)
	assert.Equal(x, 1.0, agg["power_valid"])
	assert.Equal(x, 2.0, agg["power_metric_schema_version"])
	for key, value := range want {
		require.Contains(x, agg, key)
		assert.InDelta(x, value, agg[key], 5.1e-4, key)
		require.Contains(x, side, key)
		assert.InDelta(x, value, side[key], max(5.1e-7, 1e-9*value), key)
	}
}

// invalid requires that the aggregate has no metrics, and these reasons.
func (x *trial) invalid(reasons ...string) {
	x.Helper()
	assert.Equal(x, reasons, x.reasons())
	agg := x.file("agg.json")
	assert.Equal(x, 0.0, agg["power_valid"])
	assert.Equal(x, 2.0, agg["power_metric_schema_version"])
	for _, key := range append(powerKeys(), "power_invalid_reasons") {
		assert.NotContains(x, agg, key)
	}
	assert.Empty(x, x.file("side.json")["metrics"])
	assert.False(x, x.Valid())
	assert.Empty(x, x.Metrics)
	assert.Contains(x, x.out, "withheld")
}

// powerKeys are the keys of the power metrics, roles' included.
func powerKeys() (keys []string) {
	for _, c := range metrictable.PowerKeys() {
		keys = append(keys, c.Name)
	}
	return keys
}

// powertest is a value of the object that InferenceX's validation file does not have.
func (x *trial) powertest(key string) any {
	x.Helper()
	return x.file("side.json")["powertest"].(map[string]any)[key]
}

// measured is the measurement as the validation file has it.
func (x *trial) measured() (m energy.Measurement) {
	x.Helper()
	text, err := json.Marshal(x.powertest("measurement"))
	require.NoError(x, err)
	require.NoError(x, json.Unmarshal(text, &m))
	return m
}

// stamp is a time stamp of nvidia-smi, in seconds after base.
func stamp(at int) string { return smitest.Stamp(float64(at)) }
