package ab

import (
	"bytes"
	"errors"
	"fmt"
)

const (
	// maxFree is how much of a benchmark's output is kept whatever it is, and maxKept
	// how much of the lines that readers of the benchmark format understand.
	maxFree, maxKept = 256 << 10, 16 << 20
	// maxLine is how much of one line is kept, which is what these readers can read.
	maxLine = 64 << 10
	// maxTail is how much of the end is kept for people.
	maxTail = 64 << 10
)

// errTooMuch says that what matters of an output does not fit.
var errTooMuch = fmt.Errorf("it has written more than %d MiB of results", maxKept>>20)

// leftOut stands where lines begin to be left out. To readers of the format it means
// nothing.
const leftOut = "# powertest ab: from here on only lines of the benchmark format are kept\n"

// An output keeps of what a benchmark writes what it is judged by, in bounded memory: a
// log of hundreds of megabytes between its results must not cost as much.
type output struct {
	kept    bytes.Buffer
	tail    tail
	line    []byte // the last one, which has no end yet
	less    bool   // lines are left out
	tooMuch bool
}

// Write takes in what comes next. It never fails: a benchmark that cannot write behaves
// otherwise.
func (o *output) Write(p []byte) (int, error) {
	o.tail.Write(p)
	for part := range bytes.Lines(p) {
		o.line = append(o.line, part[:min(len(part), maxLine-len(o.line))]...)
		if part[len(part)-1] != '\n' {
			break
		}
		o.line[len(o.line)-1] = '\n' // also if it was cut
		o.keep(o.line)
		o.line = o.line[:0]
	}
	return len(p), nil
}

// keep keeps a line if there is room for it, and it matters.
func (o *output) keep(line []byte) {
	n := o.kept.Len() + len(line)
	switch matters := formatted(line); {
	case !matters && o.less:
		return
	case !matters && n > maxFree:
		o.kept.WriteString(leftOut)
		o.less = true
		return
	case n > maxKept:
		o.tooMuch = true
		return
	}
	o.kept.Write(line)
}

// formatted reports whether a line is one of the benchmark format, or says how a run
// went.
func formatted(line []byte) bool {
	for _, begin := range []string{"Benchmark", "Unit", "PASS", "FAIL", "panic: ", "fatal error: "} {
		if bytes.HasPrefix(line, []byte(begin)) {
			return true
		}
	}
	if bytes.HasPrefix(bytes.TrimLeft(line, " \t"), []byte("--- ")) { // of a part of a benchmark
		return true
	}
	key, _, found := bytes.Cut(line, []byte(":"))
	return found && line[0] >= 'a' && line[0] <= 'z' && !bytes.ContainsAny(key, " \t")
}

// bytes is what was kept, with a last line that has no end. The error says that some of
// what matters is not in it.
func (o *output) bytes() ([]byte, error) {
	if len(o.line) > 0 {
		o.keep(o.line)
		o.line = nil
	}
	if o.tooMuch {
		return o.kept.Bytes(), errTooMuch
	}
	return o.kept.Bytes(), nil
}

// rest is the end of what was written, if that is not kept.
func (o *output) rest() []byte {
	if !o.less && !o.tooMuch {
		return nil
	}
	return o.tail.bytes()
}

// A tail is the end of what is written to it.
type tail struct{ text []byte }

func (t *tail) Write(p []byte) (int, error) {
	t.text = append(t.text, p[max(0, len(p)-maxTail):]...)
	if len(t.text) > 2*maxTail {
		t.text = t.text[:copy(t.text, t.bytes())]
	}
	return len(p), nil
}

func (t *tail) bytes() []byte { return t.text[max(0, len(t.text)-maxTail):] }

// errDaemon is what a benchmark has left behind.
var errDaemon = errors.New("the benchmark has ended, but a process that it has started keeps its output open, and may disturb the next samples\n" +
	"let the benchmark end that process, for instance in a Cleanup")
