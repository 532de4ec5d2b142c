package powertest

import (
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/joulebench/joulebench/powertest/energy"
	"github.com/joulebench/joulebench/simsource"
)

// setBenchtime sets -test.benchtime for one test.
func setBenchtime(t *testing.T, v string) {
	f := flag.Lookup("test.benchtime")
	old := f.Value.String()
	require.NoError(t, f.Value.Set(v))
	t.Cleanup(func() { f.Value.Set(old) })
}

func TestParseSource(t *testing.T) {
	linked := []string{"mine", "nvml", "sim"}
	for _, c := range []struct{ value, name, arg string }{
		{"", "", ""},
		{"nvml", "nvml", ""},
		{"sim", "sim", ""},
		{"sim=gpus=2,idle=90", "sim", "gpus=2,idle=90"},
		{"off", "off", ""},
		{"mine=x", "mine", "x"},
	} {
		name, arg, err := parseSource(c.value, linked)
		assert.NoError(t, err, c.value)
		assert.Equal(t, [2]string{c.name, c.arg}, [2]string{name, arg}, c.value)
	}
}

// TestMalformedSource: the error says what was given, what may be given, and
// what to do.
func TestMalformedSource(t *testing.T) {
	for _, c := range []struct{ value, says string }{
		{"nmvl", "is not a source that is known"},
		{"NVML", "is not a source that is known"},
		{"=x", "is not a source that is known"},
		{"off=1", "off takes nothing after its name"},
		{"auto=rapl", "auto takes nothing after its name"},
		{"rapl", `add import _ "github.com/joulebench/joulebench/raplsource" to a test file, run go mod tidy, or choose`},
		{"sim=", "nothing follows the equals sign"},
		{"sim", `add import _ "github.com/joulebench/joulebench/simsource" to a test file, run go mod tidy`},
		{"dcgm", "write dcgm=URL[,URL]"},
		{"dcgm=http://node1:9400/metrics", "is not linked in"},
		{"prometheus=http://prom:9090", `add import _ "github.com/joulebench/joulebench/promsource" to a test file, run go mod tidy`},
		{"smi=power.csv", "is not linked in"},
	} {
		_, _, err := parseSource(c.value, []string{"auto", "nvml"})
		require.Error(t, err, c.value)
		assert.ErrorContains(t, err, fmt.Sprintf("POWERTEST_SOURCE=%q", c.value))
		assert.ErrorContains(t, err, c.says)
		assert.ErrorContains(t, err, "choose one that is linked in: auto (the default), nvml, off")
		assert.ErrorContains(t, err, "known but not linked in: rapl[=root=DIR], amd[=root=DIR], intel[=root=DIR], dcgm=URL[,URL], prometheus=URL[?selector={MATCHERS}], zeusd[=ADDRESS[,ADDRESS]], trtllm=URL[,URL], smi=FILE, sim")
		_, advice, _ := strings.Cut(err.Error(), "\n")
		assert.Contains(t, advice, "choose one", "the second line")
		assert.NotContains(t, advice, "\n")
	}
}

func TestEnvironment(t *testing.T) {
	t.Setenv("POWERTEST_SOURCE", "sim=idle=90")
	t.Setenv("POWERTEST_DEVICES", "0, GPU-8f3a")
	t.Setenv("POWERTEST_STRICT", "true")
	t.Setenv("POWERTEST_TRACE", "/some/where")
	e, err := readEnvironment()
	require.NoError(t, err)
	assert.Equal(t, environment{source: "sim", arg: "idle=90", devices: []string{"0", "GPU-8f3a"}, strict: true, trace: "/some/where"}, e)

	t.Setenv("POWERTEST_STRICT", "yes please")
	_, err = readEnvironment()
	assert.ErrorContains(t, err, `POWERTEST_STRICT="yes please" is neither true nor false`)

	t.Setenv("POWERTEST_STRICT", "0")
	t.Setenv("POWERTEST_DEVICES", "0,,1")
	_, err = readEnvironment()
	assert.ErrorContains(t, err, `POWERTEST_DEVICES="0,,1" is malformed: an element is empty`)
}

// TestSourceIsChosen: the options, then the environment, then the default; off
// before all.
func TestSourceIsChosen(t *testing.T) {
	mine := simsource.New(simsource.Config{Name: "mine"})
	spare := simsource.New(simsource.Config{Name: "spare"})
	name := func(c config, e environment) string {
		ins, err := openInstrument(c, e)
		if err != nil {
			return "error: " + err.Error()
		}
		if ins == nil {
			return "none"
		}
		return ins.recorder.Source().Devices()[0].Name
	}
	sim := environment{source: "sim", arg: "name=env"}
	assert.Equal(t, "env", name(config{}, sim))
	assert.Equal(t, "mine", name(config{sources: []energy.Source{mine}}, sim))
	assert.Equal(t, "env", name(config{fallback: spare}, sim))
	assert.Equal(t, "none", name(config{sources: []energy.Source{mine}}, environment{source: "off"}))

	ins1, err := openInstrument(config{sources: []energy.Source{mine}}, environment{})
	require.NoError(t, err)
	ins2, err := openInstrument(config{sources: []energy.Source{mine}}, environment{})
	require.NoError(t, err)
	assert.Same(t, ins1.recorder, ins2.recorder, "one recorder per source")
}

func TestFallback(t *testing.T) {
	spare := simsource.New(simsource.Config{})
	for _, c := range []struct {
		err  error
		used bool
	}{
		{errors.ErrUnsupported, true},
		{energy.ErrNoDevice, true},
		{fs.ErrNotExist, true},    // the driver's library
		{fs.ErrPermission, false}, // there is a GPU: say so
		{errors.New("anything"), false},
	} {
		process.instruments = instruments{}
		for _, name := range []string{"auto", "nvml"} {
			_, err := process.instruments.get(instrumentKey{name: name, selection: selectionKey(energy.Selection{})}, func() (*instrument, error) { return nil, fmt.Errorf("nvml: %w", c.err) })
			require.Error(t, err)
		}

		ins, err := openInstrument(config{fallback: spare}, environment{})
		assert.Equal(t, c.used, err == nil, "%v", c.err)
		if c.used {
			assert.Equal(t, "simulated", ins.name())
			assert.ErrorIs(t, ins.fallbackReason, c.err)
		}
		_, err = openInstrument(config{fallback: spare}, environment{strict: true})
		assert.ErrorIs(t, err, c.err, "strict means a measurement")
		_, err = openInstrument(config{fallback: spare}, environment{source: "nvml"})
		assert.ErrorIs(t, err, c.err, "nvml was asked for")
		_, err = openInstrument(config{}, environment{})
		assert.ErrorIs(t, err, c.err)
	}
	process.instruments = instruments{}
}

// TestSelection: a source is known again with the same selection only; what cannot be
// selected is an error that lists what there is.
func TestSelection(t *testing.T) {
	sim := simsource.New(simsource.Config{GPUs: 3})
	open := func(sel ...string) (*instrument, error) {
		return process.instruments.of(sim, energy.Selection{Devices: sel, Roles: []energy.Role{{Name: "decode", Devices: []string{"2"}}}}, "")
	}
	some, err := open("2", "0-1")
	require.NoError(t, err)
	require.Len(t, some.devices(), 3)
	assert.Equal(t, "decode", some.devices()[0].Role)
	again, err := open("2", "0-1")
	require.NoError(t, err)
	assert.Same(t, some, again)
	upper, err := open(strings.ToUpper(sim.Devices()[2].UUID))
	require.NoError(t, err)
	assert.Equal(t, sim.Devices()[2].UUID, upper.devices()[0].UUID)
	for _, sel := range []string{"3", "GPU-", "0-3"} {
		_, err = open(sel)
		assert.ErrorIs(t, err, energy.ErrNoDevice, sel)
		assert.ErrorContains(t, err, "there are 0 (SIM-", sel)
	}
	assert.NotEqual(t, selectionKey(energy.Selection{Devices: []string{"a b"}}), selectionKey(energy.Selection{Devices: []string{"a", "b"}}))
}

// TestInstead: where a source cannot be opened there is one thing to do that works, beside what
// its error advises.
func TestInstead(t *testing.T) {
	bare, advised := errors.New("nvml: none"), errors.New("nvml: none\ninstall it")
	const sim = `add import _ "github.com/joulebench/joulebench/simsource" to a test file, run go mod tidy, and set POWERTEST_SOURCE=sim to measure a simulated GPU`
	for _, c := range []struct {
		source string
		err    error
		linked []string
		want   string
	}{
		{"", bare, nil, "\n" + sim},
		{"auto", advised, nil, "\nor " + sim},
		{"", advised, []string{"sim"}, "\nor set POWERTEST_SOURCE=sim to measure a simulated GPU"},
		{"dcgm", advised, nil, ""},
		{"dcgm", bare, nil, "\nname another source with POWERTEST_SOURCE, or off"},
	} {
		assert.Equal(t, c.want, environment{source: c.source}.instead(c.err, c.linked))
	}
}

func TestPasswordsAreNotShown(t *testing.T) {
	_, _, err := parseSource("dcgm=http://user:hush@node1:9400", []string{"nvml"})
	require.Error(t, err)
	assert.Contains(t, err.Error(), `POWERTEST_SOURCE="dcgm=…@node1:9400"`)
	assert.NotContains(t, err.Error(), "hush")
}
