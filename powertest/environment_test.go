package powertest

import (
	"errors"
	"flag"
	"fmt"
	"io/fs"
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
		{"sim=", "nothing follows the equals sign"},
		{"sim", `add import _ "github.com/joulebench/joulebench/simsource" to a test file`},
		{"dcgm", "write dcgm=URL[,URL]"},
		{"dcgm=http://node1:9400/metrics", "is not linked in"},
		{"prometheus=http://prom:9090", `add import _ "github.com/joulebench/joulebench/promsource" to a test file`},
		{"smi=power.csv", "is not linked in"},
	} {
		_, _, err := parseSource(c.value, []string{"nvml"})
		require.Error(t, err, c.value)
		assert.ErrorContains(t, err, fmt.Sprintf("POWERTEST_SOURCE=%q", c.value))
		assert.ErrorContains(t, err, c.says)
		assert.ErrorContains(t, err, "choose one that is linked in: nvml (the default), off")
		assert.ErrorContains(t, err, "known but not linked in: sim")
		assert.NotContains(t, err.Error(), "\n")
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
	assert.ErrorContains(t, err, `POWERTEST_DEVICES="0,,1" is malformed`)
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
	assert.Equal(t, "mine", name(config{source: mine}, sim))
	assert.Equal(t, "env", name(config{fallback: spare}, sim))
	assert.Equal(t, "none", name(config{source: mine}, environment{source: "off"}))

	ins1, err := openInstrument(config{source: mine}, environment{})
	require.NoError(t, err)
	ins2, err := openInstrument(config{source: mine}, environment{})
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
		instruments.mu.Lock()
		instruments.made = map[any]opened{}
		instruments.mu.Unlock()
		_, err := instruments.get(nameKey{name: "nvml"}, func() (energy.Source, error) { return nil, fmt.Errorf("nvml: %w", c.err) })
		require.Error(t, err)

		ins, err := openInstrument(config{fallback: spare}, environment{})
		assert.Equal(t, c.used, err == nil, "%v", c.err)
		if c.used {
			assert.Equal(t, "simulated", ins.name())
			assert.ErrorIs(t, ins.instead, c.err)
		}
		_, err = openInstrument(config{fallback: spare}, environment{strict: true})
		assert.ErrorIs(t, err, c.err, "strict means real joules")
		_, err = openInstrument(config{fallback: spare}, environment{source: "nvml"})
		assert.ErrorIs(t, err, c.err, "nvml was asked for")
		_, err = openInstrument(config{}, environment{})
		assert.ErrorIs(t, err, c.err)
	}
	instruments.made = map[any]opened{}
}

func TestChoose(t *testing.T) {
	sim := simsource.New(simsource.Config{GPUs: 3})
	src, err := choose(&faulty{sim, func(*energy.Reading) {}}, []string{"2", "0", "2"}, nil)
	require.NoError(t, err)
	require.Equal(t, []energy.Device{sim.Devices()[0], sim.Devices()[2]}, src.Devices())
	r := []energy.Reading{{Device: 1}, {Device: 0}}
	src.Read(r)
	assert.Equal(t, []int{1, 0}, []int{r[0].Device, r[1].Device})
	assert.True(t, r[0].HasJoules && r[1].HasJoules)
	assert.Zero(t, testing.AllocsPerRun(100, func() { src.Read(r) }))

	withState, err := choose(sim, []string{"1"}, nil)
	require.NoError(t, err)
	states := []energy.State{{Device: 0}}
	withState.(energy.Inspector).Inspect(states)
	assert.Equal(t, 0, states[0].Device)
	assert.False(t, states[0].At.IsZero())

	for _, sel := range []string{"3", "", "GPU-"} {
		_, err = choose(sim, []string{sel}, nil)
		assert.ErrorIs(t, err, energy.ErrNoDevice, sel)
		assert.ErrorContains(t, err, "there are 0 (SIM-", sel)
	}
}

func TestPasswordsAreNotShown(t *testing.T) {
	_, _, err := parseSource("dcgm=http://user:hush@node1:9400", []string{"nvml"})
	require.Error(t, err)
	assert.Contains(t, err.Error(), `POWERTEST_SOURCE="dcgm=…"`)
	assert.NotContains(t, err.Error(), "hush")
}
