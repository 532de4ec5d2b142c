package smisource

import (
	"encoding/binary"
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode/utf16"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/joulebench/joulebench/powertest/energy"
)

// wide encodes a text as UTF-16.
func wide(order binary.AppendByteOrder, mark bool, text string) string {
	var b []byte
	if mark {
		text = "\ufeff" + text
	}
	for _, c := range utf16.Encode([]rune(text)) {
		b = order.AppendUint16(b, c)
	}
	return string(b)
}

func TestEncodingsAndSeparators(t *testing.T) {
	log := nvidiaLog(constant(0, -1, 11, 500), constant(1, -1, 11, 300))
	quoted := func(separator string) string {
		var b strings.Builder
		for line := range strings.Lines(log) {
			line = strings.TrimSpace(line)
			b.WriteString(`"` + strings.ReplaceAll(line, ", ", `"`+separator+`"`) + `"` + "\n")
		}
		return b.String()
	}
	for name, text := range map[string]string{
		"plain":                  log,
		"CRLF":                   strings.ReplaceAll(log, "\n", "\r\n"),
		"byte-order mark":        "\ufeff" + log,
		"UTF-16 of PowerShell":   wide(binary.LittleEndian, true, strings.ReplaceAll(log, "\n", "\r\n")),
		"UTF-16, big end first":  wide(binary.BigEndian, true, log),
		"UTF-16 without mark":    wide(binary.LittleEndian, false, log),
		"UTF-16 with other text": wide(binary.LittleEndian, true, "Übersicht 日本 💡\n"+log),
		"semicolons":             strings.ReplaceAll(log, ", ", ";"),
		"tabs":                   strings.ReplaceAll(log, ", ", "\t"),
		"quoted":                 quoted(","),
		"quoted, semicolons":     quoted(" ; "),
		"blank lines":            strings.ReplaceAll(log, "\n", "\n\n \n"),
		"no blanks":              strings.ReplaceAll(log, ", ", ","),
		"preamble":               "'CTRL' + 'C' to stop watching output:\n\n" + log,
		"thousands":              strings.ReplaceAll(strings.ReplaceAll(log, "500.00 W", `"0,500.00 W"`), "300.00", "3e2"),
		"a line too long":        strings.Repeat("x", 3*longest) + "\n" + log,
		"last row cut":           log + nvidia(12) + ", 0, 5",
		"last row without end":   strings.TrimSpace(log),
	} {
		m := measure(t, text, 0, 10)
		if assert.True(t, m.Valid, "%s: %v", name, m.Reasons) {
			assert.InDeltaSlice(t, []float64{5000, 3000}, joules(m), 1e-6, name)
		}
	}
}

// The last row may be cut anywhere: it counts only if what it says is certain.
func TestLastRowIsCut(t *testing.T) {
	full := nvidiaLog(constant(0, -1, 9, 500)) + nvidia(10) + ", 0, 500.00 W, 64"
	last := nvidia(10) + ", 0, 500.00 W, 64"
	certain := len(full) - len(last) + strings.Index(last, " W, ") + len(" W")
	for n := len(full) - len(last); n <= len(full); n++ {
		m := measure(t, full[:n], 0, 10)
		if n < certain {
			assert.Equal(t, []energy.Reason{energy.BenchmarkWindowNotBracketed}, codes(m.Reasons), full[len(full)-len(last):n])
			continue
		}
		require.True(t, m.Valid, "%q: %v", full[:n], m.Reasons)
		assert.InEpsilon(t, 5000, m.Energy.Joules, 1e-9)
	}
	// A number without its unit can be the beginning of a longer one.
	m := measure(t, "timestamp,gpu,socket_power\n"+second(-1)+",0,238\n"+second(1)+",0,23", 0, 1)
	assert.False(t, m.Valid)
	// As can that of a GPU.
	m = measure(t, "timestamp,socket_power,gpu\n"+second(-1)+",238,12\n"+second(1)+",238,1", 0, 1)
	assert.Len(t, m.Devices, 1)
}

// Rows that come in pieces are taken once each, wherever they are cut.
func TestRowsInPieces(t *testing.T) {
	text := "timestamp, name, index, power.draw [W], temperature.gpu\n"
	for at := range 4 {
		text += nvidia(float64(at)) + `, "NVIDIA ""big"" ""one""", 0, 500.00 W, 64` + "\n" + nvidia(float64(at)) + ", NVIDIA, 1, 300.00 W, 64\n"
	}
	whole := newLog(Config{Location: time.UTC, MaxGap: time.Second})
	f := follower{path: write(t, text)}
	require.NoError(t, f.read(t.Context(), whole))
	for _, text := range []string{text, wide(binary.LittleEndian, true, text)} {
		path := write(t, text[:4])
		pieces := newLog(Config{Location: time.UTC, MaxGap: time.Second})
		f = follower{path: path}
		require.NoError(t, f.read(t.Context(), pieces))
		for i := 4; i < len(text); i += 3 {
			more(t, path, text[i:min(i+3, len(text))])
			require.NoError(t, f.read(t.Context(), pieces))
		}
		require.Len(t, pieces.gpus, 2)
		assert.Empty(t, pieces.faults)
		for i := range whole.gpus {
			assert.Equal(t, whole.gpus[i].samples, pieces.gpus[i].samples)
		}
		assert.Equal(t, whole.lines, pieces.lines)
	}
}

// A recorder that was started anew may write other columns.
func TestColumnsChange(t *testing.T) {
	text := nvidiaLog(constant(0, -1, 4, 500)) + "index,power.limit [W],power.draw [W],timestamp\n"
	for at := 5; at <= 11; at++ {
		text += "0,700.00 W,500.00 W," + nvidia(float64(at)) + "\n"
	}
	m := measure(t, text, 0, 10)
	require.True(t, m.Valid, "%v", m.Reasons)
	assert.InEpsilon(t, 5000, m.Energy.Joules, 1e-9)

	// Joules are not taken for watts.
	text = nvidiaLog(constant(0, -100, -50, 500)) + "timestamp, index, total_energy_consumption\n"
	for at := -49; at <= 11; at++ {
		text += nvidia(float64(at)) + ", 0, 500\n"
	}
	m = measure(t, text, 0, 10)
	assert.False(t, m.Valid)
	assert.Contains(t, fmt.Sprint(m.Reasons), "total_energy_consumption")
	m = measure(t, text, -90, -60)
	require.True(t, m.Valid, "%v", m.Reasons)
	assert.InEpsilon(t, 30*500, m.Energy.Joules, 1e-9)
	m = measure(t, nvidiaLog(constant(0, -1, 11, 500))+"timestamp, index, temperature.gpu\n"+nvidia(12)+", 0, 64\n", 0, 10)
	require.True(t, m.Valid, "%v", m.Reasons)
	// A header that is of no use is followed by one that is.
	m = measure(t, "timestamp, index, temperature.gpu\n"+nvidia(-3)+", 0, 64\n"+nvidiaLog(constant(0, -1, 11, 500)), 0, 10)
	require.True(t, m.Valid, "%v", m.Reasons)
}

// Logs as they were seen, with a row that was cut.
func TestRecordedLogs(t *testing.T) {
	s, err := Open(Config{Path: "testdata/nvidia-smi.csv", Location: time.UTC})
	require.NoError(t, err)
	defer s.Close()
	at := func(sec int) time.Time { return time.Date(2026, 7, 23, 12, 0, sec, 0, time.UTC) }
	m := energy.MeasurePast(t.Context(), s, energy.Span{Start: at(60), End: at(62)})
	require.True(t, m.Valid, "%v", m.Reasons)
	assert.InEpsilon(t, 1000, m.Energy.Joules, 1e-9)
	m = energy.MeasurePast(t.Context(), s, energy.Span{Start: at(8), End: at(11)})
	assert.Equal(t, []energy.Reason{energy.InvalidPowerSample}, codes(m.Reasons), "52 was the beginning of 520.00 W")

	s, err = Open(Config{Path: "testdata/amd-smi-energy.csv"})
	require.NoError(t, err)
	defer s.Close()
	require.Len(t, s.Devices(), 2)
	assert.Equal(t, "amd-smi", s.Info().Version)
	for i, want := range []float64{20909188.578, 21111638.458} {
		dst := []energy.Reading{{Device: i}}
		s.Read(dst)
		assert.InEpsilon(t, want/(15.3e-6*65536), dst[0].Joules, 1e-12)
		assert.Equal(t, time.Unix(1722959155, 0), dst[0].Before)
		assert.Equal(t, time.Second, dst[0].After.Sub(dst[0].Before), "it was some time in the second")
	}
}

// Garbage is read as fast as a log.
func TestGarbageIsCheap(t *testing.T) {
	l := newLog(Config{Location: time.UTC, MaxGap: time.Second})
	l.line([]byte("timestamp,gpu,power"), true)
	allocs := testing.AllocsPerRun(1000, func() { l.line([]byte("not-a-time-stamp,0,500 W"), true) })
	assert.Less(t, allocs, 60.0)
	allocs = testing.AllocsPerRun(1000, func() { l.line([]byte("garbage,0,500 W"), true) })
	assert.Less(t, allocs, 3.0)
}
