package plot

import (
	"flag"
	"fmt"
)

// A PageFlag is the flag -plot of commands that do something else, and draw it as well.
type PageFlag struct{ path string }

// Register defines the flag in a set. what is what the page shows.
func (g *PageFlag) Register(f *flag.FlagSet, what string) {
	f.StringVar(&g.path, "plot", "", "`file` for a page that draws "+what)
}

// Path is where the page goes; empty if none was asked for.
func (g *PageFlag) Path() string { return g.path }

// Write writes the page, if one was asked for. The error names the file.
func (g *PageFlag) Write(title string, sections ...Section) error {
	if g.path == "" {
		return nil
	}
	if err := (&Page{Title: title, Sections: sections}).WriteFile(g.path); err != nil {
		return fmt.Errorf("-plot: %w", err)
	}
	return nil
}
