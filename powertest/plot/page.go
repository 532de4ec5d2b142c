package plot

import (
	"strings"

	"gonum.org/v1/plot/vg"

	"github.com/joulebench/joulebench/powertest/energy"
)

// A Page is what is drawn of everything that was given.
type Page struct {
	Title    string
	Sections []Section
	// Failures say what could not be drawn, and why.
	Failures []Failure
}

// A Section is what is drawn of one file, or of one value: figures, and the numbers.
type Section struct {
	// Name is what the section is about, such as the name of a benchmark.
	Name string
	// From is the file that it is of; empty if it is of none.
	From    string
	Figures []Figure
	Tables  []Table
	// Reasons are why numbers are withheld or marked.
	Reasons []energy.Finding
	// Notes say what is to be known besides: what intervals do not cover, that the devices
	// are simulated, what was thinned.
	Notes []string
}

// A Failure is a file that could not be drawn.
type Failure struct {
	Name string
	Err  error
}

// A Figure is what one picture shows: a *[Power], *[Comparison], *[Changes], *[Curve] or
// *[Parts].
type Figure interface {
	// Title names the figure, and Describe says in one or two sentences what is to be
	// seen in it, for who cannot see it.
	Title() string
	Describe() string

	// size is how large it is drawn, and draw draws it.
	size(narrow bool) (w, h vg.Length)
	draw(s *sheet)
}

// A Table is the numbers of a section as text.
type Table struct {
	Title   string
	Columns []string
	// Rows have as many cells as there are columns. A number has its unit in its cell or
	// in the column's name.
	Rows [][]string
}

// Error says which file could not be drawn, and why.
func (f Failure) Error() string {
	words := f.Err.Error()
	if strings.Contains(words, f.Name) {
		return words
	}
	return f.Name + ": " + words
}

// Unwrap returns why.
func (f Failure) Unwrap() error { return f.Err }
