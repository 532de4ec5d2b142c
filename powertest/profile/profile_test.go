package profile_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/joulebench/joulebench/powertest/energy"
	"github.com/joulebench/joulebench/powertest/profile"
	"github.com/joulebench/joulebench/simsource"
)

// whole is a profile in which everything is known of one device.
func whole(uuid string) *profile.Profile {
	ms := func(n time.Duration) *time.Duration { return new(n * time.Millisecond) }
	return &profile.Profile{
		SchemaVersion: profile.SchemaVersion, Version: "v1", Made: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC),
		Devices: []profile.Device{{
			UUID: uuid, Name: "Simulated GPU", Driver: "590.44", VBIOS: "96.00", Source: "simulated", Method: energy.Counter, Metric: "simulated energy counter",
			Period: ms(100), Jitter: ms(1), Delay: ms(50), DelaySD: ms(3), Rise: ms(52), Fall: ms(49), Tail: ms(20),
			Coverage: new(0.99), Modulation: new(0.1), Share: new(1.0), Sensor: &energy.Sensor{Refresh: 100 * time.Millisecond},
			Meter: &profile.Meter{
				Scale:  energy.Scale{Gain: 0.95, Offset: -2, GainSD: 0.004, OffsetSD: 1, Correlation: -0.8, Floor: 1},
				Levels: []profile.Level{{Meter: 100, Device: 93, Seconds: 5}, {Meter: 700, Device: 663, Seconds: 9}},
				Ahead:  time.Second, Fit: 0.99,
			},
			NotMeasured: []string{"the colour"},
		}},
	}
}

func write(t *testing.T, p *profile.Profile) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "gpu.json")
	require.NoError(t, p.WriteFile(path))
	return path
}

func TestWhatIsWrittenIsRead(t *testing.T) {
	p := whole("GPU-1")
	path := write(t, p)
	back, err := profile.Read(path)
	require.NoError(t, err)
	assert.Len(t, back.ID(), 12)
	assert.Equal(t, p.Devices, back.Devices)
	again, err := profile.Read(path)
	require.NoError(t, err)
	assert.Equal(t, back.ID(), again.ID())

	p.Devices[0].Meter.Gain = 0.96
	other, err := profile.Read(write(t, p))
	require.NoError(t, err)
	assert.NotEqual(t, back.ID(), other.ID(), "another content")
}

// TestBadFiles: whatever the file is, the error names it, says what is wrong, and is short.
func TestBadFiles(t *testing.T) {
	good, err := os.ReadFile(write(t, whole("GPU-1")))
	require.NoError(t, err)
	text := string(good)
	for name, c := range map[string]struct{ text, says string }{
		"empty":       {"", "EOF"},
		"truncated":   {text[:len(text)/2], "unexpected EOF"},
		"two":         {text + text, "something follows"},
		"not JSON":    {"gpu: 1", "invalid character"},
		"an array":    {"[]", "array"},
		"null":        {"null", "schema_version is 0"},
		"no devices":  {`{"schema_version": 1}`, "no devices"},
		"newer":       {strings.Replace(text, `"schema_version": 1`, `"schema_version": 2`, 1), "schema_version is 2"},
		"no uuid":     {strings.Replace(text, `"GPU-1"`, `""`, 1), "no uuid"},
		"twice":       {`{"schema_version": 1, "devices": [{"uuid": "A", "method": "gauge"}, {"uuid": "A", "method": "gauge"}]}`, "twice"},
		"no method":   {`{"schema_version": 1, "devices": [{"uuid": "A"}]}`, "no method"},
		"method":      {strings.Replace(text, `"counter"`, `"abacus"`, 1), "neither counter nor gauge"},
		"no gain":     {strings.Replace(text, `"gain": 0.95`, `"gain": 0`, 1), "no gain"},
		"gain":        {strings.Replace(text, `"gain": 0.95`, `"gain": -5`, 1), "gain of -5"},
		"huge number": {strings.Replace(text, `"gain": 0.95`, `"gain": 1e400`, 1), "1e400"},
		"text":        {strings.Replace(text, `"gain": 0.95`, `"gain": "much"`, 1), "string"},
		"delay":       {strings.Replace(text, `"delay_ns": 50000000`, `"delay_ns": -1`, 1), "late by -1ns"},
		"escapes":     {`{"schema_version": 1, "devices": [{"uuid": "\u001b[2J", "method": "gauge", "share": 7}]}`, `\x1b[2J`},
		"too long":    {`{"version": "` + strings.Repeat("x", 5<<20) + `"}`, "longer than 4 MB"},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "gpu.json")
			require.NoError(t, os.WriteFile(path, []byte(c.text), 0o644))
			_, err := profile.Read(path)
			require.ErrorIs(t, err, energy.ErrMalformed)
			assert.ErrorContains(t, err, c.says)
			assert.ErrorContains(t, err, path)
			assert.Less(t, len(err.Error()), 300)
			assert.NotContains(t, err.Error(), "\x1b")
		})
	}
}

func TestWhatIsNoFile(t *testing.T) {
	dir := t.TempDir()
	_, err := profile.Read(filepath.Join(dir, "none.json"))
	assert.ErrorIs(t, err, fs.ErrNotExist)
	_, err = profile.Read(dir)
	assert.ErrorContains(t, err, "not a regular file")
}

// TestRefused: a profile of something else is refused with a sentence that says of what, and
// what to do.
func TestRefused(t *testing.T) {
	sim := simsource.New(simsource.Config{})
	is := sim.Devices()[0]
	for name, c := range map[string]struct {
		spoil func(*profile.Device)
		says  string
	}{
		"UUID":   {func(d *profile.Device) { d.UUID = "GPU-2" }, "it is of another UUID"},
		"model":  {func(d *profile.Device) { d.Name = "B200" }, `it is of another model, "B200", and this is "Simulated GPU"`},
		"method": {func(d *profile.Device) { d.Method = energy.Gauge }, "it is of another reading, its gauge, and what is measured is a counter"},
		"metric": {func(d *profile.Device) { d.Metric = "x" }, `it is of another reading, "x", and this is`},
	} {
		p := whole(is.UUID)
		c.spoil(&p.Devices[0])
		path := write(t, p)
		rec := energy.NewRecorder(sim)
		_, err := profile.Apply(path, rec)
		require.ErrorIs(t, err, profile.ErrOther, name)
		require.ErrorIs(t, err, energy.ErrMalformed, name)
		assert.ErrorContains(t, err, c.says)
		assert.ErrorContains(t, err, is.UUID)
		assert.ErrorContains(t, err, "\nmake another with powertest doctor")
		assert.Nil(t, rec.Devices()[0].Calibration)
	}
	for name, spoil := range map[string]func(*profile.Device){
		"driver": func(d *profile.Device) { d.Driver = "1" }, "VBIOS": func(d *profile.Device) { d.VBIOS = "1" },
	} {
		p := whole(is.UUID)
		spoil(&p.Devices[0])
		back, err := profile.Read(write(t, p))
		require.NoError(t, err)
		rec := energy.NewRecorder(described{sim, "590.44", "96.00"})
		err = back.Calibrate(rec)
		require.ErrorIs(t, err, profile.ErrOther)
		assert.ErrorContains(t, err, "it is of another "+name+`, "1", and this is "`)
	}
}

// described is a source that knows driver and firmware.
type described struct {
	energy.Source
	driver, vbios string
}

func (d described) Devices() []energy.Device {
	list := d.Source.Devices()
	list[0].Driver, list[0].VBIOS = d.driver, d.vbios
	return list
}

func TestApplied(t *testing.T) {
	sim := simsource.New(simsource.Config{})
	rec := energy.NewRecorder(sim)
	path := write(t, whole(sim.Devices()[0].UUID))
	unused, err := profile.Apply(path, rec)
	require.NoError(t, err)
	require.NoError(t, unused)
	c := rec.Devices()[0].Calibration
	require.NotNil(t, c)
	assert.Equal(t, 0.95, c.Scale.Gain)
	assert.Equal(t, 50*time.Millisecond, c.Delay)
	assert.Equal(t, 1.0, c.Share)
	assert.Len(t, c.Profile, 12)
	assert.Nil(t, sim.Devices()[0].Calibration, "the source's own list stays")

	two := energy.NewRecorder(simsource.New(simsource.Config{GPUs: 2}))
	_, err = profile.Apply(path, two)
	require.ErrorIs(t, err, profile.ErrOther, "one device of two")
	assert.Nil(t, two.Devices()[0].Calibration)
}

// TestDefault: a profile in the user's directory is used where it fits, and otherwise keeps
// nobody from measuring.
func TestDefault(t *testing.T) {
	home := t.TempDir()
	t.Setenv("XDG_CONFIG_HOME", home)
	t.Setenv("HOME", home)
	dir, err := os.UserConfigDir()
	require.NoError(t, err)
	sim := simsource.New(simsource.Config{})
	apply := func(value string) (*energy.Calibration, error) {
		rec := energy.NewRecorder(sim)
		unused, err := profile.Apply(value, rec)
		require.NoError(t, err)
		return rec.Devices()[0].Calibration, unused
	}
	c, unused := apply("")
	assert.Nil(t, c)
	require.NoError(t, unused)

	path := filepath.Join(dir, "powertest", "profile.json")
	require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
	require.NoError(t, whole(sim.Devices()[0].UUID).WriteFile(path))
	c, unused = apply("")
	assert.NotNil(t, c)
	require.NoError(t, unused)
	c, unused = apply(profile.Off)
	assert.Nil(t, c)
	require.NoError(t, unused)

	require.NoError(t, whole("GPU-2").WriteFile(path))
	c, unused = apply("")
	assert.Nil(t, c)
	require.NoError(t, unused, "it is of another machine's device")

	other := whole(sim.Devices()[0].UUID)
	other.Devices[0].Metric = "another"
	require.NoError(t, other.WriteFile(path))
	c, unused = apply("")
	assert.Nil(t, c)
	require.ErrorIs(t, unused, profile.ErrOther)

	require.NoError(t, os.WriteFile(path, []byte("{"), 0o644))
	_, unused = apply("")
	require.ErrorIs(t, unused, energy.ErrMalformed)
	_, err = profile.Apply(path, energy.NewRecorder(sim))
	require.ErrorIs(t, err, energy.ErrMalformed, "one that was named")
	_, err = profile.Apply(filepath.Join(dir, "none"), energy.NewRecorder(sim))
	require.ErrorIs(t, err, energy.ErrMalformed, "one that was named")
	require.ErrorIs(t, err, fs.ErrNotExist)
}

// FuzzParse: whatever the text, what is taken is a profile that can be applied.
func FuzzParse(f *testing.F) {
	text, err := os.ReadFile("testdata/gpu.json")
	require.NoError(f, err)
	f.Add(text)
	f.Add(text[:len(text)/2])
	f.Add([]byte(`{"schema_version": 1, "devices": [{"uuid": "A", "method": "gauge", "meter": {"gain": 1}}]}`))
	f.Add([]byte(`{"schema_version": 1, "devices": [null]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		p, err := profile.Parse(text)
		if err != nil {
			require.ErrorIs(t, err, energy.ErrMalformed)
			return
		}
		require.Len(t, p.ID(), 12)
		sim := simsource.New(simsource.Config{})
		d := &p.Devices[0]
		d.UUID, d.Name, d.Method, d.Metric = sim.Devices()[0].UUID, "", energy.Counter, ""
		rec := energy.NewRecorder(sim)
		require.NoError(t, p.Calibrate(rec))
		watts, sd := rec.Devices()[0].Calibration.Scale.Watts(300)
		require.False(t, watts != watts || sd != sd, "%v ± %v", watts, sd)
	})
}
