package smisource

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/joulebench/joulebench/powertest/energy"
)

// averageLag is how old the mean over the last second is, and averageWindow the
// shortest window that such means can measure.
const (
	averageLag    = time.Second / 2
	averageWindow = 5 * time.Second
)

// Source is an [energy.HistorySource] on a log. It keeps 16 bytes of every reading.
type Source struct {
	cfg     Config
	info    energy.Info
	devices []energy.Device
	gpus    []int // of the log, by device
	// all says that every GPU of the log is wanted.
	all    bool
	closed atomic.Bool

	mu   sync.Mutex // guards what follows
	file follower
	log  *log
	// known is how many GPUs the log had when it was opened.
	known int
}

// Open reads a log, which may still be written: it is read on when a window is
// measured. The GPUs are those that the log tells of by now.
//
// The error is an [Error] with a reason if it is about the log. It wraps
// [io/fs.ErrNotExist] if there is no such file, [ErrNotALog] if it cannot be
// understood, [energy.ErrNoDevice] if it has no readings or none of what is
// selected, and [energy.ErrMalformed] if the configuration cannot be right.
func Open(cfg Config) (*Source, error) {
	cfg, err := cfg.complete()
	if err != nil {
		return nil, err
	}
	s := &Source{cfg: cfg, log: newLog(cfg.Location, cfg.Offset, cfg.MaxGap)}
	s.file.path = cfg.Path
	if err := s.read(); err != nil {
		return nil, err
	}
	if err := s.check(); err != nil {
		return nil, err
	}
	if err := s.choose(); err != nil {
		return nil, err
	}
	s.known = len(s.log.gpus)
	s.info = energy.Info{Name: sourceName, Period: s.log.interval(s.gpus), Version: tool(s.log.main)}
	for i, k := range s.gpus {
		s.devices = append(s.devices, s.describe(i, s.log.gpus[k]))
	}
	return s, nil
}

func (s *Source) fail(reason energy.Reason, cause error, format string, args ...any) error {
	return &Error{Reason: reason, Path: s.cfg.Path, Detail: fmt.Sprintf(format, args...), Err: cause}
}

// read reads what the file has got.
func (s *Source) read() error {
	switch err := s.file.read(s.log); {
	case err == nil:
		return nil
	case errors.Is(err, fs.ErrNotExist):
		return s.fail(TelemetryFileMissing, err, "start the recording first, and give its path")
	default:
		return s.fail(TelemetryFileUnreadable, err, "it cannot be read")
	}
}

// check says what is wrong with the log as a whole.
func (s *Source) check() error {
	l := s.log
	if l.head == nil {
		return s.headless()
	}
	if missing := l.head.missing(); l.main == nil && len(missing) > 0 {
		return &Error{
			Reason: missing[0], Others: missing[1:], Path: s.cfg.Path, Err: ErrNotALog,
			Detail: fmt.Sprintf("the header is %q: record with %s", l.head.line, record),
		}
	}
	for _, g := range l.gpus {
		if len(g.samples) > 0 {
			return nil
		}
	}
	return s.unusable()
}

// record is how to record a log, for messages.
const record = "nvidia-smi --query-gpu=timestamp,index,uuid,power.draw --format=csv -lms 500"

func (s *Source) headless() error {
	l := s.log
	if len(s.file.rest) > 0 && l.first == nil {
		l.header(s.file.rest) // which has no end yet
		if l.head != nil {
			return s.check()
		}
	}
	if l.first == nil {
		return s.fail(TelemetryFileEmpty, energy.ErrNoDevice, "nothing was written to it yet")
	}
	e := &Error{Reason: TimestampColumnMissing, Others: []energy.Reason{PowerColumnMissing, GPUIdentityColumnMissing}, Path: s.cfg.Path, Err: ErrNotALog}
	row, _ := cells(nil, slices.Clone(l.first), ',')
	_, data := parseStamp(row[0])
	switch {
	case data:
		e.Detail = fmt.Sprintf("it begins with readings and has no header: record with --format=csv, without noheader, or put the names of its columns above %q", l.first)
	case slices.Contains(l.first, 0):
		e.Reason, e.Others = TelemetryFileUnreadable, nil
		e.Detail = "it is not a text"
	default:
		e.Detail = fmt.Sprintf("no line is a header, the first is %q: record with %s", l.first, record)
	}
	return e
}

// tool returns what wrote a log, by its columns.
func tool(h *header) string {
	switch name, _ := plain(h.values[0].name); {
	case strings.HasPrefix(name, "power_draw"):
		return "nvidia-smi"
	case strings.Contains(name, "socket_power"), h.values[0].energy:
		return "amd-smi"
	}
	return ""
}

// describe returns the device that a GPU of the log is.
func (s *Source) describe(i int, g *gpu) energy.Device {
	d := energy.Device{
		UUID: g.uuid, Index: g.index, Name: g.name, PCI: g.pci, PowerLimit: g.limit,
		Method: energy.Gauge, MaxGap: s.cfg.MaxGap, Period: s.log.interval(s.gpus[i : i+1]),
	}
	if d.UUID == "" {
		d.UUID = fmt.Sprintf("smi:%s:%s", filepath.Base(s.cfg.Path), g.id)
	}
	c := s.log.main.values[0]
	if g.first != nil {
		c = *g.first
	}
	d.Metric = "column " + c.name
	if tool(s.log.main) == "nvidia-smi" {
		d.Hint = "record more often, as with -lms 100"
	}
	switch {
	case c.energy:
		d.Method, d.MaxGap = energy.Counter, 0
	case c.averaged:
		d.Lag, d.MinWindow = averageLag, averageWindow
		d.Metric += ", mean of a second"
	}
	return d
}

// Info describes the log. Period is the median time between two readings.
func (s *Source) Info() energy.Info { return s.info }

// Devices lists the GPUs that were selected, in the order of their first rows.
// One whose UUID the log does not tell has one made of the name of the file and
// its index: smi:gpu.csv:0.
func (s *Source) Devices() []energy.Device { return s.devices }

// Close ends the use of the log.
func (s *Source) Close() error {
	s.closed.Store(true)
	return nil
}
