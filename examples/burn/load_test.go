//go:build linux && cgo

package burn

import (
	"bufio"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

var (
	burnFlag = flag.String("burn", "", "the program that burn.cu makes; without it nothing is tested")
	outFlag  = flag.String("out", "", "directory to write what was seen to")
	kindFlag = flag.String("kind", "mma", "the work of windows: mma, fma or mem")
)

// load is a burn program that waits for orders.
type load struct {
	in    io.WriteCloser
	out   *bufio.Reader
	piece map[string]time.Duration // how long one takes
}

// edges are when some work began and ended.
type edges struct{ begin, end time.Time }

func (e edges) length() time.Duration { return e.end.Sub(e.begin) }

// need passes a test over where there is no burn program.
func need(t *testing.T) {
	t.Helper()
	if *burnFlag == "" {
		t.Skip("needs a CUDA GPU, and -burn")
	}
}

// start starts the program, and ends it with the test.
func start(t testing.TB) *load {
	t.Helper()
	cmd := exec.Command(*burnFlag, "serve")
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	require.NoError(t, err)
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		in.Close()
		_ = cmd.Wait()
	})
	l := &load{in: in, out: bufio.NewReader(out), piece: map[string]time.Duration{}}
	l.run(t, "fma", 1) // the program is ready
	return l
}

// run does n pieces of work, one after another, and returns when they are done.
func (l *load) run(t testing.TB, kind string, n int) edges { return l.repeat(t, kind, n, 0, 1) }

// repeat does n pieces of work, and waits, several times.
func (l *load) repeat(t testing.TB, kind string, n int, idle time.Duration, times int) edges {
	t.Helper()
	_, err := fmt.Fprintln(l.in, kind, n, idle.Microseconds(), times)
	require.NoError(t, err)
	var begin, end int64
	_, err = fmt.Fscan(l.out, &begin, &end)
	require.NoError(t, err)
	return edges{time.Unix(0, begin), time.Unix(0, end)}
}

// pieces returns how many of them take about as long, when the GPU is warm.
func (l *load) pieces(t testing.TB, kind string, d time.Duration) int {
	t.Helper()
	if l.piece[kind] == 0 {
		const n = 300
		l.run(t, kind, n)
		l.piece[kind] = l.run(t, kind, n).length() / n
		t.Logf("a piece of %s takes %v", kind, l.piece[kind])
	}
	return max(1, int((d+l.piece[kind]/2)/l.piece[kind]))
}

// create makes a file under -out, or nowhere.
func create(t *testing.T, name string) io.Writer {
	t.Helper()
	if *outFlag == "" {
		return io.Discard
	}
	f, err := os.Create(filepath.Join(*outFlag, name))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, f.Close()) })
	return f
}
