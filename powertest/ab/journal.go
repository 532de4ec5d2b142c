package ab

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/joulebench/joulebench/internal/progress"
	"github.com/joulebench/joulebench/internal/terminal"
)

// A journal says what runs, how many samples are left, and how long they will take: on a
// terminal in the line of package progress, elsewhere in a line each, from which a log of CI
// shows how far it has come.
type journal struct {
	w    io.Writer      // the messages
	line *progress.Line // nil elsewhere than on a terminal

	taken int
	times map[string]timing // by package
}

// A timing is how long some samples took, with the time to rest before them.
type timing struct {
	n   int
	sum time.Duration
}

func newJournal(w io.Writer, line *progress.Line) *journal {
	return &journal{w: line.Writer(w), line: line, times: map[string]timing{}}
}

// say writes a line that stays. Names in it are only text.
func (j *journal) say(format string, args ...any) {
	fmt.Fprintln(j.w, terminal.Text(fmt.Sprintf(format, args...)))
}

const (
	tailLines = 20
	tailBytes = 8 << 10
)

// tail writes the last lines of what a sample has written. Each is marked, so that
// none is taken for a line of ab's own, or for a command to GitHub Actions.
func (j *journal) tail(output []byte) {
	output = output[max(0, len(output)-tailBytes):]
	lines := strings.FieldsFunc(string(output), func(r rune) bool { return r == '\n' || r == '\r' })
	for _, line := range lines[max(0, len(lines)-tailLines):] {
		j.say("  | %s", line)
	}
}

// begins says that a sample begins. left is how many samples there are of each
// package, with it.
func (j *journal) begins(side Side, name string, left map[string]int) {
	n := 0
	for _, k := range left {
		n += k
	}
	line := fmt.Sprintf("%d of %d: %s, %s", j.taken+1, j.taken+n, side, terminal.Line(name))
	d, known := j.estimate(left)
	if j.line != nil {
		j.line.Step(line, d)
		return
	}
	if known {
		line += fmt.Sprintf(", about %v to go", d.Round(time.Second))
	}
	j.say("%s", line)
}

// took notes how long a sample took.
func (j *journal) took(name string, d time.Duration) {
	t := j.times[name]
	j.times[name] = timing{t.n + 1, t.sum + d}
	j.taken++
}

// estimate is how long as many samples of the packages will take, if any was taken:
// each as long as those of its package so far, or else as all.
func (j *journal) estimate(left map[string]int) (d time.Duration, known bool) {
	var all timing
	for _, t := range j.times {
		all = timing{all.n + t.n, all.sum + t.sum}
	}
	if all.n == 0 {
		return 0, false
	}
	for name, n := range left {
		t := j.times[name]
		if t.n == 0 {
			t = all
		}
		d += time.Duration(n) * t.sum / time.Duration(t.n)
	}
	return d, true
}

// close clears the line.
func (j *journal) close() { j.line.Rest() }
