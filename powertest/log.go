package powertest

import "sync"

// said are the messages that this process has logged.
var said sync.Map

// logOnce logs a message through the benchmark, unless one with the key was
// logged before: a benchmark runs many rounds, and testing prints ten lines of
// its log at most. It never prints, since that would break the result line
// that testing has begun. testing.Benchmark throws its log away (such a
// benchmark has no name), so what was said there does not count.
func (b *B) logOnce(key, format string, args ...any) {
	b.Helper()
	if b.Name() != "" {
		if _, dup := said.LoadOrStore(key, true); dup {
			return
		}
	}
	b.Logf("powertest: "+format, args...)
}
