// Package terminal finds out what a stream can show.
package terminal

import (
	"io"
	"os"

	"golang.org/x/term"
)

// Is reports whether a stream is a terminal on which the cursor can be moved.
func Is(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && os.Getenv("TERM") != "dumb" && term.IsTerminal(int(f.Fd()))
}

// Coloured reports whether text may have colours: on a terminal that knows them,
// unless NO_COLOR is set (https://no-color.org).
func Coloured(w io.Writer) bool { return Is(w) && os.Getenv("NO_COLOR") == "" }

// Width is how many columns a terminal has, and 80 where that is not known.
func Width(w io.Writer) int {
	const usual = 80
	f, ok := w.(*os.File)
	if !ok {
		return usual
	}
	if columns, _, err := term.GetSize(int(f.Fd())); err == nil && columns > 0 {
		return columns
	}
	return usual
}
