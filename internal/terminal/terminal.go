// Package terminal finds out what a stream can show.
package terminal

import (
	"io"
	"os"
)

// Is reports whether a stream is a terminal on which the cursor can be moved.
func Is(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok || os.Getenv("TERM") == "dumb" {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// Coloured reports whether text may have colours: on a terminal that knows them,
// unless NO_COLOR is set (https://no-color.org).
func Coloured(w io.Writer) bool { return Is(w) && os.Getenv("NO_COLOR") == "" }
