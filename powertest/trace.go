package powertest

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
)

// traces numbers the files of this process.
var traces atomic.Int64

// writeTrace writes the result to a new file in dir; an empty dir means that
// none is wanted. The file appears under its name when it is complete.
func writeTrace(dir string, res result) error {
	if dir == "" {
		return nil
	}
	data, err := json.MarshalIndent(res, "", "\t")
	if err != nil {
		return fmt.Errorf("POWERTEST_TRACE=%s: %w", dir, err)
	}
	tmp, err := os.CreateTemp(dir, ".trace-*")
	if err != nil {
		return fmt.Errorf("POWERTEST_TRACE=%s must be a directory that can be written to: %w", dir, err)
	}
	defer os.Remove(tmp.Name())
	_, err = tmp.Write(append(data, '\n'))
	if cerr := tmp.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		name := fmt.Sprintf("%s-%d.%d.%d.json", fileName(res.Benchmark), res.Procs, os.Getpid(), traces.Add(1))
		err = os.Rename(tmp.Name(), filepath.Join(dir, name))
	}
	if err != nil {
		return fmt.Errorf("POWERTEST_TRACE=%s: %w", dir, err)
	}
	return nil
}

// fileName makes a benchmark's name or a UUID fit for a file's name.
func fileName(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', strings.ContainsRune("-_=.", r):
			return r
		}
		return '_'
	}, s)
}
