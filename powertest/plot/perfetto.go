package plot

import (
	"bufio"
	"cmp"
	"encoding/json"
	"errors"
	"io"
	"slices"
	"time"

	"github.com/joulebench/joulebench/internal/atomicfile"
	"github.com/joulebench/joulebench/internal/buildversion"
)

// ErrNoPower says that a page has no power over time, of which alone a trace can be made.
var ErrNoPower = errors.New("there is no power over time to make a trace of")

// WritePerfetto writes the power of the page as a trace in Chrome's format, which
// ui.perfetto.dev opens: a process for each figure, with a counter in watts for each device
// and one for their sum, and slices for windows, phases and times of trouble. All processes
// are on one clock, in microseconds from the earliest of them. A counter has no way to be
// absent: where a power is not known, it keeps its last value, and a slice "not known" lies
// over the time.
//
// The error is [ErrNoPower], or that of the writer. The format is that of "Trace Event
// Format" by the Chromium project.
func (p *Page) WritePerfetto(w io.Writer) error {
	powers, files := p.powers()
	if len(powers) == 0 {
		return ErrNoPower
	}
	zero := powers[0].Start
	for _, f := range powers {
		from, _ := f.extent()
		if at := f.Start.Add(from); at.Before(zero) {
			zero = at
		}
	}
	out := bufio.NewWriter(w)
	head, err := json.Marshal(map[string]string{"powertest": buildversion.Main(), "ts 0": zero.Format(time.RFC3339Nano)})
	if err != nil {
		return err
	}
	out.WriteString(`{"displayTimeUnit":"ms","otherData":` + string(head) + `,"traceEvents":[`)
	t := trace{out: out, zero: zero}
	for i, f := range powers {
		t.power(i+1, files[i], f)
	}
	out.WriteString("\n]}\n")
	return errors.Join(t.err, out.Flush())
}

// WritePerfettoFile is [Page.WritePerfetto] to a file, which is there in full or stays as it
// was.
func (p *Page) WritePerfettoFile(path string) error { return atomicfile.Write(path, p.WritePerfetto) }

// powers are the figures of power over time, and the files that they are of.
func (p *Page) powers() (list []*Power, files []string) {
	for _, s := range p.Sections {
		for _, f := range s.Figures {
			if f, ok := f.(*Power); ok {
				list, files = append(list, f), append(files, s.From)
			}
		}
	}
	return list, files
}

// A trace writes events. The first error ends it.
type trace struct {
	out  *bufio.Writer
	zero time.Time
	some bool
	err  error
}

// A traceEvent is one of Chrome's format. Times are microseconds.
type traceEvent struct {
	Name  string         `json:"name"`
	Phase string         `json:"ph"`
	Cat   string         `json:"cat,omitempty"`
	At    float64        `json:"ts"`
	Long  *float64       `json:"dur,omitempty"`
	PID   int            `json:"pid"`
	TID   int            `json:"tid"`
	Args  map[string]any `json:"args,omitempty"`
}

func (t *trace) event(e traceEvent) {
	text, err := json.Marshal(e)
	if t.err == nil {
		t.err = err
	}
	if t.err != nil {
		return
	}
	if t.some {
		t.out.WriteByte(',')
	}
	t.some = true
	t.out.WriteByte('\n')
	_, t.err = t.out.Write(text)
}

// name names a process, or one of its threads.
func (t *trace) name(what string, pid, tid int, name string) {
	t.event(traceEvent{Name: what, Phase: "M", PID: pid, TID: tid, Args: map[string]any{"name": name}})
	if what == "thread_name" {
		t.event(traceEvent{Name: "thread_sort_index", Phase: "M", PID: pid, TID: tid, Args: map[string]any{"sort_index": tid}})
	}
}

// power writes a figure, which is of a file, as a process.
func (t *trace) power(pid int, file string, p *Power) {
	shift := p.Start.Sub(t.zero)
	name := p.Name
	if file != "" && file != name {
		name += ", " + file // of several samples of one benchmark
	}
	t.name("process_name", pid, 0, name)
	tid := t.bands(pid, p, shift)
	for _, s := range p.all() {
		t.counter(pid, s, shift)
		if unknown := s.unknown(); len(unknown) > 0 {
			tid++
			t.name("thread_name", pid, tid, s.Name+": not known")
			for _, gap := range unknown {
				t.slice(pid, tid, "not known", "gap", gap[0]+shift, gap[1]+shift, nil)
			}
		}
	}
}

// bands writes windows, phases and troubles, and returns the last thread that it used.
// Slices of one thread must not overlap: each kind has as many threads as it needs.
func (t *trace) bands(pid int, p *Power, shift time.Duration) (tid int) {
	labels := p.labels()
	for _, kind := range []BandKind{Window, Phase, Trouble} {
		var bands []Band
		for i, b := range p.Bands {
			if b.Kind == kind {
				b.Label = labels[i]
				bands = append(bands, b)
			}
		}
		slices.SortStableFunc(bands, func(a, b Band) int { return cmp.Compare(a.From.At, b.From.At) })
		var ends []time.Duration // of the threads of this kind
		for _, b := range bands {
			k := slices.IndexFunc(ends, func(end time.Duration) bool { return end <= b.From.At })
			if k < 0 {
				k = len(ends)
				ends = append(ends, 0)
				t.name("thread_name", pid, tid+k+1, string(kind)+"s")
			}
			ends[k] = b.To.At
			args := map[string]any{"withheld": b.Withheld}
			if b.Label != "" {
				args["energy"] = b.Label
			}
			if b.Device != "" {
				args["device"] = b.Device
			}
			t.slice(pid, tid+k+1, b.Name, string(kind), b.From.At+shift, b.To.At+shift, args)
		}
		tid += len(ends)
	}
	return tid
}

func (t *trace) slice(pid, tid int, name, cat string, from, to time.Duration, args map[string]any) {
	long := micro(to - from)
	t.event(traceEvent{Name: name, Phase: "X", Cat: cat, At: micro(from), Long: &long, PID: pid, TID: tid, Args: args})
}

// counter writes the power of a series.
func (t *trace) counter(pid int, s Series, shift time.Duration) {
	for i, p := range s.Points {
		// A step lasts to the point after it, which where nothing follows ends it.
		if p.known() && (i == 0 || s.Points[i-1].Watts != p.Watts || !s.Step) {
			t.event(traceEvent{Name: s.Name, Phase: "C", At: micro(p.At + shift), PID: pid, Args: map[string]any{"W": p.Watts}})
		}
	}
}

// unknown are the times between points over which the power is not known.
func (s Series) unknown() (gaps [][2]time.Duration) {
	for i, p := range s.Points {
		if !p.known() && i+1 < len(s.Points) && s.Points[i+1].At > p.At {
			gaps = append(gaps, [2]time.Duration{p.At, s.Points[i+1].At})
		}
	}
	return gaps
}

// micro is a time as the format has it.
func micro(d time.Duration) float64 { return float64(d) / 1e3 }
