package atomicfile

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func text(s string) func(io.Writer) error {
	return func(w io.Writer) error {
		_, err := io.WriteString(w, s)
		return err
	}
}

func TestWrite(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a.json")
	require.NoError(t, Write(path, text("one")))
	require.NoError(t, os.Chmod(path, 0o600))
	require.NoError(t, Write(path, text("two")))
	assertFile(t, path, "two")
	if runtime.GOOS != "windows" {
		info, err := os.Stat(path)
		require.NoError(t, err)
		assert.Equal(t, os.FileMode(0o600), info.Mode().Perm())
	}
	assertAlone(t, dir)
}

// TestOldFileStays: whatever goes wrong, the old file is there in full, and
// nothing else is.
func TestOldFileStays(t *testing.T) {
	full := errors.New("no space left on device")
	dir := t.TempDir()
	path := filepath.Join(dir, "a.json")
	require.NoError(t, Write(path, text("old")))
	err := Write(path, func(w io.Writer) error {
		fmt.Fprintf(w, "%100000s", "half")
		return full
	})
	require.ErrorIs(t, err, full)
	assert.ErrorContains(t, err, "a.json, which stays as it was")
	assertFile(t, path, "old")
	assertAlone(t, dir)
}

func TestNoDirectory(t *testing.T) {
	require.ErrorIs(t, Write(filepath.Join(t.TempDir(), "none", "a"), text("x")), os.ErrNotExist)
}

func TestNotAFile(t *testing.T) {
	dir := t.TempDir()
	require.ErrorContains(t, Write(dir, text("x")), "not a regular file")
}

func TestLinkStays(t *testing.T) {
	dir := t.TempDir()
	path, link := filepath.Join(dir, "a"), filepath.Join(dir, "b")
	require.NoError(t, os.WriteFile(path, []byte("old"), 0o644))
	if err := os.Symlink("a", link); err != nil {
		t.Skip(err)
	}
	require.NoError(t, Write(link, text("new")))
	assertFile(t, path, "new")
	info, err := os.Lstat(link)
	require.NoError(t, err)
	assert.NotZero(t, info.Mode()&os.ModeSymlink, "it is no link any more")
}

func assertFile(t *testing.T, path, want string) {
	t.Helper()
	b, err := os.ReadFile(path)
	require.NoError(t, err)
	assert.Equal(t, want, string(b))
}

func assertAlone(t *testing.T, dir string) {
	t.Helper()
	list, err := os.ReadDir(dir)
	require.NoError(t, err)
	assert.Len(t, list, 1)
}

func TestName(t *testing.T) {
	assert.Equal(t, "BenchmarkServe_conc=64_m_-2.5_", Name("BenchmarkServe/conc=64/mä-2.5\x00"))
}

// TestLongName: long names that differ stay different, and fit.
func TestLongName(t *testing.T) {
	long := "BenchmarkServe/" + strings.Repeat("prompt=long/", 1000)
	one, two := Name(long+"1"), Name(long+"2")
	assert.NotEqual(t, one, two)
	assert.True(t, strings.HasPrefix(one, "BenchmarkServe_prompt=long_"))
	path := filepath.Join(t.TempDir(), one+"-128.4194304.1000000.json")
	require.NoError(t, os.WriteFile(path, nil, 0o600))
	assert.Equal(t, strings.Repeat("x", maxName), Name(strings.Repeat("x", maxName)), "as before")
}

// TestHostileCreate: what is there by that name, a link included, is not touched, and
// what a link points to is not made.
func TestHostileCreate(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a.json")
	require.NoError(t, Create(path, text("mine")))
	require.ErrorIs(t, Create(path, text("other")), fs.ErrExist)
	assertFile(t, path, "mine")
	assertAlone(t, dir)
	info, err := os.Stat(path)
	require.NoError(t, err)
	assert.True(t, info.Mode().IsRegular())
	for _, target := range []string{path, filepath.Join(dir, "none")} {
		link := filepath.Join(dir, "link")
		if err := os.Symlink(target, link); err != nil {
			t.Skip(err)
		}
		require.ErrorIs(t, Create(link, text("planted")), fs.ErrExist)
		require.NoError(t, os.Remove(link))
	}
	assertFile(t, path, "mine")
	assertAlone(t, dir)
	full := errors.New("no space left on device")
	require.ErrorIs(t, Create(filepath.Join(dir, "b"), func(io.Writer) error { return full }), full)
	assertAlone(t, dir)
}

// TestTwice: one file by two names, of which the second is written.
func TestTwice(t *testing.T) {
	assert.Empty(t, Twice([]string{"a", "./a", "-", "-", "", "", "b"}, 2))
	assert.Equal(t, "./a", Twice([]string{"a", "./a"}, 1))
	assert.Equal(t, "a", Twice([]string{"b", "a", "c", "a"}, 0))
}
