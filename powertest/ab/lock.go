package ab

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/joulebench/joulebench/internal/filelock"
)

// ErrBusy says that another run takes samples in the same directory: one of them would
// be judged by the samples of the other.
var ErrBusy = errors.New("another ab takes samples there")

// lockDir locks a directory for the samples of one run, until release. The system
// unlocks it however the run ends.
func lockDir(dir string) (release func(), err error) {
	host, _ := os.Hostname() // it may have no name
	who := fmt.Sprintf("process %d on %s since %s", os.Getpid(), host, time.Now().Format(time.RFC3339))
	release, err = filelock.Hold(filepath.Join(dir, "ab.lock"), who)
	var held *filelock.HeldError
	switch {
	case errors.As(err, &held):
		return nil, fmt.Errorf("%s: %w: %s\nwait until it has ended, or give another directory with -o", filepath.Clean(dir), ErrBusy, held.Holder)
	case err != nil:
		return nil, fmt.Errorf("%w\ngive a directory that can be locked with -o", err)
	}
	return release, nil
}
