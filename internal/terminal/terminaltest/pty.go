package terminaltest

import (
	"errors"
	"os"
	"testing"
	"time"

	"github.com/creack/pty"
)

// Pty returns a terminal of so many columns, and a function that returns what has been
// written to it since it was called before. At most some kilobytes may be written between.
// A system without pseudo-terminals skips the test.
func Pty(t testing.TB, columns int) (tty *os.File, written func() string) {
	t.Helper()
	master, tty, err := pty.Open()
	if errors.Is(err, pty.ErrUnsupported) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = tty.Close()
		_ = master.Close()
	})
	if err := pty.Setsize(master, &pty.Winsize{Rows: 24, Cols: uint16(columns)}); err != nil {
		t.Fatal(err)
	}
	return tty, func() string {
		// What marks the end has come after all that was written before.
		const mark = "\x00"
		if _, err := tty.WriteString(mark); err != nil {
			t.Fatal(err)
		}
		var all []byte
		buffer := make([]byte, 4096)
		for len(all) == 0 || all[len(all)-1] != mark[0] {
			_ = master.SetReadDeadline(time.Now().Add(time.Minute))
			n, err := master.Read(buffer)
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, buffer[:n]...)
		}
		return string(all[:len(all)-1])
	}
}
