package annotate

import (
	"bufio"
	"bytes"
	"fmt"
	"io"

	"github.com/joulebench/joulebench/powertest/energy"
)

// lines are the lines of a file that may be larger than the memory: each is read into the
// place of the one before.
type lines struct {
	r *bufio.Reader
	n int
}

// each calls a function with each line that is not empty, and stops at an error. The last
// line may be cut off, where the harness was killed: then note says so, and it does not
// count. Other lines that the function does not understand are findings.
func (l *lines) each(do func(line []byte) error) (note []string, found []energy.Finding) {
	for {
		line, err := l.r.ReadSlice('\n')
		l.n++
		whole := err == nil
		if err != nil && err != io.EOF {
			if err == bufio.ErrBufferFull {
				err = fmt.Errorf("it has more than %d bytes", maxLine)
			}
			return nil, finding(invalidBenchmarkResult, "line %d: %v", l.n, err)
		}
		if line = bytes.TrimSpace(line); len(line) > 0 {
			switch err := do(line); {
			case err != nil && !whole:
				return []string{fmt.Sprintf("line %d, the last, is cut off and does not count: was the harness killed?", l.n)}, nil
			case err != nil:
				return nil, finding(invalidBenchmarkResult, "line %d: %v", l.n, err)
			}
		}
		if !whole {
			return nil, nil
		}
	}
}
