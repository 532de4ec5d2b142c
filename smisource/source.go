package smisource

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/joulebench/joulebench/internal/inputfile"
	"github.com/joulebench/joulebench/internal/sensors"
	"github.com/joulebench/joulebench/powertest/energy"
)

// oftenHint says what helps where readings are too far apart.
const oftenHint = "record more often, as with -lms 100, or allow longer gaps with -max-gap (gap= behind the path of the log)"

// errClosed is the error of what is asked of a closed source.
var errClosed = fmt.Errorf("smi: %w: the source is closed", fs.ErrClosed)

// Source is an [energy.HistorySource] on a log. It keeps 16 bytes of every reading.
type Source struct {
	cfg     Config
	info    energy.Info
	devices []energy.Device
	gpus    []int // of the log, by device
	// all says that every GPU of the log is wanted.
	all    bool
	absent []string // GPUs of a manifest that the log does not have
	closed atomic.Bool

	mu   sync.Mutex // guards what follows
	file follower
	log  *log
	// known is how many GPUs the log had when it was opened.
	known int
}

// Open reads a log: see [OpenContext].
func Open(cfg Config) (*Source, error) { return OpenContext(context.Background(), cfg) }

// OpenContext reads a log, which may still be written: it is read on when a window is
// measured. The GPUs are those that the log has by now.
//
// The error is an [Error] with a reason if it is about the log. It wraps
// [io/fs.ErrNotExist] if there is no such file, [ErrNotALog] if it cannot be
// understood, [energy.ErrNoDevice] if it has no readings or none of what is
// selected, and [energy.ErrMalformed] if the configuration cannot be right. It is that
// of ctx if this ends before the log is read.
func OpenContext(ctx context.Context, cfg Config) (*Source, error) {
	cfg, err := cfg.complete()
	if err != nil {
		return nil, err
	}
	s := &Source{cfg: cfg}
	if err := s.readWhole(ctx); err != nil {
		return nil, err
	}
	if err := s.check(); err != nil {
		return nil, err
	}
	if err := s.assign(); err != nil {
		return nil, err
	}
	if err := s.choose(); err != nil {
		return nil, err
	}
	s.known = len(s.log.gpus)
	s.info = energy.Info{Name: sourceName, Period: s.log.interval(s.gpus), Version: tool(s.log.main)}
	return s, nil
}

// readWhole reads the log from its start, and once more where it shows as a whole that
// numbers are written in another way than was assumed, or that another column of power
// tells more.
func (s *Source) readWhole(ctx context.Context) error {
	decimal, cover := s.cfg.Decimal == "comma", map[int]bool(nil)
	for {
		s.file, s.log = follower{path: s.cfg.Path}, newLog(s.cfg)
		s.log.decimal, s.log.cover = decimal, cover
		if err := s.read(ctx); err != nil {
			return err
		}
		if again, _ := s.log.commas.read(); again && !decimal && s.cfg.Decimal == "" {
			decimal = true
			continue
		}
		if cover != nil {
			return nil
		}
		if cover = s.log.covering(); len(cover) == 0 {
			return nil
		}
	}
}

// choose selects GPUs of the log, each once, in the order of the log.
func (s *Source) choose() error {
	var devices []energy.Device
	for k := range s.log.gpus {
		devices = append(devices, s.describe(k))
	}
	selectors, err := energy.Selectors(s.cfg.Devices...)
	if err != nil {
		return fmt.Errorf("smi: devices %q: %w", strings.Join(s.cfg.Devices, ","), err)
	}
	s.all = len(selectors) == 0
	var rest []string // all but names that are the log's own
	for _, sel := range selectors {
		s.all = s.all || strings.EqualFold(sel, "all")
		if at := s.log.called(sel); len(at) > 0 {
			s.gpus = append(s.gpus, at...)
		} else {
			rest = append(rest, sel)
		}
	}
	if s.all || len(rest) > 0 {
		at, err := energy.Select(devices, rest...)
		if err != nil {
			return fmt.Errorf("smi: %s: %w", s.cfg.Path, err)
		}
		s.gpus = append(s.gpus, at...)
	}
	slices.Sort(s.gpus)
	s.gpus = slices.Compact(s.gpus)
	for _, k := range s.gpus {
		s.devices = append(s.devices, devices[k])
	}
	markSlices(s.devices)
	return nil
}

// markSlices marks devices that are slices of a GPU: what a log has as their power is that
// of the whole GPU. Several of them may be of one, which must not be counted twice.
func markSlices(devices []energy.Device) {
	slice := func(d energy.Device) bool { return strings.HasPrefix(d.UUID, "MIG-") }
	first := slices.IndexFunc(devices, slice)
	for i := range devices {
		if d := &devices[i]; slice(*d) {
			d.Marks = []energy.Finding{{Reason: energy.MIGParentScope, Device: d.UUID, Withheld: slices.ContainsFunc(devices[first+1:], slice),
				Detail: "the power of a MIG instance is that of its whole GPU, which several of them share: select one by -devices"}}
		}
	}
}

// called returns the GPUs that the log calls so, if that is not a number: card0, a
// serial number, an address.
func (l *log) called(name string) (gpus []int) {
	for k, g := range l.gpus {
		if _, err := strconv.Atoi(g.id); err != nil && strings.EqualFold(g.id, name) {
			gpus = append(gpus, k)
		}
	}
	return gpus
}

// read reads what the file has got.
func (s *Source) read(ctx context.Context) error {
	err := s.file.read(ctx, s.log)
	if ctx.Err() != nil && err != nil {
		return fmt.Errorf("smi: %s: %w", s.cfg.Path, err)
	}
	if errors.Is(err, fs.ErrNotExist) {
		return &Error{Reason: TelemetryFileMissing, Path: s.cfg.Path, Err: err, Hint: "start the recording first, and give its path"}
	}
	if errors.Is(err, inputfile.ErrNotRegular) {
		return &Error{Reason: TelemetryFileUnreadable, Path: s.cfg.Path, Err: err, Hint: "write it to a file first, and give its path; one of gzip is read as it is"}
	}
	if err != nil {
		return &Error{Reason: TelemetryFileUnreadable, Path: s.cfg.Path, Err: err}
	}
	return nil
}

// tool returns what wrote a log, by its columns.
func tool(h *header) string {
	switch name, _ := plain(h.values[0].name); {
	case strings.HasPrefix(name, "power_draw"), h.dmon:
		return "nvidia-smi"
	case strings.Contains(name, "socket_power"), h.values[0].energy:
		return "amd-smi"
	}
	return ""
}

// describe returns GPU k of the log as a device.
func (s *Source) describe(k int) energy.Device {
	g := s.log.gpus[k]
	d := energy.Device{
		UUID: g.uuid, Index: g.index, Name: g.name, PCI: g.pci, Host: g.host, Role: g.role, PowerLimit: g.limit,
		Method: energy.Gauge, MaxGap: s.cfg.MaxGap, Period: s.log.interval([]int{k}),
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
		d.Hint = oftenHint
	}
	switch {
	case c.energy:
		d.Method, d.MaxGap = energy.Counter, 0
	default:
		reading := c.reading
		if g.covering {
			reading = sensors.NotInstant(reading, g.name)
		}
		d.Sensor = sensors.Of(reading, g.name)
	}
	return d
}

// Info describes the log. Period is the median time between two readings.
func (s *Source) Info() energy.Info { return s.info }

// Devices lists the GPUs that were selected, in the order of their first rows.
// One whose UUID the log does not have gets one made of the name of the file and
// its index: smi:gpu.csv:0.
func (s *Source) Devices() []energy.Device { return s.devices }

// Read fills in the newest reading of each GPU, with the time that the log gives
// it. It reads what the log has got, which allocates. A GPU without readings
// carries an error that wraps [energy.ErrNoDevice].
func (s *Source) Read(dst []energy.Reading) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var err error
	if s.closed.Load() {
		err = errClosed
	} else if len(dst) > 0 {
		err = s.read(context.Background())
	}
	now := time.Now()
	for k := range dst {
		r := &dst[k]
		*r = energy.Reading{Device: r.Device, Before: now, After: now, Err: err}
		if err == nil {
			s.readNewest(r, now)
		}
	}
}

func (s *Source) readNewest(r *energy.Reading, now time.Time) {
	if uint(r.Device) >= uint(len(s.devices)) {
		r.Err = fmt.Errorf("smi: %w: the reading's index is out of range", energy.ErrNoDevice)
		return
	}
	x, ok := s.log.gpus[s.gpus[r.Device]].newest()
	if !ok {
		r.Err = fmt.Errorf("smi: %w: the log has no reading of %s", energy.ErrNoDevice, s.devices[r.Device].UUID)
		return
	}
	*r = s.reading(r.Device, x)
	if r.After.After(now) {
		r.After = now
	}
	if r.Before.After(r.After) {
		r.Before = r.After
	}
}

// Close ends the use of the log.
func (s *Source) Close() error {
	s.closed.Store(true)
	return nil
}
