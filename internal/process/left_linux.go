package process

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// EndLeft kills what was started with the [Mark] of a process that is no more, by what its
// Self was, and returns the names of what it has killed. Elsewhere than on Linux it finds
// nothing.
func EndLeft(self string) (ended []string) {
	var pid int
	if _, err := fmt.Sscanf(self, "process %d on ", &pid); err != nil || strings.ContainsRune(self, 0) {
		return nil
	}
	if there(pid) {
		return nil // who says that it is another one?
	}
	// What is killed may have started something meanwhile.
	for range 3 {
		more := endMarked(self)
		if ended = append(ended, more...); len(more) == 0 {
			break
		}
	}
	return ended
}

// there reports whether there is a process with an id that has not ended, nor waits for
// its parent to take note of that.
func there(pid int) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	_, state, _ := bytes.Cut(stat[bytes.LastIndexByte(stat, ')')+1:], []byte(" "))
	return pid <= 0 || !errors.Is(err, fs.ErrNotExist) && !bytes.HasPrefix(state, []byte("Z"))
}

// endMarked kills the processes of this user that have a mark.
func endMarked(self string) (ended []string) {
	list, _ := filepath.Glob("/proc/[0-9]*/environ")
	for _, path := range list {
		dir := filepath.Dir(path)
		pid, err := strconv.Atoi(filepath.Base(dir))
		if err != nil || pid == os.Getpid() {
			continue
		}
		// The process that is found is the one that is killed, also if its number is given
		// to another meanwhile.
		p, err := os.FindProcess(pid)
		if err != nil {
			continue
		}
		environ, err := os.ReadFile(path)
		if err == nil && bytes.Contains(append([]byte{0}, environ...), []byte("\x00"+marker+self+"\x00")) && p.Kill() == nil {
			name, _ := os.ReadFile(filepath.Join(dir, "comm"))
			ended = append(ended, fmt.Sprintf("process %d (%s)", pid, bytes.TrimSpace(name)))
		}
		_ = p.Release()
	}
	return ended
}
