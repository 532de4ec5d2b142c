package plot

import (
	"cmp"
	"fmt"
	"image/color"
	"io"
	"path/filepath"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"

	"github.com/joulebench/joulebench/internal/atomicfile"
)

// drawSVG draws a figure as an SVG element with a name of its own. head is what is in it
// before the drawing.
func drawSVG(f Figure, id string, narrow bool, attributes, head string) (*sheet, []byte) {
	w, h := f.size(narrow)
	c := newSVG(h)
	fmt.Fprintf(c, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %.0f %.0f" role="img" aria-labelledby="%s-t %[3]s-d"%s>`+"\n", w.Points(), h.Points(), id, attributes)
	fmt.Fprintf(c, "<title id=\"%s-t\">%s</title><desc id=\"%[1]s-d\">%[3]s</desc>\n%[4]s", id, escape(f.Title()), escape(f.Describe()), head)
	s := &sheet{Canvas: draw.NewCanvas(c, w, h), svg: c, id: id, narrow: narrow}
	f.draw(s)
	c.WriteString("</svg>\n")
	return s, c.Bytes()
}

// WriteSVG writes a figure as an SVG file, which is light or dark as its surroundings are.
// The error is that of the writer.
func WriteSVG(w io.Writer, f Figure) error {
	width, height := f.size(false)
	style := fmt.Sprintf("<style>%s</style><rect class=\"f paper\" width=\"100%%\" height=\"100%%\"/>\n", inkStyle())
	_, text := drawSVG(f, "plot", false, fmt.Sprintf(` width="%.0f" height="%.0f"`, width.Points(), height.Points()), style)
	_, err := w.Write(text)
	return err
}

// WritePNG writes a figure as a PNG file. The error is that of the writer.
func WritePNG(w io.Writer, f Figure) error {
	width, height := f.size(false)
	c := vgimg.NewWith(vgimg.UseWH(width, height), vgimg.UseDPI(144), vgimg.UseBackgroundColor(color.White))
	f.draw(&sheet{Canvas: draw.NewCanvas(c, width, height), id: "plot"})
	_, err := vgimg.PngCanvas{Canvas: c}.WriteTo(w)
	return err
}

// WriteFigures writes each figure of the page to a file of its own in a folder that is
// there, named by its place and its title, by write, such as [WriteSVG], and returns their
// paths. A file is there in full, or stays as it was.
func (p *Page) WriteFigures(dir, extension string, write func(io.Writer, Figure) error) (paths []string, err error) {
	for _, s := range p.Sections {
		for _, f := range s.Figures {
			name := fmt.Sprintf("%02d-%s%s", len(paths)+1, cmp.Or(atomicfile.Name(f.Title()), "figure"), extension)
			path := filepath.Join(dir, name)
			if err := atomicfile.Write(path, func(w io.Writer) error { return write(w, f) }); err != nil {
				return paths, err
			}
			paths = append(paths, path)
		}
	}
	return paths, nil
}

var _ vg.Canvas = (*svg)(nil)
