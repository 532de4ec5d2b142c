package sysfs

import (
	"errors"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/joulebench/joulebench/powertest/energy"
)

// TestFile: each read is of what the file has then, all of it, and of no more than is known.
func TestFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "power1_average")
	require.NoError(t, os.WriteFile(path, []byte("35000000\n"), 0o644))
	f, err := OpenNumber(path)
	require.NoError(t, err)
	n, err := f.Number()
	require.NoError(t, err)
	assert.Equal(t, uint64(35_000_000), n)
	for text, want := range map[string]error{
		"7":                      nil,
		"N/A\n":                  energy.ErrNoAnswer,
		"":                       energy.ErrNoAnswer,
		strings.Repeat("1", 99):  energy.ErrNoAnswer,
		"18446744073709551616\n": energy.ErrNoAnswer,
	} {
		require.NoError(t, os.WriteFile(path, []byte(text), 0o644))
		_, err := f.Number()
		if want == nil {
			assert.NoError(t, err, text)
		} else {
			assert.ErrorIs(t, err, want, text)
		}
	}
	require.NoError(t, f.Close())
	_, err = f.Number()
	assert.ErrorIs(t, err, fs.ErrClosed)
	_, err = OpenNumber(filepath.Join(t.TempDir(), "none"))
	assert.ErrorIs(t, err, fs.ErrNotExist)
	_, err = OpenNumber(t.TempDir())
	assert.Error(t, err, "a folder")
}

// TestFailures: what a driver answers in place of a value.
func TestFailures(t *testing.T) {
	for errno, want := range map[syscall.Errno]error{
		syscall.EPERM: energy.ErrNoAnswer, syscall.EBUSY: energy.ErrNoAnswer, syscall.EINVAL: energy.ErrNoAnswer, syscall.ENODATA: energy.ErrNoAnswer,
		syscall.ENODEV: energy.ErrDeviceLost, syscall.ENXIO: energy.ErrDeviceLost, syscall.EACCES: fs.ErrPermission, syscall.ENOMEM: syscall.ENOMEM,
	} {
		err := failure(&fs.PathError{Op: "read", Path: "gpu_metrics", Err: errno})
		assert.ErrorIs(t, err, want, errno.Error())
		assert.Equal(t, errno == syscall.EACCES, errors.Is(err, fs.ErrPermission), "%v: it is the device that cannot answer, not who asks", errno)
	}
}

// FuzzNumber: a number is read as strconv does, and nothing else is one.
func FuzzNumber(f *testing.F) {
	for _, s := range []string{"0\n", "18446744073709551615", "18446744073709551616", "-1", "+1", "1 ", "", "\n", "1_0", "00007\n", strconv.Itoa(math.MaxInt)} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got, ok := ParseNumber([]byte(s))
		want, err := strconv.ParseUint(strings.TrimSuffix(s, "\n"), 10, 64)
		if strings.HasPrefix(s, "+") { // which the kernel does not write
			ok, err = false, strconv.ErrSyntax
		}
		if ok != (err == nil) || ok && got != want {
			t.Errorf("%q: %d, %t, and %d, %v", s, got, ok, want, err)
		}
	})
}
