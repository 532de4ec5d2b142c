package plot

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/joulebench/joulebench/internal/inputfile"
	"github.com/joulebench/joulebench/internal/progress"
	"github.com/joulebench/joulebench/internal/web"
	"github.com/joulebench/joulebench/powertest/energy"
	"github.com/joulebench/joulebench/powertest/gate"
)

// Options say how what is given is read.
type Options struct {
	// Title is that of the page; empty means one made of the names.
	Title string
	// Span is the time that is drawn of a source that knows the past, such as a Prometheus
	// server. A log is drawn whole if it is zero.
	Span energy.Span
	// Gate is how two benchmark files are compared.
	Gate gate.Config
}

// ErrNotDrawn says that there is nothing in a file that can be drawn.
var ErrNotDrawn = errors.New("it cannot be drawn")

// takes is what to do about ErrNotDrawn.
const takes = "plot takes traces (POWERTEST_TRACE=DIR), reports of meters, benchmark files, the JSON of gate and annotate, " +
	"logs of nvidia-smi and amd-smi, and sources that know the past, such as prometheus=URL"

// maxFile is the largest file that is read.
const maxFile = 1 << 30

// Read reads everything that is named: files, recognised by what is in them, and sources
// that know the past, as in POWERTEST_SOURCE, which must be linked in. Two benchmark files
// are compared, the first as the old one; another number of them are drawn each by itself.
// What can't be drawn is among the page's failures.
func Read(ctx context.Context, o Options, names ...string) *Page {
	page := &Page{Title: o.Title}
	var inputs, benchmarks []*input
	var titles []string
	line := progress.Of(ctx)
	defer line.Rest()
	for i, name := range names {
		in := &input{Options: o, name: name, path: name, label: base(name, names)}
		line.Part("reading "+count(len(names), "file"), float64(i)/float64(len(names)))
		in.open()
		titles = append(titles, in.label)
		if in.kind == Benchmarks {
			benchmarks = append(benchmarks, in)
		}
		inputs = append(inputs, in)
	}
	if page.Title == "" {
		page.Title = strings.Join(titles[:min(len(titles), 2)], ", ")
		if more := len(titles) - 2; more > 0 {
			page.Title += fmt.Sprintf(" and %d more", more)
		}
	}
	if page.refusePast(o.Span, inputs) {
		return page
	}
	for _, in := range inputs {
		line.Step("drawing "+in.label, 0)
		switch {
		case len(benchmarks) == 2 && in == benchmarks[0]:
			continue // with the other
		case len(benchmarks) == 2 && in == benchmarks[1]:
			in.compare(benchmarks[0])
		default:
			in.read(ctx)
		}
		if in.err != nil {
			page.Failures = append(page.Failures, Failure{in.name, in.err})
		}
		page.Sections = append(page.Sections, in.sections...)
	}
	return page
}

// ErrNoPast says that a time is to be drawn of what has no times that can be asked for.
var ErrNoPast = errors.New("a time to draw is given, and no source or log to draw it of")

// refusePast reports whether a span is given that would mean nothing, and says so.
func (p *Page) refusePast(span energy.Span, inputs []*input) bool {
	means := func(in *input) bool { return in.err != nil || in.kind == Source || in.kind == Log }
	if span == (energy.Span{}) || slices.ContainsFunc(inputs, means) {
		return false
	}
	p.Failures = append(p.Failures, Failure{"-last, -start and -end", ErrNoPast})
	return true
}

// base is what a file is called in figures: its own name, if no other is called so.
func base(name string, names []string) string {
	own := filepath.Base(name)
	for _, other := range names {
		if other != name && filepath.Base(other) == own {
			return name
		}
	}
	return own
}

// An input is something that was named.
type input struct {
	Options
	name  string // as it was given
	label string // what it is called in figures
	path  string // of the file
	kind  Kind
	opens string // the source, with its argument; of a log, only how it is read
	text  []byte // of the file, unless it is a log, which has a reader of its own
	// sections are what was made of it, and err is why there are none.
	sections []Section
	err      error
}

// open finds out what an input is, and reads the file.
func (in *input) open() {
	if source, _, found := strings.Cut(in.name, "="); found && slices.Contains(energy.Registered(), source) {
		in.kind, in.opens = Source, in.name
		in.name, in.label = source, source // its address may have a password
		return
	}
	if in.load(in.path); in.err == nil {
		return
	}
	err := in.err
	if side := gate.ParseSide(in.name); side.Path != in.path { // label=path
		if in.load(side.Path); in.err == nil {
			in.label = side.Label
			return
		}
	}
	if path, arguments, found := strings.Cut(in.name, "?"); found { // a log, with how to read it
		if in.load(path); in.err == nil {
			in.label, in.opens = filepath.Base(path), "?"+arguments
			return
		}
	}
	in.err = err
	if _, rest, _ := strings.Cut(in.name, "="); strings.Contains(in.name, "://") || strings.Contains(rest, "@") {
		shown := web.RedactSource(in.name) // a source that is misspelt: its address may have a password
		in.name, in.label = shown, shown
		in.err = fmt.Errorf("%s: there is no file and no source of that name\nsources are %s", shown, strings.Join(energy.Registered(), ", "))
	}
}

// sniffed is how much of a file is looked at to find out what it is.
const sniffed = 1 << 20

// load reads a file. Of a log only the beginning is read: it has a reader of its own.
func (in *input) load(path string) {
	var f *os.File
	if f, in.err = inputfile.Open(path); in.err != nil {
		return
	}
	defer f.Close()
	r, err := inputfile.Text(f, 1<<16)
	if err != nil {
		in.err = fmt.Errorf("read %s: %w", path, err)
		return
	}
	begin, err := io.ReadAll(io.LimitReader(r, sniffed))
	in.path, in.text, in.kind = path, begin, Sniff(begin)
	if in.kind == Log && !looksLikeJSON(begin) {
		return
	}
	if err == nil && len(begin) == sniffed {
		var rest []byte
		rest, err = io.ReadAll(io.LimitReader(r, maxFile+1-sniffed))
		in.text = append(begin, rest...)
		in.kind = Sniff(in.text)
	}
	switch {
	case err != nil:
		in.err = fmt.Errorf("read %s: %w", path, err)
	case len(in.text) > maxFile:
		in.err = fmt.Errorf("read %s: it has more than the %d bytes that are read at most", path, maxFile)
	}
}

// read makes sections of an input.
func (in *input) read(ctx context.Context) {
	if in.err != nil {
		return
	}
	switch in.kind {
	case Reports:
		in.reports()
	case Recording:
		in.recording()
	case Benchmarks:
		in.samples()
	case GateReport:
		in.gateReport()
	case Validation:
		in.validation()
	case Source:
		in.source(ctx, in.opens)
	case Log:
		in.source(ctx, "smi="+in.path+in.opens)
	default:
		in.err = fmt.Errorf("%w\n%s", ErrNotDrawn, takes)
	}
	for i := range in.sections {
		in.sections[i].From = in.name
	}
}

// reader reads the file again.
func (in *input) reader() *bytes.Reader { return bytes.NewReader(in.text) }
