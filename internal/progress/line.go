// Package progress shows on a terminal how far work has come that takes a while: in one
// line, with the time to go, which is cleared when the work is done.
//
// A command puts a [Line] into the context with [With], and whoever does the work says what
// it is with [Of], without knowing whether there is a terminal:
//
//	defer progress.Of(ctx).Rest()
//	progress.Of(ctx).Step("watching the counters", 5*time.Second)
package progress

import (
	"context"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"github.com/joulebench/joulebench/internal/terminal"
)

const (
	// patience is how long work goes on before anything is shown, and pace how often that
	// changes.
	patience = 2 * time.Second
	pace     = time.Second
)

// clear moves to the beginning of the line, and clears it.
const clear = "\r\x1b[K"

// A Line is the last line on a terminal while work goes on. A nil Line shows nothing, and
// all its methods may be called.
type Line struct {
	w     io.Writer
	width func() int

	mu    sync.Mutex
	what  string    // what is done; empty while nothing is
	since time.Time // when work began of which some is always done
	step  time.Time // when what is done began
	until time.Time // when it will be over; zero is not known
	shown bool
	row   bool          // others have begun a row, and not ended it
	end   chan struct{} // closed by Stop
	over  chan struct{} // closed when nothing is drawn any more
}

// New returns a line on a stream, and nil if that is no terminal whose cursor can be moved, or
// in a CI system, which says so by the variable CI.
func New(w io.Writer) *Line {
	if ci := os.Getenv("CI"); !terminal.Is(w) || ci != "" && ci != "false" {
		return nil
	}
	l := &Line{w: w, width: func() int { return terminal.Width(w) }, end: make(chan struct{}), over: make(chan struct{})}
	go l.draw()
	return l
}

// draw shows the line again and again.
func (l *Line) draw() {
	defer close(l.over)
	t := time.NewTicker(pace)
	defer t.Stop()
	for {
		select {
		case <-l.end:
			return
		case <-t.C:
			l.mu.Lock()
			l.show()
			l.mu.Unlock()
		}
	}
}

// show shows what is done, if that has gone on for long enough.
func (l *Line) show() {
	if l.what == "" || l.row || time.Since(l.since) < patience {
		return
	}
	text := terminal.Line(l.what) + ", " + l.remaining()
	// The last column stays empty: some terminals go to the next line there.
	if r := []rune(text); len(r) >= l.width() {
		text = string(r[:max(0, l.width()-2)]) + "…"
	}
	fmt.Fprint(l.w, clear+text)
	l.shown = true
}

// remaining says how long it will take, or else how long it has taken.
func (l *Line) remaining() string {
	if l.until.IsZero() {
		return time.Since(l.step).Truncate(time.Second).String() + " so far"
	}
	return "about " + max(time.Second, time.Until(l.until).Round(time.Second)).String() + " to go"
}

// Step says what is done now, in a few words that begin with a verb, and how long it will
// take; 0 means that this is not known. Names in it are only text.
func (l *Line) Step(what string, left time.Duration) {
	if l == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	if l.what == "" {
		l.since = now
	}
	if l.what != what {
		l.what, l.step = what, now
	}
	l.until = time.Time{}
	if left > 0 {
		l.until = now.Add(left)
	}
}

// Part says that a part of a step is done, from 0 to 1: the rest takes as long in proportion.
func (l *Line) Part(what string, part float64) {
	if l == nil {
		return
	}
	l.Step(what, 0)
	l.mu.Lock()
	defer l.mu.Unlock()
	if took := time.Since(l.step); part > 0 && took > 0 {
		l.until = time.Now().Add(time.Duration(float64(took) * (1 - min(part, 1)) / part))
	}
}

// Rest says that nothing is done until the next step, and clears the line.
func (l *Line) Rest() {
	if l == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.what = ""
	l.hide()
}

// hide clears the line.
func (l *Line) hide() {
	if l.shown {
		fmt.Fprint(l.w, clear)
		l.shown = false
	}
}

// Stop clears the line for good.
func (l *Line) Stop() {
	if l == nil {
		return
	}
	l.Rest()
	l.mu.Lock()
	select {
	case <-l.end:
	default:
		close(l.end)
	}
	l.mu.Unlock()
	<-l.over
}

// Writer returns a writer to w, which is the stream of the line, or ends on the same
// terminal: what it writes takes the place of the line. Without a line it is w.
func (l *Line) Writer(w io.Writer) io.Writer {
	if l == nil {
		return w
	}
	return writer{l, w}
}

type writer struct {
	l *Line
	w io.Writer
}

func (w writer) Write(p []byte) (int, error) {
	w.l.mu.Lock()
	defer w.l.mu.Unlock()
	w.l.hide()
	if len(p) > 0 {
		w.l.row = p[len(p)-1] != '\n'
	}
	return w.w.Write(p)
}

type key struct{}

// With returns a context that has a line.
func With(ctx context.Context, l *Line) context.Context { return context.WithValue(ctx, key{}, l) }

// Of returns the line of a context, and nil if it has none.
func Of(ctx context.Context) *Line {
	l, _ := ctx.Value(key{}).(*Line)
	return l
}
