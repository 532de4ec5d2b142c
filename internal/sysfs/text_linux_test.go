package sysfs

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestHostileText: what files say is printed, and names files to open: only lines that can
// be are taken, and nothing is waited for.
func TestHostileText(t *testing.T) {
	dir := t.TempDir()
	for text, want := range map[string]string{
		"AMD Instinct MI300X OAM\n": "AMD Instinct MI300X OAM",
		"\x1b[31mred":               "",
		"two\nlines":                "",
		"\xff\xfe":                  "",
		strings.Repeat("x", 5000):   "",
		strings.Repeat("x", 129):    "",
		"":                          "",
	} {
		path := filepath.Join(dir, "name")
		require.NoError(t, os.WriteFile(path, []byte(text), 0o644))
		assert.Equal(t, want, Text(path), "%q", text)
	}
	pipe := filepath.Join(dir, "pipe")
	if err := syscall.Mkfifo(pipe, 0o644); err == nil {
		assert.Empty(t, Text(pipe))
		_, err := Number(pipe)
		assert.Error(t, err)
	}
	for text, want := range map[string]float64{"750000000\n": 750, "0\n": 0, "-1\n": 0, "18446744073709551615\n": 0, "watts": 0} {
		path := filepath.Join(dir, "power1_cap")
		require.NoError(t, os.WriteFile(path, []byte(text), 0o644))
		assert.Equal(t, want, Watts(path), text)
	}
}
