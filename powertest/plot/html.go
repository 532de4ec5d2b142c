package plot

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	_ "embed" // of the page's parts
	"encoding/base64"
	"fmt"
	"html/template"
	"io"

	"github.com/joulebench/joulebench/internal/atomicfile"
	"github.com/joulebench/joulebench/internal/buildversion"
	"github.com/joulebench/joulebench/internal/terminal"
	"github.com/joulebench/joulebench/powertest/energy"
)

var (
	//go:embed page/page.html
	pageHTML string
	//go:embed page/page.css
	pageCSS string
	//go:embed page/page.js
	pageJS string

	pageTemplate = template.Must(template.New("page").Parse(pageHTML))
)

// shown is a page as the template has it: every text of others is cleaned of what would
// move others, and the template escapes it.
type shown struct {
	Title, Version, Policy string
	Style, Script          template.HTML
	Failures               []struct{ Name, Why string }
	Sections               []shownSection
}

type shownSection struct {
	ID, Name, From string
	Reasons        []shownReason
	Figures        []shownFigure
	Tables         []shownTable
	Notes          []string
}

type shownReason struct {
	Withheld bool
	Words    string
}

type shownFigure struct {
	Class, Title, Caption string
	Wide, Narrow, Data    template.HTML
}

type shownTable struct {
	Table
	Open bool
}

// element is a style or a script, and what a policy knows it by.
func element(tag, text string) (whole template.HTML, source string) {
	sum := sha256.Sum256([]byte(text))
	return template.HTML("<" + tag + ">" + text + "</" + tag + ">"), "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'" //nolint:gosec // it is our own
}

// WriteHTML writes the page as one HTML file: it loads nothing, and its policy forbids that
// it does. The error is that of the writer.
func (p *Page) WriteHTML(w io.Writer) error {
	style, styleSource := element("style", inkStyle()+pageCSS)
	script, scriptSource := element("script", pageJS)
	doc := shown{
		Title: terminal.Line(p.Title), Version: buildversion.Main(), Style: style, Script: script,
		Policy: fmt.Sprintf("default-src 'none'; style-src %s; script-src %s; base-uri 'none'; form-action 'none'", styleSource, scriptSource),
	}
	for _, f := range p.Failures {
		doc.Failures = append(doc.Failures, struct{ Name, Why string }{terminal.Line(f.Name), terminal.Text(f.Err.Error())})
	}
	figures := 0
	for i := range p.Sections {
		s := showSection(&p.Sections[i], &figures)
		s.ID = fmt.Sprintf("section-%d", i+1)
		doc.Sections = append(doc.Sections, s)
	}
	var b bytes.Buffer
	if err := pageTemplate.Execute(&b, doc); err != nil {
		return err
	}
	_, err := w.Write(b.Bytes())
	return err
}

// maxOpen is how many rows a table has that is shown at once.
const maxOpen = 60

func showSection(s *Section, figures *int) shownSection {
	to := shownSection{Name: cmp.Or(terminal.Line(s.Name), "measurement"), From: terminal.Line(s.From)}
	names := s.deviceNames()
	for _, c := range energy.Causes(s.Reasons) {
		words := c.Line(func(uuid string) string { return cmp.Or(names[uuid], uuid) })
		to.Reasons = append(to.Reasons, shownReason{c.Withholds(), terminal.Text(words)})
	}
	for _, f := range s.Figures {
		*figures++
		to.Figures = append(to.Figures, showFigure(f, fmt.Sprintf("f%d", *figures)))
	}
	for _, t := range s.Tables {
		clean := Table{Title: terminal.Line(t.Title), Columns: lines(t.Columns)}
		for _, row := range t.Rows {
			clean.Rows = append(clean.Rows, lines(row))
		}
		if len(clean.Rows) > 0 {
			to.Tables = append(to.Tables, shownTable{clean, len(clean.Rows) <= maxOpen})
		}
	}
	for _, n := range s.Notes {
		to.Notes = append(to.Notes, terminal.Text(n))
	}
	return to
}

// lines are texts of others, each of one line.
func lines(list []string) []string {
	clean := make([]string, len(list))
	for i, s := range list {
		clean[i] = terminal.Line(s)
	}
	return clean
}

// deviceNames are the names of the devices that the section draws, by UUID.
func (s *Section) deviceNames() map[string]string {
	names := map[string]string{}
	for _, f := range s.Figures {
		if p, ok := f.(*Power); ok {
			for _, x := range p.Series {
				names[x.Device] = x.Name
			}
		}
	}
	return names
}

// showFigure draws a figure: a wide one and, where it is another, a narrow one.
func showFigure(f Figure, id string) shownFigure {
	to := shownFigure{Class: "plain", Title: terminal.Line(f.Title())}
	wide, text := drawSVG(f, id+"w", false, ` class="wide"`, "")
	to.Wide = template.HTML(text) //nolint:gosec // our own, in which all text is escaped
	narrow := wide
	w, h := f.size(false)
	if nw, nh := f.size(true); nw != w || nh != h {
		narrow, text = drawSVG(f, id+"n", true, ` class="narrow"`, "")
		to.Narrow = template.HTML(text) //nolint:gosec // as above
		to.Class += " two"
	}
	if w < 600 {
		to.Class += " half"
	}
	if _, small := f.(*Comparison); !small { // of which there are many that look alike
		to.Caption = terminal.Line(f.Describe())
	}
	if p, ok := f.(*Power); ok {
		to.Class = "power two"
		to.Caption += p.tooManyTicks()
		to.Data = p.script(wide, narrow)
	}
	return to
}

// WriteFile writes the page to a file, which is there in full or stays as it was.
func (p *Page) WriteFile(path string) error { return atomicfile.Write(path, p.WriteHTML) }
