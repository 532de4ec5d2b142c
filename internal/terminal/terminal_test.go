package terminal

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestColoured(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("the null device stands for a terminal: both are character devices")
	}
	device, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	require.NoError(t, err)
	defer device.Close()
	file, err := os.Create(filepath.Join(t.TempDir(), "out"))
	require.NoError(t, err)
	defer file.Close()
	check := func(want bool, w io.Writer, noColor, term string) {
		t.Helper()
		t.Setenv("NO_COLOR", noColor)
		t.Setenv("TERM", term)
		assert.Equal(t, want, Coloured(w))
	}
	check(true, device, "", "xterm")
	check(false, device, "1", "xterm")
	check(false, device, "", "dumb")
	check(false, file, "", "xterm")
	check(false, new(bytes.Buffer), "", "xterm")
}
