package powertest

import (
	"fmt"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"
	"sync"
	"testing"
)

// A mistake is a call that the compiler takes and that does not do what it seems to. It
// costs the benchmark no number that it would have otherwise, and is logged, in one line,
// once in the process, at the user's line.

// callerLine is the line, such as "x_test.go:12", of the caller of a function, or of what
// is that many frames above it.
func callerLine(above int) string {
	_, file, n, ok := runtime.Caller(above + 2)
	if !ok {
		return "unknown line"
	}
	return fmt.Sprintf("%s:%d", filepath.Base(file), n)
}

// mistake logs one of the benchmark's, made at a line.
func (b *B) mistake(line, format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	key := "mistake " + line + text
	if b.Name() == "" {
		b.say(key, "%s: %s", line, text)
		return
	}
	if _, dup := process.logged.LoadOrStore(key, true); dup {
		return
	}
	if b.stage.Load() == stageOver && !inCleanup() {
		process.late.add(line, message("%s", text))
		return
	}
	b.logAt(line, message("%s", text))
}

// inCleanup reports whether the caller is called by a cleanup of a test: then the log is
// still taken.
func inCleanup() bool {
	var pcs [64]uintptr
	frames := runtime.CallersFrames(pcs[:runtime.Callers(2, pcs[:])])
	for more := true; more; {
		var f runtime.Frame
		if f, more = frames.Next(); strings.HasPrefix(f.Function, "testing.(*common).runCleanup") {
			return true
		}
	}
	return false
}

// lateMistakes are those of benchmarks that are over, of which the log is not taken any
// more: the next benchmark logs them.
type lateMistakes struct {
	mu   sync.Mutex
	list [][2]string // line and text
}

func (l *lateMistakes) add(line, text string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.list = append(l.list, [2]string{line, text})
}

// log logs what there is through a benchmark that is under way.
func (l *lateMistakes) log(b *B) {
	if b.Name() == "" {
		return // it has no log
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, m := range l.list {
		b.logAt(m[0], m[1])
	}
	l.list = nil
}

// The stages of a benchmark. Calls that count or measure something have a meaning in the
// first one only.
const (
	stageMeasured = iota
	stageParent   // it has sub-benchmarks, and is not measured itself
	stageChild    // one of them runs
	stageOver     // its function has returned
)

// misplaced logs a call of the user's that does nothing, since the benchmark is not
// measured any more.
func (b *B) misplaced(call string) {
	line := callerLine(1)
	switch b.stage.Load() {
	case stageParent, stageChild:
		b.mistake(line, "%s on a benchmark that has sub-benchmarks does nothing, since it is not measured: call it on the B that Run's function gets", call)
	case stageOver:
		b.mistake(line, "%s after the end of the benchmark %s does nothing", call, b.Name())
	}
}

// refused logs a count that can be none.
func (b *B) refused(call, unknown string) {
	b.mistake(callerLine(1), "%s is refused, since a count is not negative and a sum below 2^63: %s are unknown", call, unknown)
}

// mistakes says which options contradict one another.
func (c config) mistakes() (list []string) {
	for _, option := range c.twice {
		list = append(list, fmt.Sprintf("the option %s is given twice: only the last one counts", option))
	}
	if len(c.sources) > 0 && c.fallback != nil {
		list = append(list, "the option Fallback does nothing beside From, which is always measured")
	}
	return list
}

// phaseMistakes logs phases that were not ended.
func (b *B) phaseMistakes() {
	for _, p := range b.line.unended() {
		b.mistake(p.line, "the phase %q was never ended (%s): it lasts until the end of the benchmark, so call what Phase returns%s", p.name, p.uses(), b.line.twice())
	}
}

// hasSubs reports whether a benchmark has run sub-benchmarks, or is there for their sake
// only: testing then has no result of it. It has no call that says so. Where its field is
// another one some day nothing is reported, and a test fails.
func hasSubs(tb *testing.B) bool {
	field := reflect.ValueOf(tb).Elem().FieldByName("hasSub")
	if !field.IsValid() || field.Kind() != reflect.Struct {
		return false
	}
	v := field.FieldByName("v")
	return v.IsValid() && v.CanUint() && v.Uint() != 0
}
