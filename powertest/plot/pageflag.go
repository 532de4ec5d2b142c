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

// Write writes the page that draw returns, if one was asked for: otherwise nothing is drawn.
// If draw returns nil nothing is written. The error names the file.
func (g *PageFlag) Write(draw func() *Page) error {
	if g.path == "" {
		return nil
	}
	page := draw()
	if page == nil {
		return nil
	}
	if err := page.WriteFile(g.path); err != nil {
		return fmt.Errorf("-plot: %w", err)
	}
	return nil
}
