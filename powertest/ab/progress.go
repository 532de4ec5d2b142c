package ab

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/joulebench/joulebench/internal/terminal"
)

// A progress writes what runs, how many samples are left, and how long they will
// take: on a terminal in one line that changes, elsewhere in a line each.
type progress struct {
	w        io.Writer
	terminal bool
	open     bool // the line that changes is there

	taken int
	times map[string]timing // by package
}

// A timing is how long some samples took, with the time to rest before them.
type timing struct {
	n   int
	sum time.Duration
}

func newProgress(w io.Writer) *progress {
	return &progress{w: w, terminal: terminal.Is(w), times: map[string]timing{}}
}

// say writes a line that stays. Names in it are only text.
func (p *progress) say(format string, args ...any) {
	if p.open {
		fmt.Fprint(p.w, "\r\x1b[K")
		p.open = false
	}
	fmt.Fprintln(p.w, terminal.Text(fmt.Sprintf(format, args...)))
}

const (
	tailLines = 20
	tailBytes = 8 << 10
)

// tail writes the last lines of what a sample has written. Each is marked, so that
// none is taken for a line of ab's own, or for a command to GitHub Actions.
func (p *progress) tail(output []byte) {
	output = output[max(0, len(output)-tailBytes):]
	lines := strings.FieldsFunc(string(output), func(r rune) bool { return r == '\n' || r == '\r' })
	for _, line := range lines[max(0, len(lines)-tailLines):] {
		p.say("  | %s", line)
	}
}

// begins says that a sample begins. left is how many samples there are of each
// package, with it.
func (p *progress) begins(side Side, name string, left map[string]int) {
	n := 0
	for _, k := range left {
		n += k
	}
	line := fmt.Sprintf("%d of %d: %s, %s", p.taken+1, p.taken+n, side, terminal.Line(name))
	if d, known := p.estimate(left); known {
		line += fmt.Sprintf(", about %v to go", d.Round(time.Second))
	}
	if !p.terminal {
		p.say("%s", line)
		return
	}
	fmt.Fprintf(p.w, "\r\x1b[K%s", line)
	p.open = true
}

// took notes how long a sample took.
func (p *progress) took(name string, d time.Duration) {
	t := p.times[name]
	p.times[name] = timing{t.n + 1, t.sum + d}
	p.taken++
}

// estimate is how long as many samples of the packages will take, if any was taken:
// each as long as those of its package so far, or else as all.
func (p *progress) estimate(left map[string]int) (d time.Duration, known bool) {
	var all timing
	for _, t := range p.times {
		all = timing{all.n + t.n, all.sum + t.sum}
	}
	if all.n == 0 {
		return 0, false
	}
	for name, n := range left {
		t := p.times[name]
		if t.n == 0 {
			t = all
		}
		d += time.Duration(n) * t.sum / time.Duration(t.n)
	}
	return d, true
}

// close ends the line that changes.
func (p *progress) close() {
	if p.open {
		fmt.Fprintln(p.w)
		p.open = false
	}
}
