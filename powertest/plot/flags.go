package plot

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/joulebench/joulebench/internal/atomicfile"
	"github.com/joulebench/joulebench/internal/command"
	"github.com/joulebench/joulebench/powertest/gate"
)

// Flags are the flags of "powertest plot": what is drawn, and where to. Register them, parse
// the arguments, and then:
//
//	options, err := flags.Options(files)
//	page := plot.Read(ctx, options, files...)
//	written, err := flags.Write(page)
type Flags struct {
	options                  Options
	page, svg, png, perfetto string
	last                     time.Duration
}

// Register defines the flags in a set.
func (g *Flags) Register(f *flag.FlagSet) {
	f.StringVar(&g.page, "o", "report.html", "`file` that the page is written to; empty means none")
	f.StringVar(&g.svg, "svg", "", "`directory`, made if need be, that each figure is written to as an SVG file")
	f.StringVar(&g.png, "png", "", "`directory`, made if need be, that each figure is written to as a PNG file")
	f.StringVar(&g.perfetto, "perfetto", "", "`file` for the power over time as a trace, which ui.perfetto.dev opens")
	f.StringVar(&g.options.Title, "title", "", "`text` at the top of the page; by default the names of the files")
	f.DurationVar(&g.last, "last", 0, "how `long` before -end the drawing begins, such as 1h")
	command.Time(f, &g.options.Span.Start, "start", "`time` when the drawing begins, such as 2026-11-25T10:00:00Z")
	command.Time(f, &g.options.Span.End, "end", "`time` when it ends; by default now")
}

// Options returns how files are to be read. The error says what is missing, or which flags
// contradict one another.
func (g *Flags) Options(files []string) (Options, error) {
	o := g.options
	switch {
	case len(files) == 0:
		return o, errors.New("what is to be drawn? give files")
	case g.page == "" && g.svg == "" && g.png == "" && g.perfetto == "":
		return o, errors.New("nothing is to be written: give -o, -svg, -png or -perfetto")
	case g.last < 0:
		return o, fmt.Errorf("-last=%v: it must be more than 0, such as 1h", g.last)
	case g.last > 0 && !o.Span.Start.IsZero():
		return o, errors.New("-start and -last both say when it begins: give one")
	}
	read := readPaths(files)
	if twice := atomicfile.Twice(append(read, g.page, g.perfetto), len(read)); twice != "" {
		return o, fmt.Errorf("%s would be read and overwritten, or written twice\ngive the page another name with -o, or the trace with -perfetto", twice)
	}
	if g.last == 0 && o.Span.Start.IsZero() && o.Span.End.IsZero() {
		return o, nil
	}
	if o.Span.End.IsZero() {
		o.Span.End = time.Now()
	}
	if g.last > 0 {
		o.Span.Start = o.Span.End.Add(-g.last)
	}
	if o.Span.Start.IsZero() || !o.Span.End.After(o.Span.Start) {
		return o, errors.New("the drawing must begin, by -start or -last, before it ends")
	}
	return o, nil
}

// readPaths are the paths that names may be of: a file by itself, LABEL=FILE, a source such as
// smi=FILE, and each with how it is read, FILE?tz=UTC.
func readPaths(names []string) (paths []string) {
	for _, name := range names {
		for _, path := range []string{name, gate.ParseSide(name).Path} {
			before, _, _ := strings.Cut(path, "?")
			paths = append(paths, path, before)
		}
	}
	return paths
}

// Write writes all that is asked for, and returns the paths.
func (g *Flags) Write(page *Page) (written []string, err error) {
	if g.page != "" {
		if err := page.WriteFile(g.page); err != nil {
			return nil, err
		}
		written = append(written, g.page)
	}
	if g.perfetto != "" {
		if err := page.WritePerfettoFile(g.perfetto); err != nil {
			return written, err
		}
		written = append(written, g.perfetto)
	}
	for _, kind := range []struct {
		dir, extension string
		write          func(io.Writer, Figure) error
	}{{g.svg, ".svg", WriteSVG}, {g.png, ".png", WritePNG}} {
		if kind.dir == "" {
			continue
		}
		if err := os.MkdirAll(kind.dir, 0o777); err != nil {
			return written, err
		}
		paths, err := page.WriteFigures(kind.dir, kind.extension, kind.write)
		written = append(written, paths...)
		if err != nil {
			return written, err
		}
	}
	return written, nil
}
