package filelock

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestHold: one holds a file, the others learn who, and what was left behind is taken
// over.
func TestHold(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	_, _, abandoned := Abandoned(path)
	assert.False(t, abandoned, "it is not there")
	left, release, err := Hold(path, "one")
	assert.Empty(t, left)
	require.NoError(t, err)
	_, _, err = Hold(path, "two")
	var held *HeldError
	require.True(t, errors.As(err, &held))
	assert.Equal(t, HeldError{path, "one"}, *held)
	_, _, abandoned = Abandoned(path)
	assert.False(t, abandoned)
	release()
	assert.NoFileExists(t, path)

	require.NoError(t, os.WriteFile(path, []byte("of a process that was killed, with a long name"), 0o600))
	left, look, abandoned := Abandoned(path)
	require.True(t, abandoned)
	assert.Equal(t, "of a process that was killed, with a long name", left)
	_, _, err = Hold(path, "three")
	require.True(t, errors.As(err, &held), "while it is looked at")
	look()
	left, release, err = Hold(path, "three")
	assert.Equal(t, "of a process that was killed, with a long name", left)
	require.NoError(t, err)
	_, _, err = Hold(path, "four")
	require.ErrorContains(t, err, "is held by three")
	release()
}

// TestHostileLocks: what is there by that name and is no file is not waited for, followed
// or changed.
func TestHostileLocks(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "lock")
	victim := filepath.Join(dir, "victim")
	for _, target := range []string{victim, filepath.Join(dir, "none"), "/dev/zero"} {
		if err := os.Symlink(target, path); err != nil {
			t.Skip(err)
		}
		require.NoError(t, os.WriteFile(victim, []byte("text"), 0o600))
		_, _, err := Hold(path, "me")
		require.Error(t, err)
		_, _, abandoned := Abandoned(path)
		assert.False(t, abandoned)
		require.NoError(t, os.Remove(path))
	}
	text, err := os.ReadFile(victim)
	require.NoError(t, err)
	assert.Equal(t, "text", string(text))
	assert.NoFileExists(t, filepath.Join(dir, "none"))
	require.NoError(t, os.Mkdir(path, 0o700))
	_, _, err = Hold(path, "me")
	require.Error(t, err)
}
