package main

import (
	"io"
	"os"
)

// isTerminal reports whether a stream is a terminal on which the cursor can be
// moved.
func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok || os.Getenv("TERM") == "dumb" {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// coloured reports whether text may have colours: on a terminal that knows them, if
// the user does not mind (https://no-color.org).
func coloured(w io.Writer) bool { return isTerminal(w) && os.Getenv("NO_COLOR") == "" }
