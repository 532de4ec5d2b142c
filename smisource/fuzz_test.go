package smisource

import (
	"context"
	"errors"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/joulebench/joulebench/powertest/energy"
)

func FuzzStamp(f *testing.F) {
	for _, s := range []string{"2026/07/23 12:00:09.000", "2025-01-15T12:34:56.789+01:00", "1722959154", "1736944496789000000", "2025/02/30 12:34:56", "9223372036.9"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		s, ok := parseStamp(b)
		if !ok {
			return
		}
		if s.nanos < 0 || s.nanos >= 1e9 || s.sec < 0 || s.sec > math.MaxInt64/int64(1e9) {
			t.Fatalf("%q: %+v", b, s)
		}
		// What the standard library understands, it understands the same way.
		if want, err := time.Parse(time.RFC3339Nano, string(b)); err == nil && !s.naive && want.UnixNano() != s.sec*1e9+s.nanos {
			t.Fatalf("%q: %+v, not %v", b, s, want)
		}
	})
}

func FuzzRow(f *testing.F) {
	f.Add([]byte(`2026/07/23 12:00:09.000, 0, "1,234.5 W", 64`), byte(','))
	f.Add([]byte(`a;"b ""c""" ; d`), byte(';'))
	f.Add([]byte("412.34 W"), byte('\t'))
	f.Fuzz(func(t *testing.T, b []byte, separator byte) {
		for _, c := range []column{{scale: 1}, {scale: 1e-3}, {energy: true, scale: 3600}} {
			if v, flaw := c.quantity(b); flaw == fine && (!(v >= 0) || math.IsInf(v, 0)) {
				t.Fatalf("%q: %v", b, v)
			}
		}
		h, _ := parseHeader(b, nil, false)
		if h.usable && (h.stamp >= h.width || h.id() >= h.width) {
			t.Fatalf("%q: %+v", b, h)
		}
		if list, _ := cells(nil, b, separator); len(list) == 0 || len(list) > len(b)+1 {
			t.Fatalf("%q: %q", b, list)
		}
	})
}

// A log is opened and measured, all at once, and in two pieces: what is complete
// after the second is the same.
func FuzzLog(f *testing.F) {
	ordinary := nvidiaLog(constant(0, -1, 11, 500), constant(1, -1, 11, 300))
	for _, text := range []string{
		ordinary,
		ordinary + "garbage\n" + nvidia(5) + ", 0, [N/A], 64\n" + nvidia(2) + ", 1, 5",
		"'CTRL' + 'C' to stop watching output:\ntimestamp,gpu,total_energy_consumption\n1722959154,0,20909145.914\n\ntimestamp,gpu,total_energy_consumption\n1722959155,0,20909188.578\n",
		"\xff\xfet\x00i\x00m\x00e\x00",
		"timestamp,gpu,socket_power\n2,0,1\n1,0,1\n3,0,1\n",
		ordinary + "index,timestamp,power.draw [W]\n0," + nvidia(12) + ",5 W\n",
	} {
		f.Add([]byte(text), 40)
	}
	dir := f.TempDir()
	hurry, cancel := context.WithCancel(f.Context())
	cancel()
	f.Fuzz(func(t *testing.T, text []byte, cut int) {
		path := filepath.Join(dir, "log.csv")
		require.NoError(t, os.WriteFile(path, text, 0o644))
		s, err := Open(Config{Path: path, Location: time.UTC})
		if err != nil {
			return
		}
		for _, w := range []energy.Span{span(0, 10), {Start: time.Unix(0, s.log.stamp-5e9), End: time.Unix(0, s.log.stamp-1e9)}} {
			m := energy.MeasurePast(hurry, s, w)
			if m.Valid && (!(m.Energy.Joules >= 0) || math.IsInf(m.Energy.Joules, 0)) {
				t.Fatalf("%+v", m.Energy)
			}
			if !m.Valid && len(m.Reasons) == 0 {
				t.Fatal("withheld without a reason")
			}
			s.Audit(w)
		}
		if cut < 4 || cut >= len(text) {
			return
		}
		require.NoError(t, os.WriteFile(path, text[:cut], 0o644))
		pieces := newLog(s.cfg)
		pieces.decimal = s.log.decimal
		file := follower{path: path}
		require.NoError(t, file.read(t.Context(), pieces))
		if file.skip {
			return // the row was taken, whatever comes behind what it needs
		}
		more(t, path, string(text[cut:]))
		require.NoError(t, file.read(t.Context(), pieces))
		if len(pieces.gpus) != len(s.log.gpus) || len(pieces.faults) != len(s.log.faults) {
			t.Fatalf("%d GPUs and %d faults, not %d and %d", len(pieces.gpus), len(pieces.faults), len(s.log.gpus), len(s.log.faults))
		}
		for i, g := range s.log.gpus {
			require.Equal(t, g.samples, pieces.gpus[i].samples)
		}
	})
}

func FuzzSnapshot(f *testing.F) {
	f.Add([]byte("gpu,socket_power,total_energy_consumption\n0,238,178319501.682\n1,239,N/A\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		for id, joules := range parseSnapshot(b) {
			if !(joules >= 0) || math.IsInf(joules, 0) {
				t.Fatalf("%s: %v", id, joules)
			}
		}
	})
}

// FuzzLines: whatever a file holds, it is taken or it is not, in one way: the readings of
// each run are in order, and a second look at the same text finds the same.
func FuzzLines(f *testing.F) {
	for _, text := range []string{
		"timestamp, power.draw [W]\n2025/01/15 12:34:56.789, 500 W\n2025/01/15 12:34:56.889, 400 W\n",
		"timestamp;index;power\n1736944496;0;490,500 W\n",
		"timestamp,GPU0,GPU1\n1736944496.5,1,2\n1736944497.5,1,\n",
		"1736944496.5,0,5\n1736944496.5,1,6\n",
		"schema_version,timestamp_unix,scrape_seq,hostname,gpu_index,gpu_uuid,power_w\n1,1736944496.5,7,a,0,,400\n",
		"date,time,gpu,power\n2024-05-06,07:08:09.5,0,5\n",
		"\x1f\x8b\x08",
	} {
		f.Add([]byte(text), "time=timestamp,power=GPU0,power=GPU1", 2)
		f.Add([]byte(text), "time=#1,power=#3", 0)
	}
	f.Fuzz(func(t *testing.T, text []byte, columns string, gpus int) {
		cfg, err := Config{Path: "gpu.csv", Location: time.UTC, Columns: columns, GPUs: gpus}.complete()
		if err != nil {
			return
		}
		var logs [2]*log
		for i := range logs {
			s := &Source{cfg: cfg, log: newLog(cfg)}
			s.log.decimal = i == 1 && logs[0].decimal
			s.file.take(s.log, slices.Clone(text))
			s.file.tail(s.log)
			logs[i] = s.log
			if err := s.check(); err != nil && err.Error() == "" {
				t.Fatal("an error without words")
			}
		}
		for i, g := range logs[0].gpus {
			require.Equal(t, g.samples, logs[1].gpus[i].samples)
			for k := 1; k < len(g.samples); k++ {
				if g.samples[k].at < g.samples[k-1].at && !slices.Contains(g.runs, k) {
					t.Fatalf("reading %d is not in order", k)
				}
			}
		}
	})
}

func FuzzConfig(f *testing.F) {
	f.Add("gpu.csv?tz=UTC&columns=time=when,power=GPU0&gpus=8&gpu-name=NVIDIA%20A100&decimal=comma")
	f.Fuzz(func(t *testing.T, arg string) {
		cfg, err := parse(arg)
		if err == nil {
			_, err = cfg.complete()
		}
		if err != nil && !errors.Is(err, energy.ErrMalformed) {
			t.Fatal(err)
		}
	})
}
