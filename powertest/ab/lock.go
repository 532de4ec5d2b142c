package ab

import (
	"errors"
	"fmt"
	"path/filepath"

	"github.com/joulebench/joulebench/internal/filelock"
	"github.com/joulebench/joulebench/internal/process"
)

// ErrBusy says that another run takes samples in the same directory: one of them would
// be judged by the samples of the other.
var ErrBusy = errors.New("another ab takes samples there")

// lockDir locks a directory for the samples of one run, until release. The system
// unlocks it however the run ends.
//
// What a run that was killed there has left is ended, and reported.
func lockDir(dir string, report func(string, ...any)) (release func(), err error) {
	left, release, err := filelock.Hold(filepath.Join(dir, "ab.lock"), process.Self())
	var held *filelock.HeldError
	switch {
	case errors.As(err, &held):
		return nil, fmt.Errorf("%s: %w: %s\nwait until it has ended, or give another directory with -o", filepath.Clean(dir), ErrBusy, held.Holder)
	case err != nil:
		return nil, fmt.Errorf("%w\ngive a directory that can be locked with -o", err)
	}
	for _, p := range process.EndLeft(left) {
		report("%s, which a run that was killed has left, was ended", p)
	}
	return release, nil
}
