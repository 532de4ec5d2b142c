package meter

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestLayouts: whatever the layout, the file is 100 W for 2 s and then 300 W for 2 s.
func TestLayouts(t *testing.T) {
	const begin = 1700000000
	rows := func(line func(s float64, watts, joules float64) string) string {
		var b strings.Builder
		joules := 0.0
		for i := range 401 {
			s, watts := float64(i)/100, 100.0
			if s >= 2 {
				watts = 300
			}
			b.WriteString(line(s, watts, joules) + "\n")
			joules += watts / 100
		}
		return b.String()
	}
	for name, c := range map[string]struct {
		text  string
		start float64
	}{
		"watts, no header":   {rows(func(s, w, _ float64) string { return fmt.Sprintf("%.2f,%g", begin+s, w) }), begin},
		"joules, no header":  {rows(func(s, _, j float64) string { return fmt.Sprintf("%.2f,%g", begin+s, j) }), begin},
		"ours":               {"unix_s,joules\n" + rows(func(s, _, j float64) string { return fmt.Sprintf("%.3f,%.3f", begin+s, j) }), begin},
		"ms, tabs":           {"time\tpower\n" + rows(func(s, w, _ float64) string { return fmt.Sprintf("%.0f\t%g W", 1000*(begin+s), w) }), begin},
		"ns, blanks":         {"timestamp watts\n" + rows(func(s, w, _ float64) string { return fmt.Sprintf("%.0f   %g", 1e9*(begin+s), w) }), begin},
		"RFC 3339":           {`"Time","Energy [J]"` + "\n" + rows(func(s, _, j float64) string { return fmt.Sprintf(`"2023-11-14T22:13:%05.2fZ","%g"`, 20+s, j) }), begin},
		"with a zone":        {"date;w\n" + rows(func(s, w, _ float64) string { return fmt.Sprintf("2023-11-14 23:13:%05.2f+01:00;%g", 20+s, w) }), begin},
		"decimal commas":     {"t;volts;Power (W);amperes\n" + strings.ReplaceAll(rows(func(s, w, _ float64) string { return fmt.Sprintf("%.2f;12,1;%.1f;3", begin+s, w) }), ".", ","), begin},
		"elapsed ms, mW":     {"elapsed_ms,power_mW\n" + rows(func(s, w, _ float64) string { return fmt.Sprintf("%.0f,%g", 1000*s, 1000*w) }), 0},
		"elapsed s":          {rows(func(s, w, _ float64) string { return fmt.Sprintf("%.2f %g", s, w) }), 0},
		"comments, blanks":   {"\ufeff# my meter\r\n\r\n" + strings.ReplaceAll(rows(func(s, w, _ float64) string { return fmt.Sprintf("%.2f,%g", begin+s, w) }), "\n", "\r\n"), begin},
		"values are missing": {"time,watts\n" + rows(func(s, w, _ float64) string { return fmt.Sprintf("%.2f,%g\n%[1]f,\n%[1]f,N/A", begin+s, w) }), begin},
		"mJ":                 {"time,mJ\n" + rows(func(s, _, j float64) string { return fmt.Sprintf("%.2f,%g", begin+s, 1000*j) }), begin},
	} {
		t.Run(name, func(t *testing.T) {
			s, err := Parse(strings.NewReader(c.text))
			require.NoError(t, err)
			assert.InDelta(t, c.start, s.Start(), 1e-5)
			assert.InDelta(t, 4, s.Length().Seconds(), 1e-5)
			bins := s.bins(s.Start(), 1, 4)
			for i, want := range []float64{100, 100, 300, 300} {
				assert.InDelta(t, want, bins[i], 2)
			}
		})
	}
}

// TestFineMeter: what comes more often than every millisecond is added up, not left out.
func TestFineMeter(t *testing.T) {
	var b strings.Builder
	for i := range 40001 { // 10 kHz, every tenth of 1000 W
		fmt.Fprintf(&b, "%.4f,%d\n", float64(i)/1e4, map[bool]int{true: 1000}[i%10 == 5])
	}
	s, err := Parse(strings.NewReader(b.String()))
	require.NoError(t, err)
	assert.Less(t, len(s), 5000)
	assert.InDelta(t, 100, mean(s.bins(0, 1, 4)), 0.1)
}

// TestGaps: while a meter writes nothing, nothing is known.
func TestGaps(t *testing.T) {
	var b strings.Builder
	for i := range 1000 {
		s := float64(i) / 100
		if i >= 500 {
			s += 30
		}
		fmt.Fprintf(&b, "%.2f,100\n", s)
	}
	s, err := Parse(strings.NewReader(b.String()))
	require.NoError(t, err)
	bins := s.bins(0, 1, 35)
	assert.InDelta(t, 100, bins[4-1], 1e-9)
	assert.True(t, math.IsNaN(bins[20]))
}

func TestBadFiles(t *testing.T) {
	for name, c := range map[string]struct{ text, says string }{
		"empty":           {"", "0 values"},
		"a header only":   {"time,watts\n", "0 values"},
		"two rows":        {"1,2\n2,2\n", "2 values"},
		"one column":      {"watts\n1\n2\n", "line 1: it is no file of times and watts or joules: the first line has one column"},
		"three, unnamed":  {"1,2,3\n2,3,4\n", "3 columns and no header"},
		"no time":         {"watts,volts\n1,2\n", "no column is named time"},
		"no power":        {"time,volts\n1,2\n", "no column is named watts or joules"},
		"time goes back":  {"1,2\n2,2\n1,2\n", "line 3: it is no file of times and watts or joules: the time goes back by 1.000 s"},
		"joules go down":  {"time,joules\n1,2\n2,3\n3,1\n4,2\n", "the joules go down"},
		"no number":       {"1,2\n2,two\n", `line 2: it is no file of times and watts or joules: "two" is no number`},
		"no finite one":   {"1,2\n2,inf\n", `"inf" is no number`},
		"no stamp":        {"time,watts\nnoon,2\n", `"noon" is no time: write seconds since 1970`},
		"cut off":         {"1,2\n2,2\n3", "1 columns"},
		"a long line":     {"1,2\n" + strings.Repeat("x", 1<<17), "token too long"},
		"one moment":      {"1,2\n1,2\n1,2\n1,2\n1,2\n", "less than a millisecond apart"},
		"terminal escape": {"1,2\n2,\x1b[2J\n", `\x1b`},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Parse(strings.NewReader(c.text))
			require.ErrorIs(t, err, ErrLayout)
			assert.ErrorContains(t, err, c.says)
			assert.Less(t, len(err.Error()), 250)
			assert.NotContains(t, err.Error(), "\x1b")
		})
	}
	_, err := Read(t.TempDir())
	require.ErrorIs(t, err, ErrLayout)
	_, err = Read(filepath.Join(t.TempDir(), "none"))
	require.ErrorIs(t, err, os.ErrNotExist)
}

// FuzzParse: whatever the text, a series that is taken is in order and can be compared.
func FuzzParse(f *testing.F) {
	f.Add("unix_s,joules\n1,1\n2,2\n3,3\n4,4\n")
	f.Add("time;power\n1,5;2,5\n2,5;3,5\n3;3\n")
	f.Add("1 1\n2 -1e18\n3 1\n")
	f.Add("2026-01-02T03:04:05Z\t1\n2026-01-02T03:04:06Z\t2\n2026-01-02T03:04:07Z\t2\n2026-01-02T03:04:08Z\t2\n")
	f.Fuzz(func(t *testing.T, text string) {
		s, err := Parse(strings.NewReader(text))
		if err != nil {
			return
		}
		for i, x := range s {
			require.Less(t, x.From, x.To)
			require.False(t, math.IsNaN(x.Watts) || math.IsInf(x.Watts, 0))
			require.True(t, i == 0 || x.From >= s[i-1].To)
		}
		_, _ = Compare(s, s)
	})
}
